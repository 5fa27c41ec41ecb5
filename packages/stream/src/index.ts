/** The log and its readers: sequencer, storage threads, followers, timeline. */
export { Follower, type FollowerOptions, type FollowerSink } from "./follower.ts";
export {
  ACTIVE_STREAMS_MAX,
  DATA_DEPTH_MAX,
  RING_FRAMES_MAX,
  STORAGE_CALLS_MAX,
  STREAMS_FOLLOWED_MAX,
  SUBSCRIBER_BYTES_MAX,
  SUBSCRIBER_STALL_MS,
} from "./limits.ts";
export type { StoredFrame } from "./live-stream.ts";
export { type FramePage, LogReader, type TimelinePage } from "./log-reader.ts";
export { isDeeperThan } from "./nesting.ts";
export { type Appended, type AppendOptions, Sequencer, type SequencerOptions } from "./sequencer.ts";
export { StallWatch } from "./stall-watch.ts";
export { DATABASE_FILE, openReader } from "./storage/migrate.ts";
export { rowOf, rowsOf } from "./storage/rows.ts";
export { openStorage, type Storage, type StorageOptions } from "./storage/storage.ts";
export type { Call, Operation, Operations, StorageModule } from "./storage/storage-module.ts";
export { isTerminalType, reduceFrame } from "./timeline/reducer.ts";
