import type { Frame, Gap, MillraceError } from "@millrace/protocol";

/** What a subscription hears from its link, in order. After `lost` it hears nothing more. */
export type LinkSink = {
  /** The engine follows the stream now, from after `after` of `epoch`. */
  subscribed(place: { readonly epoch: string; readonly head: number; readonly after: number }): void;
  /** `chars` is about how large the frames are as JSON. */
  frames(frames: readonly Frame[], chars: number): void;
  gap(gap: Gap): void;
  /** The connection shows life without frames. */
  alive(): void;
  /** Nothing more will come. The subscription asks again unless the error is not retryable. */
  lost(error: MillraceError): void;
};

export type LinkRequest = { readonly stream: string; readonly after: string | undefined };

/** A way to follow streams: one WebSocket for all of them, or one event stream each. */
export interface Link {
  /** Follows until the returned function is called or the sink hears `lost`. Never calls the sink before it has returned. */
  open(request: LinkRequest, sink: LinkSink): () => void;
  close(): void;
}
