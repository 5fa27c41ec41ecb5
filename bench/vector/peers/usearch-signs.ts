/**
 * USearch over 1-bit codes in its best use: signs of what differs from the mean, Hamming distance, and every candidate of the beam ranked
 * again by its f32 row, kept beside the graph, with the package's own exact search.
 */
import { MillraceError } from "@millrace/core";
import { peerVersion, requirePeer } from "./installed.ts";
import type { CompletePeerOptions, Peer } from "./peer.ts";
import { createUsearch, USEARCH_METRICS, type UsearchModule } from "./usearch.ts";

/** The mean is taken of the first rows added; more would not move it. */
const MEAN_ROWS_MAX = 2_000;

export function openUsearchSigns(options: CompletePeerOptions): Peer {
  const codes = new CentredRows(options);
  const index = createUsearch("b1", "hamming", { ...options, dims: codes.stride });
  const rank = createRanking(options);
  let effort = 64;
  return {
    name: "usearch-b1",
    version: peerVersion("usearch", options.directory),
    add: (ids, vectors) => {
      const first = codes.count;
      const centred = codes.add(ids, vectors);
      const keys = BigUint64Array.from({ length: ids.length }, (_, at) => BigInt(first + at));
      index.add(keys, centred, options.threads);
    },
    finish: () => {},
    setEffort: (value) => {
      effort = value;
    },
    search: (query, k) => {
      const { keys } = index.search(codes.centre(query), Math.max(k, effort), 1);
      if (keys.length === 0) return new Uint32Array();
      const best = rank(codes.gather(keys), query, Math.min(k, keys.length));
      return Uint32Array.from(best, (at) => codes.idOf(keys[Number(at)]));
    },
    remove: (id) => {
      const slot = codes.forget(id);
      if (slot !== undefined) index.remove(BigInt(slot));
    },
    close: () => {},
  };
}

/** Places of the k nearest of a few rows, by the package's own exact search, which reads a view of a buffer from the buffer's start. */
function createRanking({ dims, metric, directory }: CompletePeerOptions) {
  const { exactSearch } = requirePeer<UsearchModule>("usearch", directory);
  return (rows: Float32Array, query: Float32Array, k: number): BigUint64Array =>
    exactSearch(rows, Float32Array.from(query), dims, k, USEARCH_METRICS[metric], 1).keys;
}

/** The rows themselves, for ranking, and how they differ from the mean, for their signs. A slot is a row's place in order of adding. */
class CentredRows {
  /** Dimensions brought to whole bytes: the package reads past the end of a last byte that is not full. */
  readonly stride: number;
  readonly #dims: number;
  readonly #rows: Float32Array;
  readonly #ids: Uint32Array;
  readonly #slots = new Map<number, number>();
  #gathered = new Float32Array();
  #mean: Float32Array | undefined;
  #count = 0;

  constructor({ dims, capacity }: CompletePeerOptions) {
    this.stride = Math.ceil(dims / 8) * 8;
    this.#dims = dims;
    this.#rows = new Float32Array(capacity * dims);
    this.#ids = new Uint32Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** Keeps rows, and returns them centred. `too_large` beyond the capacity. */
  add(ids: Uint32Array, vectors: Float32Array): Float32Array {
    if (this.#count + ids.length > this.#ids.length) {
      throw new MillraceError("too_large", `usearch-b1 holds ${this.#ids.length} rows; open it with a larger capacity`);
    }
    this.#mean ??= meanOf(vectors, this.#dims);
    this.#rows.set(vectors, this.#count * this.#dims);
    this.#ids.set(ids, this.#count);
    const centred = new Float32Array(ids.length * this.stride);
    for (let row = 0; row < ids.length; row++) {
      const vector = vectors.subarray(row * this.#dims, (row + 1) * this.#dims);
      this.#slots.set(ids[row] ?? 0, this.#count + row);
      this.#writeCentred(vector, centred, row * this.stride);
    }
    this.#count += ids.length;
    return centred;
  }

  centre(vector: Float32Array): Float32Array {
    const centred = new Float32Array(this.stride);
    this.#writeCentred(vector, centred, 0);
    return centred;
  }

  #writeCentred(vector: Float32Array, out: Float32Array, start: number): void {
    const mean = this.#mean;
    if (mean === undefined) return;
    for (let at = 0; at < vector.length; at++) out[start + at] = (vector[at] ?? 0) - (mean[at] ?? 0);
  }

  /** Rows of these slots, one after the other; until the next call. */
  gather(slots: BigUint64Array): Float32Array {
    const length = slots.length * this.#dims;
    if (this.#gathered.length !== length) this.#gathered = new Float32Array(length);
    const gathered = this.#gathered;
    for (let at = 0; at < slots.length; at++) {
      const start = Number(slots[at] ?? 0n) * this.#dims;
      gathered.set(this.#rows.subarray(start, start + this.#dims), at * this.#dims);
    }
    return gathered;
  }

  idOf(slot: bigint | undefined): number {
    return this.#ids[Number(slot ?? 0n)] ?? 0;
  }

  /** The slot of a row that is removed. */
  forget(id: number): number | undefined {
    const slot = this.#slots.get(id);
    this.#slots.delete(id);
    return slot;
  }
}

function meanOf(vectors: Float32Array, dims: number): Float32Array {
  const rows = Math.min(MEAN_ROWS_MAX, vectors.length / dims);
  const mean = new Float64Array(dims);
  for (let row = 0; row < rows; row++) {
    for (let at = 0; at < dims; at++) mean[at] = (mean[at] ?? 0) + (vectors[row * dims + at] ?? 0) / rows;
  }
  return Float32Array.from(mean);
}
