import type { ProducerState, ProducerTriple } from "./record.ts";

/** What of a stream decides whether a write is taken. */
export type WriteState = {
  readonly isClosed: boolean;
  readonly closedBy: ProducerTriple | undefined;
  readonly lastSeq: string | undefined;
  readonly mediaType: string;
  /** What is known of the request's producer. */
  readonly known: ProducerState | undefined;
};

/** What of a request decides it. */
export type WriteIntent = {
  readonly producer: ProducerTriple | undefined;
  /** Stream-Seq. */
  readonly seq: string | undefined;
  /** Undefined for a request that only closes, whose content type has no meaning. */
  readonly mediaType: string | undefined;
};

export type Verdict =
  | { readonly kind: "accepted" }
  /** Kept already; `seq` is the producer's highest. */
  | { readonly kind: "duplicate"; readonly seq: number }
  | { readonly kind: "stale_epoch"; readonly epoch: number }
  | { readonly kind: "epoch_start"; readonly seq: number }
  | { readonly kind: "producer_gap"; readonly expected: number; readonly received: number }
  | { readonly kind: "closed" }
  | { readonly kind: "already_closed" }
  | { readonly kind: "other_type" }
  | { readonly kind: "seq_regressed"; readonly last: string };

/**
 * Whether a write is taken: the protocol's rules, without any state of their own. A repetition is told before everything that could have
 * changed since the first time, so that a retry is never refused for its own success (I3).
 */
export function judge(state: WriteState, intent: WriteIntent): Verdict {
  const { producer, seq, mediaType } = intent;
  const byProducer = producer && judgeProducer(state.known, producer);
  if (state.isClosed) return judgeClosed(byProducer, intent);
  if (mediaType !== undefined && mediaType !== state.mediaType) return { kind: "other_type" };
  if (byProducer && byProducer.kind !== "accepted") return byProducer;
  // Byte-wise, as the protocol asks: header values are Latin-1, of which code units are the bytes.
  if (seq !== undefined && state.lastSeq !== undefined && seq <= state.lastSeq)
    return { kind: "seq_regressed", last: state.lastSeq };
  return { kind: "accepted" };
}

function judgeClosed(byProducer: Verdict | undefined, { producer, mediaType }: WriteIntent): Verdict {
  if (byProducer?.kind === "duplicate" || byProducer?.kind === "stale_epoch") return byProducer;
  return producer === undefined && mediaType === undefined ? { kind: "already_closed" } : { kind: "closed" };
}

function judgeProducer(known: ProducerState | undefined, { epoch, seq }: ProducerTriple): Verdict {
  if (!known) return seq === 0 ? { kind: "accepted" } : { kind: "producer_gap", expected: 0, received: seq };
  if (epoch < known.epoch) return { kind: "stale_epoch", epoch: known.epoch };
  if (epoch > known.epoch) return seq === 0 ? { kind: "accepted" } : { kind: "epoch_start", seq };
  if (seq <= known.seq) return { kind: "duplicate", seq: known.seq };
  if (seq > known.seq + 1) return { kind: "producer_gap", expected: known.seq + 1, received: seq };
  return { kind: "accepted" };
}
