/** What is measured: an index of Millrace or a peer's, by one interface. */
import { createIndex, type Metric, openIndex, type RecallTarget, type VectorIndex } from "@millrace/vector";

/** One index. Peers are contenders as they are. */
export interface Contender {
  readonly name: string;
  readonly version: string;
  add(ids: Uint32Array, vectors: Float32Array): void | Promise<void>;
  /** Settles when every row added is indexed. */
  finish(): void | Promise<void>;
  /** Beam width of the searches to come. */
  setEffort(effort: number): void;
  /** Ids of the k nearest, the nearest first. */
  search(query: Float32Array, k: number): Uint32Array | Promise<Uint32Array>;
  /** Writes the index to `path`, which does not exist yet. */
  save?(path: string): void | Promise<void>;
  /** Replaces what this index holds by what `save` wrote. */
  load?(path: string): void | Promise<void>;
  remove?(id: number): void | Promise<void>;
  close(): void | Promise<void>;
}

export type MillraceOptions = {
  readonly dims: number;
  readonly metric: Metric;
  /** What a search reaches unless an effort is set. Default: the index's own, 0.95. */
  readonly recall?: RecallTarget;
  /** Builder threads. Default 0: rows are linked inside `add`. */
  readonly workers?: number;
  /** Rows below which no graph is built; 0: graphs always. */
  readonly graphRowsMin?: number;
  /** Beam width while linking. Default: the index's own. */
  readonly efConstruction?: number;
};

/** Millrace's index as a contender. Until `setEffort` its searches follow the recall setting. */
export class MillraceContender implements Contender {
  readonly name = "millrace";
  readonly version = "this checkout";
  #index: VectorIndex;
  #search: { efSearch?: number; recall?: RecallTarget } = {};

  constructor(options: MillraceOptions) {
    this.#index = createIndex(options);
  }

  get index(): VectorIndex {
    return this.#index;
  }

  add(ids: Uint32Array, vectors: Float32Array): void {
    this.#index.addMany(ids, vectors);
  }

  finish(): Promise<void> {
    return this.#index.settle();
  }

  setEffort(effort: number): void {
    this.#search = { efSearch: effort };
  }

  /** The recall that the searches to come are to reach, in place of an effort. */
  setRecall(recall: RecallTarget): void {
    this.#search = { recall };
  }

  search(query: Float32Array, k: number): Uint32Array {
    return this.#index.search(query, k, this.#search).ids;
  }

  save(path: string): Promise<void> {
    return this.#index.save(path);
  }

  async load(path: string): Promise<void> {
    await this.#index.close();
    this.#index = await openIndex(path);
  }

  remove(id: number): void {
    this.#index.remove(id);
  }

  close(): Promise<void> {
    return this.#index.close();
  }
}
