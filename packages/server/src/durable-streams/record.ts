import type { StreamId } from "@millrace/protocol";

/** What a stream was asked to be when it was made: the same request again confirms it, another is a conflict. */
export type StreamConfig = {
  readonly ttlSeconds?: number;
  /** As it was sent. */
  readonly expiresAt?: string;
  /** Path of the source, the position the fork begins at, and the sub-offset as it was sent. */
  readonly forkedFrom?: string;
  readonly forkAt?: number;
  readonly subOffset?: number;
};

/** Who closed a stream: the same request again is a repetition, another a conflict. */
export type ProducerTriple = { readonly id: string; readonly epoch: number; readonly seq: number };

/** One durable stream as it is stored. */
export type StreamRecord = {
  /** Unique over all streams there ever were; a number of milliseconds that only grows. */
  readonly id: number;
  readonly path: string;
  readonly name: StreamId;
  /** The id of the stream at the root of its forks. */
  readonly generation: number;
  readonly contentType: string;
  readonly config: StreamConfig;
  readonly ttlSeconds: number | undefined;
  readonly expiresAt: string | undefined;
  readonly expiresMs: number | undefined;
  readonly accessedMs: number;
  readonly isClosed: boolean;
  readonly closedBy: ProducerTriple | undefined;
  /** The last Stream-Seq. */
  readonly lastSeq: string | undefined;
  /** Id of the source of a fork. */
  readonly source: number | undefined;
  /** Messages shared with the source: frame `seq` of this stream's own log is at position `base + seq`. */
  readonly base: number;
  /** Forks that read through this stream. */
  readonly forks: number;
  /** Deleted, and kept because forks read through it. */
  readonly isHidden: boolean;
  /** Changes so far: a change is kept only when it follows the one it was decided upon. */
  readonly version: number;
};

/** A part of a stream's positions, and the log that holds them: positions from + 1 to `to` are frames 1 and on of `name`. */
export type Segment = { readonly name: StreamId; readonly from: number; readonly to: number };

export type ProducerState = { readonly id: string; readonly epoch: number; readonly seq: number };

/** All that is needed to serve a stream. */
export type OpenedStream = {
  readonly record: StreamRecord;
  /** Heard least recently first. */
  readonly producers: readonly ProducerState[];
  /** Those of its sources, the root first, and its own last. */
  readonly segments: readonly Segment[];
};
