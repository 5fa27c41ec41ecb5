import { assert, checkInteger, MillraceError } from "@millrace/core";
import { bestKernel, isKernelSupported, KERNEL_NAMES, type KernelName } from "./kernel.ts";
import { DIMS_MAX, INDEX_BYTES_MAX, K_MAX, MEANS_MAX } from "./limits.ts";
import { type Mean, zeroMean } from "./mean.ts";
import { MeanSample } from "./mean-sample.ts";
import { checkDims, checkMetric, checkVector, type Metric, normOf } from "./metric.ts";
import { quantiseRow, unitFactor } from "./quantise.ts";
import { decodeRow, encodeRow, meanFor } from "./row-codec.ts";
import { RowStore } from "./row-store.ts";
import { type RowFilter, type ScanRequest, scanRows, zeroQueryRows } from "./scan-rows.ts";

const ID_MAX = 2 ** 32 - 1;

export type FlatIndexOptions = {
  /** 2–4,096. */
  readonly dims: number;
  readonly metric: Metric;
  /** Most bytes of memory the rows may take. Default 4 GiB; above it `add` fails with `too_large`. */
  readonly capacityBytesMax?: number;
  /** Means kept from earlier runs (`index.means`), for rows to be restored, or one known beforehand. Default: none. */
  readonly means?: readonly Mean[];
  /** Default: the fastest this runtime has. */
  readonly kernel?: KernelName;
};

export type SearchOptions = {
  readonly filter?: RowFilter;
};

/** Row ids and similarities (larger is better), best first; equal scores in order of id. */
export type SearchResult = { readonly ids: Uint32Array; readonly scores: Float32Array };

/**
 * An exact scan of quantised rows: nothing is left out and nothing is approximated but the rounding of each vector to 8 bits
 * (relative to a learned mean), so a search costs time in proportion to rows × dims. One thread at a time.
 */
export interface FlatIndex {
  readonly dims: number;
  readonly metric: Metric;
  readonly kernel: KernelName;
  /** Rows that a search can return. */
  readonly size: number;
  /** Removed rows that still take memory; at most a quarter of a segment, or 64. */
  readonly dead: number;
  /** Segments rewritten without their removed rows so far. */
  readonly compactions: number;
  /** Bytes held, all told. */
  readonly bytes: number;
  /** The means rows are coded against, the one for new rows last. Keep them (`encodeMean`) to restore encoded rows. */
  readonly means: readonly Mean[];

  /**
   * Adds a row, or replaces the one with that id. `id`: uint32 chosen by the caller. O(dims). Fails with `dimension_mismatch`,
   * `invalid_argument` (NaN, infinity) or `too_large` (index full); then nothing changed.
   */
  add(id: number, vector: Float32Array): void;
  /** `vectors` holds ids.length × dims numbers, row after row. All are checked before the first is added. */
  addMany(ids: Uint32Array | readonly number[], vectors: Float32Array): void;
  /** Adds a row made by `encode` or `encodeVector`: a checksum and a copy. `conflict` when its mean is not in `means`. */
  addEncoded(id: number, bytes: Uint8Array): void;
  /** The row as bytes to be kept (20 + dims); layout at `encodeRow`. `not_found` when there is none. */
  encode(id: number): Uint8Array;
  has(id: number): boolean;
  /** Whether there was such a row. O(1), amortised over compactions. */
  remove(id: number): boolean;
  /** The min(k, size) most similar rows (fewer when the filter allows fewer). k: 1–10,000. O(size × dims). */
  search(query: Float32Array, k: number, options?: SearchOptions): SearchResult;
}

export function createFlatIndex(options: FlatIndexOptions): FlatIndex {
  const dims = checkDims(options.dims);
  const metric = checkMetric(options.metric);
  const kernel = options.kernel ?? bestKernel();
  if (!KERNEL_NAMES.includes(kernel) || !isKernelSupported(kernel)) {
    throw new MillraceError(
      "invalid_argument",
      `kernel is "${kernel}"; this runtime has ${KERNEL_NAMES.filter(isKernelSupported)}`,
    );
  }
  const bytesMax = checkInteger("capacityBytesMax", options.capacityBytesMax ?? INDEX_BYTES_MAX, {
    min: 4 * DIMS_MAX,
    max: Number.MAX_SAFE_INTEGER,
  });
  return new ScannedIndex(metric, new RowStore({ dims, kernel, bytesMax }), {
    dims,
    kernel,
    means: checkMeans(options.means ?? [], dims),
  });
}

type Identity = { readonly dims: number; readonly kernel: KernelName; readonly means: readonly Mean[] };

class ScannedIndex implements FlatIndex {
  readonly dims: number;
  readonly metric: Metric;
  readonly kernel: KernelName;
  readonly #store: RowStore;
  /** Ordinal 0 is the zero mean; a segment's blocks name means by ordinal. */
  readonly #means: Mean[];
  readonly #codes: Int8Array;
  #sample: MeanSample | undefined;

  constructor(metric: Metric, store: RowStore, { dims, kernel, means }: Identity) {
    this.metric = metric;
    this.dims = dims;
    this.kernel = kernel;
    this.#store = store;
    this.#means = [zeroMean(dims), ...means];
    this.#codes = new Int8Array(dims);
    const sample = new MeanSample(dims, this.#mean.rows);
    this.#sample = sample.isComplete ? undefined : sample;
  }

  get size(): number {
    return this.#store.size;
  }

  get dead(): number {
    return this.#store.dead;
  }

  get compactions(): number {
    return this.#store.compactions;
  }

  get bytes(): number {
    return this.#store.bytes + (this.#sample?.bytes ?? 0) + this.#means.length * this.dims * 4;
  }

  get means(): readonly Mean[] {
    return this.#means.slice(1);
  }

  add(id: number, vector: Float32Array): void {
    checkId(id);
    checkVector("vector", vector, this.dims);
    normOf("vector", vector);
    this.#put(id, vector);
  }

  addMany(ids: Uint32Array | readonly number[], vectors: Float32Array): void {
    const { dims } = this;
    if (!(vectors instanceof Float32Array) || vectors.length !== ids.length * dims) {
      const message = `vectors holds ${vectors?.length} numbers; ${ids.length} ids of ${dims} dimensions need ${ids.length * dims}`;
      throw new MillraceError("dimension_mismatch", message);
    }
    for (let at = 0; at < ids.length; at++) {
      checkId(ids[at]);
      const vector = vectors.subarray(at * dims, (at + 1) * dims);
      checkVector(`vectors[${at}]`, vector, dims);
      normOf(`vectors[${at}]`, vector);
    }
    for (let at = 0; at < ids.length; at++) this.#put(ids[at] ?? 0, vectors.subarray(at * dims, (at + 1) * dims));
  }

  addEncoded(id: number, bytes: Uint8Array): void {
    checkId(id);
    const row = decodeRow(bytes);
    if (row.codes.length !== this.dims) {
      const message = `the stored vector has ${row.codes.length} dimensions, the index has ${this.dims}; embed its text again`;
      throw new MillraceError("dimension_mismatch", message);
    }
    if (row.metric !== this.metric) {
      throw new MillraceError(
        "conflict",
        `the stored vector is for ${row.metric}, the index for ${this.metric}; embed its text again`,
      );
    }
    const mean = this.#means.findIndex(({ id: known }) => known === row.meanId);
    if (mean < 0) {
      const message = `the stored vector is relative to mean ${row.meanId}, which the index was not given; pass it in means`;
      throw new MillraceError("conflict", message);
    }
    this.#store.put({ id, mean, scale: row.scale, bias: row.bias, codes: row.codes });
    this.#sample?.delete(id);
  }

  encode(id: number): Uint8Array {
    checkId(id);
    const row = this.#store.read(id);
    if (!row) throw new MillraceError("not_found", `the index has no row ${id}`);
    const meanId = this.#means[row.mean]?.id ?? 0;
    return encodeRow({
      metric: this.metric,
      meanId,
      scale: row.scale,
      bias: row.bias,
      codes: row.codes.slice(0, this.dims),
    });
  }

  has(id: number): boolean {
    return this.#store.has(checkId(id));
  }

  remove(id: number): boolean {
    this.#sample?.delete(checkId(id));
    return this.#store.remove(checkId(id));
  }

  search(query: Float32Array, k: number, options: SearchOptions = {}): SearchResult {
    checkVector("query", query, this.dims);
    checkInteger("k", k, { min: 1, max: K_MAX });
    const request: ScanRequest = { query, metric: this.metric, means: this.#means, k, filter: options.filter };
    const isZero = this.metric !== "l2" && query.every((value) => value === 0);
    const result = (isZero ? zeroQueryRows : scanRows)(this.#store, request).take();
    if (this.metric === "cosine") clampToUnit(result.scores);
    return result;
  }

  get #mean(): Mean {
    const mean = this.#means[this.#means.length - 1];
    assert(mean, "the zero mean is always there");
    return mean;
  }

  #put(id: number, vector: Float32Array): void {
    this.#quantiseAndStore(id, vector);
    if (this.#sample?.add(id, vector)) this.#learnMean(this.#sample);
  }

  #quantiseAndStore(id: number, vector: Float32Array): void {
    const mean = meanFor(vector, this.#mean);
    const { scale, bias } = quantiseRow(this.metric, vector, mean, this.#codes);
    const ordinal = mean.id === 0 ? 0 : this.#means.length - 1;
    this.#store.put({ id, mean: ordinal, scale, bias, codes: this.#codes });
  }

  /** Takes the mean of the sample and codes the sampled rows again, from their unrounded vectors. */
  #learnMean(sample: MeanSample): void {
    if (this.#means.length <= MEANS_MAX) {
      const mean = sample.learn((vector) => unitFactor("vector", this.metric, vector));
      if (!this.#means.some(({ id }) => id === mean.id)) {
        this.#means.push(mean);
        for (const [id, vector] of sample.vectors) this.#quantiseAndStore(id, vector);
      }
      if (!sample.isComplete) return;
    }
    this.#sample = undefined;
  }
}

function checkId(id: unknown): number {
  return checkInteger("id", id, { min: 0, max: ID_MAX });
}

/** The means in order of the rows they were learned from, so that the best is last, without repeats. */
function checkMeans(means: readonly Mean[], dims: number): Mean[] {
  if (means.length > MEANS_MAX) {
    throw new MillraceError("invalid_argument", `means holds ${means.length}; an index takes ${MEANS_MAX}`);
  }
  for (const mean of means) checkVector("mean", mean.values, dims);
  const distinct = new Map(means.filter(({ id }) => id !== 0).map((mean) => [mean.id, mean]));
  return [...distinct.values()].sort((a, b) => a.rows - b.rows);
}

/** Rounding to 8 bits can carry a cosine a little past 1. */
function clampToUnit(scores: Float32Array): void {
  for (let at = 0; at < scores.length; at++) scores[at] = Math.max(-1, Math.min(1, scores[at] ?? 0));
}
