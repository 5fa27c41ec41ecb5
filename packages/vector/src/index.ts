/** The vector index of one space: approximate nearest neighbours while rows are added, replaced and removed. */
export { type CodesArray, type CodesKind, MEASURES, type Measure, type MeasureOf } from "./distances/codes.ts";
export {
  bestDistanceBuild,
  createDistances,
  DISTANCE_BUILDS,
  type DistanceBuild,
  type Distances,
  type DistancesOptions,
  isDistanceBuildSupported,
  type MeasureOptions,
} from "./distances/distances.ts";
export type { DamagedPart, LostRows, Mended } from "./files/damage.ts";
export { type OpenOptions, openIndex, type Rebuild, type RebuiltRow } from "./files/open-index.ts";
export type { IndexOptions } from "./index-options.ts";
export { BEAM_MAX, DIMS_MAX, DIMS_MIN, K_MAX, READERS_MAX, RECALL_STEPS, WORKERS_MAX } from "./limits.ts";
export { METRICS, type Metric } from "./metric.ts";
export type { ReleasedIndex } from "./owner/release.ts";
export type { SharedIndex } from "./owner/sharing.ts";
export { type IndexReader, openReader } from "./reader.ts";
export type { IdFilter, RecallTarget, SearchResult } from "./search.ts";
export { abandonBuild, type BuildRun, runBuild, type SegmentBuild } from "./segment/run-build.ts";
export { adoptIndex, createIndex, type SearchOptions, type SegmentStats, type VectorIndex } from "./vector-index.ts";
