/** What consolidation keeps of one space, from outside of the storage threads. */
import type { Storage } from "@millrace/stream";
import { KEY_END } from "./concept-key.ts";
import type {
  ConceptInput,
  ConceptRow,
  ConsolidationReads,
  ConsolidationRow,
  ConsolidationWrites,
} from "./consolidation-module.ts";
import { CONCEPTS_AT_ONCE, LIST_PAGE_ROWS } from "./limits.ts";
import type { Grouped } from "./work.ts";

export type ListPage = { readonly page: number; readonly words: Uint32Array };

/** A concept that is new or has changed, without its ids: `place` is where in Grouped it is. */
export type ChangedConcept = { readonly place: number; readonly key: number };
type Concepts = {
  readonly keys: readonly number[];
  readonly changed: readonly ChangedConcept[];
  readonly hasOthers: boolean;
};

export class ConceptStore {
  readonly #storage: Storage;
  readonly #space: number;

  constructor(storage: Storage, space: number) {
    this.#storage = storage;
    this.#space = space;
  }

  state(): Promise<ConsolidationRow | undefined> {
    return this.#storage.read<ConsolidationReads["state"]>("consolidation.state", { space: this.#space });
  }

  concepts(after: number, limit: number): Promise<readonly ConceptRow[]> {
    return this.#storage.read<ConsolidationReads["concepts"]>("consolidation.concepts", {
      space: this.#space,
      after,
      limit,
    });
  }

  /** Rows of one page only: those before `looked`. */
  addLists(words: Uint32Array, looked: number): Promise<void> {
    const page = Math.floor((looked - 1) / LIST_PAGE_ROWS);
    const args = { space: this.#space, page, words, looked };
    return this.#storage.write<ConsolidationWrites["addLists"]>("consolidation.addLists", args);
  }

  /** So that every row is looked at anew. */
  async dropLists(): Promise<void> {
    const args = { space: this.#space };
    while (await this.#storage.write<ConsolidationWrites["dropLists"]>("consolidation.dropLists", args));
  }

  async lists(): Promise<ListPage[]> {
    const pages: ListPage[] = [];
    for (;;) {
      const args = { space: this.#space, after: pages.at(-1)?.page ?? -1 };
      const more = await this.#storage.read<ConsolidationReads["lists"]>("consolidation.lists", args);
      if (more.length === 0) return pages;
      // A copy of its own begins at a whole word.
      for (const { page, words } of more) pages.push({ page, words: new Uint32Array(words.slice().buffer) });
    }
  }

  dropPages(pages: readonly number[]): Promise<void> {
    const args = { space: this.#space, pages };
    return this.#storage.write<ConsolidationWrites["dropPages"]>("consolidation.dropPages", args);
  }

  /**
   * Makes the stored concepts those of `grouped`, a part at a time; only what is new or changed is described and written. Each concept
   * is the old or the new one at any time.
   */
  async replace(
    grouped: Grouped,
    describe: (changed: readonly ChangedConcept[]) => Promise<readonly ConceptInput[]>,
  ): Promise<void> {
    const { length } = grouped.keys;
    let after = -1;
    for (let from = 0; from === 0 || from < length; from += CONCEPTS_AT_ONCE) {
      const to = Math.min(length, from + CONCEPTS_AT_ONCE);
      const until = to === length ? KEY_END : (grouped.keys[to - 1] ?? KEY_END);
      const range = { space: this.#space, after, until };
      const { keys, changed, hasOthers } = await this.#compare(grouped, { from, to, range });
      if (changed.length > 0 || hasOthers) {
        const args = { ...range, keep: keys, concepts: await describe(changed) };
        await this.#storage.write<ConsolidationWrites["putConcepts"]>("consolidation.putConcepts", args);
      }
      after = until;
    }
  }

  async #compare(
    { keys: allKeys, digests }: Grouped,
    { from, to, range }: { from: number; to: number; range: { space: number; after: number; until: number } },
  ): Promise<Concepts> {
    const keys = Array.from(allKeys.subarray(from, to));
    const args = { ...range, keys };
    const { count, known } = await this.#storage.read<ConsolidationReads["digests"]>("consolidation.digests", args);
    const digestOf = new Map(known.map(({ key, digest }) => [key, digest]));
    const changed = keys.flatMap((key, at) => {
      const place = from + at;
      return digestOf.get(key) === digests[place] ? [] : [{ place, key }];
    });
    return { keys, changed, hasOthers: count > known.length };
  }
}
