/** The vector index of one space: an exact scan of 8-bit rows in SIMD WebAssembly. */
export {
  createFlatIndex,
  type FlatIndex,
  type FlatIndexOptions,
  type SearchOptions,
  type SearchResult,
} from "./flat-index.ts";
export {
  bestKernel,
  createKernel,
  isKernelSupported,
  KERNEL_NAMES,
  type Kernel,
  type KernelName,
  type Scan,
  type ScanArguments,
} from "./kernel.ts";
export { BLOCK_ROWS, DIMS_MAX, DIMS_MIN, K_MAX, MEANS_MAX } from "./limits.ts";
export { createMean, decodeMean, encodeMean, type Mean } from "./mean.ts";
export { METRICS, type Metric } from "./metric.ts";
export { decodeRow, type EncodedRow, type EncodeVectorOptions, encodeRow, encodeVector } from "./row-codec.ts";
export type { RowFilter } from "./scan-rows.ts";
