declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Position of a frame in its stream: 1, 2, 3 … without a gap (I1); 0 is "before the first". */
export type Seq = Brand<number, "Seq">;
/** Name of a stream: `job:…`, `space:…`, or what a producer chose. */
export type StreamId = Brand<string, "StreamId">;
/** Name of a space: a tenant's isolated memory. */
export type SpaceId = Brand<string, "SpaceId">;

/** Who and what a frame belongs to; free for the producer to set. */
export type Correlation = { readonly session?: string; readonly run?: string; readonly turn?: string };

/**
 * What the log holds and a client sees. `epoch` changes only when the stream's log is recreated (I2). `ts` is milliseconds
 * since the Unix epoch, taken when the frame was numbered. `id` names the entity the frame is about.
 */
export type Frame<Data = unknown> = {
  readonly stream: StreamId;
  readonly epoch: string;
  readonly seq: Seq;
  readonly ts: number;
  readonly type: string;
  readonly id: string;
  readonly data: Data;
  readonly correlation?: Correlation;
};

/** Who sent an event, and its place among that sender's events: the same triple twice is one append (I3). */
export type ProducerPosition = { readonly producer: string; readonly epoch: number; readonly seq: number };

/** A producer that reads another log: each of its events names its `position` there, and one at or before the last taken is a duplicate (I3). */
export type ProducerLog = { readonly producer: string; readonly epoch: number };

/** What a producer hands in; the sequencer makes a frame of it. */
export type StreamEvent<Data = unknown> = {
  readonly type: string;
  readonly id?: string;
  readonly data: Data;
  /** The data as JSON text when it is at hand: spliced into the frame as it is. Well-formed, and equal to `data`. */
  readonly json?: string;
  readonly correlation?: Correlation;
  /** The same id twice in one stream is one append (I3). */
  readonly messageId?: string;
  /** Its place in the producer's own log: `<ms>-<n>`, as Redis streams number, or decimal digits. Places grow, and may leave numbers out. */
  readonly position?: string;
};
