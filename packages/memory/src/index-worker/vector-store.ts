import { WorkerClient } from "../worker-client.ts";
import { indexWorkerUrl } from "../worker-url.ts";

export type LoadArgs = { readonly space: number; readonly dims: number };
export type PutArgs = {
  readonly space: number;
  readonly dims: number;
  readonly removed: readonly number[];
  readonly added: readonly number[];
  /** added.length × dims. */
  readonly vectors: Float32Array;
};
export type SearchArgs = { readonly space: number; readonly query: Float32Array; readonly k: number };
export type SimilarityArgs = { readonly space: number; readonly query: Float32Array; readonly ids: readonly number[] };
export type HitsReply = { readonly ids: Uint32Array; readonly scores: Float32Array };

/** The vectors of all spaces, held by the index thread. A space is loaded once, at its first use. */
export class VectorStore implements AsyncDisposable {
  readonly #worker: WorkerClient;
  readonly #loaded = new Map<number, Promise<number>>();

  /** `directory` holds the store, which the thread reads for itself. */
  constructor(directory: string) {
    this.#worker = new WorkerClient(indexWorkerUrl, "index", { directory });
  }

  get depth(): number {
    return this.#worker.depth;
  }

  /** Reads the space's vectors from the store unless they are in memory; settles with their count at that time. */
  load(args: LoadArgs): Promise<number> {
    const found = this.#loaded.get(args.space);
    if (found) return found;
    const loading = this.#worker.call<number>("load", args);
    this.#loaded.set(args.space, loading);
    loading.catch(() => this.#loaded.delete(args.space));
    return loading;
  }

  /** After it settles the change is in every search (I11). The buffer of `vectors` is moved to the thread. */
  async put(args: PutArgs): Promise<void> {
    await this.load(args);
    await this.#worker.call("put", args, [args.vectors.buffer as ArrayBuffer]);
  }

  async search(dims: number, args: SearchArgs): Promise<HitsReply> {
    await this.load({ space: args.space, dims });
    return this.#worker.call("search", args);
  }

  /** Similarity of those of the ids that are there, in any order. */
  async similarities(dims: number, args: SimilarityArgs): Promise<HitsReply> {
    await this.load({ space: args.space, dims });
    return this.#worker.call("similarities", args);
  }

  async drop(space: number): Promise<void> {
    if (!this.#loaded.delete(space)) return;
    await this.#worker.call("drop", { space });
  }

  /** Bytes of index memory over all spaces. */
  size(): Promise<number> {
    return this.#worker.call("size", null);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#worker[Symbol.asyncDispose]();
  }
}
