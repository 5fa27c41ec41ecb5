import type { AppendResponse, Entity, Frame, Gap, MillraceError } from "@millrace/protocol";

/** A stream's state: it covers the frames to `asOfSeq`; those after `<epoch>:<asOfSeq>` complete it (I8). */
export type Snapshot = {
  readonly stream: string;
  readonly epoch: string;
  readonly asOfSeq: number;
  readonly entities: readonly Entity[];
  /** There are more entities: read on with it in the timeline. */
  readonly next?: string;
};

/** What a subscription hears from its link, in order. After `lost` it hears nothing more. */
export type LinkSink = {
  /** The engine follows the stream now, from after `after` of `epoch`. */
  subscribed(place: Place): void;
  /** `chars` is about how large the frames are as JSON. */
  frames(frames: readonly Frame[], chars: number): void;
  gap(gap: Gap): void;
  snapshot(snapshot: Snapshot): void;
  /** Frames up to here, of those that came, are safe from a power cut. */
  durable(seq: number): void;
  /** The connection shows life without frames. */
  alive(): void;
  /** Nothing more will come. The subscription asks again unless the error is not retryable. */
  lost(error: MillraceError): void;
};

export type Place = {
  readonly epoch: string;
  readonly head: number;
  readonly after: number;
  readonly durable?: number;
};

export type LinkRequest = {
  readonly stream: string;
  readonly after: string | undefined;
  /** Frames that may come beyond the last one acknowledged; undefined for no such limit. */
  readonly window?: number | undefined;
  /** Whether to hear how far frames are durable. */
  readonly durable?: boolean;
  /** Whether the stream's state comes first when there is no cursor, and after a gap. */
  readonly snapshot?: boolean;
};

/** What a link follows for one subscription. */
export type Followed = { close(): void; acknowledge(seq: number): void };

/** What a writer hears of its appends. After `lost` it hears nothing more. */
export type AppendSink = {
  /** Appends can be sent now. */
  ready(): void;
  appended(id: number, answer: AppendResponse): void;
  refused(id: number, error: MillraceError): void;
  /** The connection is gone. An append without an answer may have been taken or not. */
  lost(error: MillraceError): void;
};

/** A way for appends. `fields` are the members of an append request as JSON; the result numbers its answer. */
export type AppendLine = { send(stream: string, fields: string): number; close(): void };

/** The way to the engine's streams: one WebSocket for all, or requests of their own. Never calls a sink before it has returned. */
export interface Link {
  /** Follows until it is closed or the sink hears `lost`. */
  open(request: LinkRequest, sink: LinkSink): Followed;
  /** Takes appends until it is closed or the sink hears `lost`. Answers come in any order. */
  openAppends(sink: AppendSink): AppendLine;
  close(): void;
}
