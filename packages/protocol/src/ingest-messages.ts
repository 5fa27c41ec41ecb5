import type { Code, ErrorBody } from "@millrace/core";
import type { Lane, VectorEncoding } from "./observation-batch.ts";

/** How far a session's observations can have come, in the order in which a producer may wait for it. */
export const INGEST_MARKS = ["accepted", "durable", "searchable", "indexed"] as const;
export type IngestMark = (typeof INGEST_MARKS)[number];

/** Each number says that all observations of the session up to it have come so far. */
export type IngestWatermarks = { readonly [Mark in IngestMark]: number };

/** What the engine asks of a producer as its queues fill; `credits` follow from it. */
export type IngestFlowState = "resume" | "speed_up" | "slow_down" | "pause";

/** What one engine takes, with its real values. */
export type IngestCapabilities = {
  readonly encodings: readonly VectorEncoding[];
  readonly lanes: readonly Lane[];
  readonly dimsMax: number;
  /** Of one batch: observations, bytes of vectors and JSON, bytes of JSON. */
  readonly batchObservationsMax: number;
  readonly batchBytesMax: number;
  readonly metaBytesMax: number;
  /** Pause between pings of the engine, and how long it keeps a producer that says nothing. */
  readonly heartbeatMs: number;
  readonly idleTimeoutMs: number;
  /** Producers connected at once, all spaces together. */
  readonly sessionsMax: number;
  /** Whether the mark `durable` survives a power cut. */
  readonly isDurable: boolean;
};

/** The answer to `init`. */
export type IngestAck = {
  readonly session: string;
  /** Of every batch of the session. */
  readonly lane: Lane;
  /** All up to here is durable. */
  readonly lastAckedSeq: number;
  /** The number of the next observation that is taken; those between were taken and are not durable yet. */
  readonly nextSeq: number;
  /** Observations that may be sent beyond the last durable one. */
  readonly credits: number;
  readonly dims: number;
  readonly watermarks: IngestWatermarks;
  readonly capabilities: IngestCapabilities;
};

/** A batch of which nothing was taken; it consumed no numbers. `seq` and `count` are 0 when the message was no batch at all. */
export type IngestRefusal = {
  readonly seq: number;
  readonly count: number;
  readonly code: Code;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly nextSeq: number;
};

/** An observation that was accepted and could not be indexed. */
export type IngestDeadLetter = { readonly seq: number; readonly code: string; readonly message: string };

/** What an engine sends on `/v1/ingest`; PROTOCOL.md says when. */
export type IngestServerMessage =
  | ({ readonly op: "init_ack" } & IngestAck)
  | ({ readonly op: "ack" } & IngestWatermarks)
  | ({ readonly op: "rejected" } & IngestRefusal)
  | { readonly op: "flow"; readonly state: IngestFlowState; readonly credits: number }
  | ({ readonly op: "dead_letter" } & IngestDeadLetter)
  | ({ readonly op: "closed" } & IngestWatermarks)
  | { readonly op: "error"; readonly error: ErrorBody }
  | { readonly op: "ping" }
  | { readonly op: "pong" };

/** The answer to observations that came in the body of a request. */
export type ObserveResponse = {
  readonly session: string;
  /** Observations of this body that were not taken before. */
  readonly accepted: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly watermarks: IngestWatermarks;
};
