/** What was found wrong with a log. */
import { FINDINGS_MAX } from "./limits.ts";

/**
 * - `torn`: a write that did not come to its end; nothing of it was ever said to be durable. Opening cuts it off.
 * - `damaged`: bytes that are not what was written; the records in them are passed over.
 * - `index-damaged`: the index at the end of a file; its records were found by walking over them.
 * - `file-damaged`: neither end of a file can be read; all its records are passed over.
 * - `file-missing`, `file-resized`: not as it was when the log was closed.
 * - `rows-repeated`: a row number given twice.
 * - `rows-missing`: numbers that no record has, though none was reclaimed: appends that were refused, or damage.
 */
export type FindingKind =
  | "torn"
  | "damaged"
  | "index-damaged"
  | "file-damaged"
  | "file-missing"
  | "file-resized"
  | "rows-repeated"
  | "rows-missing";

export type LogFinding = {
  readonly kind: FindingKind;
  readonly file: number;
  readonly offset: number;
  readonly bytes: number;
  /** What was there, as far as it can be told. */
  readonly space?: number;
  readonly firstRow?: number;
  readonly count?: number;
  readonly message: string;
};

/** What is no sign of damage. */
const HARMLESS: ReadonlySet<FindingKind> = new Set(["torn", "rows-missing"]);

/** The first findings; the rest is counted. */
export class Findings {
  readonly list: LogFinding[] = [];
  count = 0;
  /** Those that mean that something durable is gone or wrong. */
  harmful = 0;

  add(finding: LogFinding): void {
    this.count++;
    if (!HARMLESS.has(finding.kind)) this.harmful++;
    if (this.list.length < FINDINGS_MAX) this.list.push(finding);
  }
}
