/** How one kind of server is followed and published to: the only thing in which a peer differs from Millrace in a run. */

/** What a message that holds no frame means; nothing when it can be ignored. */
export type Control = {
  readonly isReady?: boolean;
  /** An append was taken. */
  readonly isAnswer?: boolean;
  /** To be sent at once. */
  readonly reply?: string;
  /** Why following or publishing cannot go on. */
  readonly failure?: string;
};

export type SocketPlan = {
  readonly kind: "web-socket";
  readonly path: string;
  /** Messages to send when the socket is open. */
  readonly opening: (stream: string) => readonly string[];
  readonly control: (text: string, stream: string) => Control;
};

export type FollowPlan = SocketPlan | { readonly kind: "events"; readonly path: (stream: string) => string };

export type Append = { readonly id: number; readonly stream: string; readonly payloads: readonly string[] };

export type PublishPlan =
  | (SocketPlan & { readonly message: (append: Append) => string })
  | { readonly kind: "http"; readonly request: (append: Append) => { readonly path: string; readonly body: string } };

export type Target = {
  /** What comes before a frame's number in the bytes that a subscriber gets; a payload's own is `"n":`. */
  readonly marker: string;
  readonly follow: FollowPlan;
  readonly publish: PublishPlan;
  /** Appends that may be under way in one stream without losing their order. */
  readonly appendsMax: number;
  /** Makes the streams, where that is needed. */
  readonly prepare?: (url: URL, streams: readonly string[]) => Promise<void>;
};
