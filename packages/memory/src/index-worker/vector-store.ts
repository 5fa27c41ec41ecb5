import { WorkerClient } from "../worker-client.ts";
import { indexWorkerUrl } from "../worker-url.ts";

/** Which vectors of which space. A space has a second set while its documents are embedded anew. */
export type SetPlace = { readonly space: number; readonly set: number; readonly dims: number };
export type PutArgs = SetPlace & {
  /** Taken out of every set of the space. */
  readonly removed: readonly number[];
  readonly added: readonly number[];
  /** added.length × dims. */
  readonly vectors: Float32Array;
};
export type SearchArgs = SetPlace & { readonly query: Float32Array; readonly k: number };
export type SimilarityArgs = SetPlace & { readonly query: Float32Array; readonly ids: readonly number[] };
export type HitsReply = { readonly ids: Uint32Array; readonly scores: Float32Array };

/** Where the vectors are that a space answers from. */
export function placeOf(row: { readonly id: number; readonly vectorSet: number; readonly dims: number }): SetPlace {
  return { space: row.id, set: row.vectorSet, dims: row.dims };
}

/** The vectors of all spaces, held by the index thread. A set is loaded once, at its first use. */
export class VectorStore implements AsyncDisposable {
  readonly #worker: WorkerClient;
  /** By space, then by set. */
  readonly #loaded = new Map<number, Map<number, Promise<number>>>();

  /** `directory` holds the store, which the thread reads for itself. */
  constructor(directory: string) {
    this.#worker = new WorkerClient(indexWorkerUrl, "index", { directory });
  }

  get depth(): number {
    return this.#worker.depth;
  }

  /**
   * Reads a set from the store unless it is in memory; settles with the count of its vectors at that time. `not_found` when it is neither
   * the space's nor in the making.
   */
  load({ space, set, dims }: SetPlace): Promise<number> {
    const sets = this.#loaded.get(space) ?? new Map<number, Promise<number>>();
    const found = sets.get(set);
    if (found) return found;
    const loading = this.#worker.call<number>("load", { space, set, dims });
    this.#loaded.set(space, sets.set(set, loading));
    loading.catch(() => sets.delete(set));
    return loading;
  }

  /** After it settles the change is in every search (I11). The buffer of `vectors` is moved to the thread. */
  async put(args: PutArgs): Promise<void> {
    await this.load(args);
    await this.#worker.call("put", args, [args.vectors.buffer as ArrayBuffer]);
  }

  async search(args: SearchArgs): Promise<HitsReply> {
    await this.load(args);
    return this.#worker.call("search", args);
  }

  /** Similarity of those of the ids that are there, in any order. */
  async similarities(args: SimilarityArgs): Promise<HitsReply> {
    await this.load(args);
    return this.#worker.call("similarities", args);
  }

  /** Lets a set go from memory, or all sets of a space. */
  async drop(space: number, set?: number): Promise<void> {
    const sets = this.#loaded.get(space);
    const isLoaded = set === undefined ? this.#loaded.delete(space) : sets?.delete(set);
    if (isLoaded) await this.#worker.call("drop", { space, set });
  }

  /** Bytes of index memory over all spaces. */
  size(): Promise<number> {
    return this.#worker.call("size", null);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#worker[Symbol.asyncDispose]();
  }
}
