/** The log and its readers: sequencer, storage threads, followers, timeline. */
export { Batch } from "./batch.ts";
export { compactFrame } from "./compact-frame.ts";
export { encodeFrame, type FrameBody } from "./encode-frame.ts";
export { Follower, type FollowerOptions, type FollowerSink, type FollowStart } from "./follower.ts";
export { FrameRing } from "./frame-ring.ts";
export type { LifecycleRow } from "./lifecycle/entity-table.ts";
export { LifecycleCounters, type LifecycleRefusal } from "./lifecycle/lifecycle-counters.ts";
export { type LifecycleLimits, Lifecycles } from "./lifecycle/lifecycles.ts";
export {
  ANOMALIES,
  type Anomaly,
  KINDS,
  type Kind,
  LIFECYCLE,
  type LifecycleTable,
  STATES,
  type State,
  type Step,
} from "./lifecycle/table.ts";
export {
  ACTIVE_STREAMS_MAX,
  DATA_DEPTH_MAX,
  RING_FRAMES_MAX,
  STORAGE_CALLS_MAX,
  STREAMS_FOLLOWED_MAX,
  SUBSCRIBER_BYTES_MAX,
  SUBSCRIBER_STALL_MS,
} from "./limits.ts";
export { LiveStream } from "./live-stream.ts";
export { type FramePage, LogReader, type TimelinePage } from "./log-reader.ts";
export { isDeeperThan } from "./nesting.ts";
export { exportFrames, type FrameExport } from "./retention/export.ts";
export { checkTrimmable, type RetentionDefaults, type RetentionPolicy } from "./retention/policy.ts";
export { Retention, type RetentionOptions, type RetentionState, type RetentionStats } from "./retention/retention.ts";
export {
  type Accepted,
  type Appended,
  type AppendOptions,
  type Mode,
  Sequencer,
  type SequencerOptions,
  type Submitted,
} from "./sequencer.ts";
export { StallWatch } from "./stall-watch.ts";
export type { CommitFigures } from "./storage/commit-meter.ts";
export { DATABASE_FILE, openReader } from "./storage/migrate.ts";
export { rowOf, rowsOf } from "./storage/rows.ts";
export { openStorage, type Storage, type StorageOptions } from "./storage/storage.ts";
export type { Call, Operation, Operations, StorageModule } from "./storage/storage-module.ts";
export type { StoredFrame } from "./stored-frame.ts";
export { isTerminalType, reduceFrame } from "./timeline/reducer.ts";
export { anthropicTranslators } from "./translate/anthropic.ts";
export { openAiTranslators } from "./translate/openai.ts";
export { compareProducerSeqs, redisProducerSeq } from "./translate/redis-position.ts";
export type { TranslatorState } from "./translate/translator-states.ts";
export {
  createTranslators,
  type Translator,
  type TranslatorCounts,
  type TranslatorSet,
  Translators,
  type TranslatorsOptions,
} from "./translate/translators.ts";
export type { Finding, FindingCheck, VerifyReport } from "./verify/report.ts";
export { type VerifyOptions, verifyStore } from "./verify/verify.ts";
export { retentionModuleUrl } from "./worker-url.ts";
