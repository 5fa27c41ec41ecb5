/** What a producer of observations holds: the contract of ingest inside the process, which HTTP and WebSocket carry outside. */
import type { Lane, ObservationBatch, SpaceId } from "@millrace/protocol";

/** How far a session's observations have come: each number says that all up to it have. */
export type Watermarks = {
  /** Taken into a lane. */
  readonly accepted: number;
  /** On disk: survives a power cut. */
  readonly durable: number;
  /** In every recall that begins now. */
  readonly searchable: number;
  /** In the form that its index will keep. */
  readonly indexed: number;
};

/** What the engine asks of a producer as its queues fill; `credits` follows from it. */
export type FlowState = "resume" | "speed_up" | "slow_down" | "pause";

export type SessionEvents = {
  /** Some watermark moved; at most once a turn of the event loop. */
  readonly onProgress?: (watermarks: Watermarks) => void;
  /** The credits changed: observations that may be sent beyond `durable`. */
  readonly onFlow?: (flow: { readonly credits: number; readonly state: FlowState }) => void;
  /** Accepted, but could not be indexed: it is on the space's dead-letter list. */
  readonly onDeadLetter?: (letter: { readonly seq: number; readonly code: string; readonly message: string }) => void;
};

export type OpenSessionRequest = {
  readonly space: SpaceId;
  /** Goes on with this session; default a new one. 1 to 32 letters, digits, `-`, `_`. */
  readonly session?: string;
  /** Of every batch of the session, since one order holds in a session; default `normal`. */
  readonly lane?: Lane;
  /** It is not remembered once closed: nothing can be resumed or recognised as sent before. `session` must be absent. */
  readonly isEphemeral?: boolean;
  /** Needed when the space is to be made for vectors without a model; else must be the space's. */
  readonly dims?: number;
  /** Credits asked for; the engine gives as many at most. */
  readonly credits?: number;
} & SessionEvents;

/**
 * Observations of one producer into one space, numbered from 1 without a gap. A refused batch does not consume numbers: the next one
 * accepted has the same `firstSeq`. One opener at a time; opening a session again ends the hold of the one before.
 */
export interface IngestSession {
  readonly id: string;
  readonly space: SpaceId;
  readonly dims: number;
  readonly lane: Lane;
  /** The next number that is accepted; after a restart, the one after the last that is durable. */
  readonly nextSeq: number;
  readonly credits: number;
  readonly watermarks: Watermarks;
  /**
   * Takes a batch, whole or not at all, and copies what it keeps. What was taken before (all of it, or its first part) is a no-op.
   * `firstSeq` 0 stands for nextSeq.
   * Throws `sequence_gap` when it begins after nextSeq, `overloaded` with `retryAfterMs` when lane, memory or quota are full,
   * `rate_limited` when more is under way than the credits allow, `dimension_mismatch`, `invalid_argument`, `too_large`,
   * `unavailable`.
   */
  submit(batch: ObservationBatch): void;
  /** Resolves when all that was accepted has reached the mark; rejects with `unavailable` when it will not. */
  reached(mark: keyof Watermarks, signal?: AbortSignal): Promise<void>;
  /** Waits until all that was accepted is searchable, then gives the session's hold up. It can be opened again. */
  close(): Promise<Watermarks>;
}

/** Why some of what was sent was refused, and how often. */
export type RefusalCounts = Readonly<Record<string, number>>;

export type LaneFigures = { readonly lane: Lane; readonly depth: number; readonly bytes: number };
