import { MillraceError } from "@millrace/core";
import type { SectionName } from "./format.ts";

/** Where a file is not what was written. `file`: it is missing; `length`: bytes follow its end; `header`: what describes the rest. */
export type DamagedPart = SectionName | "file" | "header" | "length";

/** Damage that was found in a file, and what was done about it. */
export type Mended = {
  /** Name in the directory. */
  readonly file: string;
  readonly part: DamagedPart;
  /**
   * `copied`: taken from its second copy; `linked`: the graph is built again; `rebuilt`: rows were lost and asked from `rebuild`;
   * `ignored`: bytes that do not belong there.
   */
  readonly how: "copied" | "linked" | "rebuilt" | "ignored";
  /** Rows of the file that could be found when it was saved. */
  readonly rows: number;
  /** Of these, the rows that `rebuild` did not give: they are no longer in the index. */
  readonly missing: number;
};

/** Rows whose vectors are lost. */
export type LostRows = { readonly ids: Uint32Array };

/** What was lost and cannot be had back without help. `storage_failed`, not worth another try. */
export function refusal(directory: string, damage: readonly Mended[]): MillraceError {
  const rows = new Map(damage.map((one) => [one.file, one.rows]));
  const lost = [...rows.values()].reduce((sum, count) => sum + count, 0);
  const parts = damage.slice(0, 4).map(({ file, part }) => `${part === "file" ? "all" : part} of ${file}`);
  const more = damage.length > 4 ? ` and ${damage.length - 4} more` : "";
  const message = `damaged or missing in ${directory}: ${parts.join(", ")}${more}; ${lost} rows are lost: open with the option rebuild, which gives them again, or restore the directory from a backup`;
  return new MillraceError("storage_failed", message, { retryable: false });
}
