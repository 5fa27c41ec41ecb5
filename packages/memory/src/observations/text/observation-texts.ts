import type { ObservationMeta } from "@millrace/protocol";
import type { Storage } from "@millrace/stream";
import type { ObservationText, TextReads, TextWrites } from "./text-module.ts";

/** The words of observations, as full text finds them. */
export class ObservationTexts {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  put(space: number, texts: readonly ObservationText[], rows: number): Promise<void> {
    return this.#storage.write<TextWrites["putTexts"]>("observations.putTexts", { space, texts, rows });
  }

  async remove(space: number, rows: readonly number[]): Promise<void> {
    await this.#storage.write<TextWrites["removeTexts"]>("observations.removeTexts", { space, rows });
  }

  trim(space: number, rows: number): Promise<void> {
    return this.#storage.write<TextWrites["trimTexts"]>("observations.trimTexts", { space, rows });
  }

  drop(space: number): Promise<void> {
    return this.#storage.write<TextWrites["dropTexts"]>("observations.dropTexts", { space });
  }

  async rowsOf(): Promise<ReadonlyMap<number, number>> {
    const known = await this.#storage.read<TextReads["textRows"]>("observations.textRows", null);
    return new Map(known.map(({ space, rows }) => [space, rows]));
  }

  match(space: number, match: string, limit: number) {
    return this.#storage.read<TextReads["matchTexts"]>("observations.matchTexts", { space, match, limit });
  }
}

/** What of a batch is words. */
export function textsOf(firstRow: number, metas: readonly (ObservationMeta | null)[]): ObservationText[] {
  return metas.flatMap((meta, at) => {
    if (!meta) return [];
    const { text = "", what, where, who, why } = meta;
    const labels = [what, where, who, why].filter((label) => label !== undefined).join("\n");
    return text === "" && labels === "" ? [] : [{ row: firstRow + at, text, labels }];
  });
}
