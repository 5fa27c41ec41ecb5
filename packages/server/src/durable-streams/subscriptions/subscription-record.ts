/** What a subscription is asked to be. Two requests that ask for the same have the same JSON: the keys are written in this order. */
export type SubscriptionConfig = {
  readonly type: "webhook" | "pull-wake";
  readonly pattern?: string;
  /** Streams named one by one, sorted. */
  readonly streams: readonly string[];
  readonly webhookUrl?: string;
  readonly wakeStream?: string;
  readonly leaseMs: number;
  readonly description?: string;
};

/** Where a subscription stands between being woken and being done. */
export type WakeState = {
  readonly status: "active" | "failed";
  /** Counts wakes: who holds an older one is fenced off. */
  readonly generation: number;
  readonly wakeId: string | null;
  /** The worker that claimed the wake. */
  readonly holder: string | null;
  /** Until when the wake is somebody's; null while it waits to be claimed or delivered. */
  readonly leaseUntilMs: number | null;
  /** Failed deliveries of this wake. */
  readonly tries: number;
};

export type SubscriptionRecord = {
  readonly id: string;
  readonly config: SubscriptionConfig;
  readonly createdMs: number;
  readonly state: WakeState;
};

/** One stream of a subscription, in the words of the protocol. */
export type LinkedStream = {
  readonly path: string;
  readonly link_type: "glob" | "explicit";
  readonly acked_offset: string;
  readonly tail_offset: string;
  readonly has_pending: boolean;
};

export type Ack = { readonly path: string; readonly offset: string };

/** The acknowledged offset of a stream that is linked before its first message is. */
export const BEFORE_FIRST = "-1";

export const ASLEEP: Omit<WakeState, "generation"> = {
  status: "active",
  wakeId: null,
  holder: null,
  leaseUntilMs: null,
  tries: 0,
};
