import { MillraceError } from "@millrace/core";
import { CLOSED, NEXT_OFFSET, PRODUCER_EPOCH, PRODUCER_EXPECTED, PRODUCER_RECEIVED, PRODUCER_SEQ } from "./headers.ts";
import type { Verdict } from "./judge.ts";
import type { ProducerTriple } from "./record.ts";
import { Refusal } from "./refusal.ts";

/** A write as its answer needs it. */
export type Answered = {
  readonly path: string;
  readonly producer: ProducerTriple | undefined;
  readonly hasMessages: boolean;
  /** Of the stream, after the write. */
  readonly isClosed: boolean;
  readonly tail: string;
};

export type WriteAnswer = { readonly status: number; readonly headers: Readonly<Record<string, string>> };

/** The status and headers of a write that was taken or was taken before; throws the refusal of any other. */
export function answerWrite(verdict: Verdict, write: Answered): WriteAnswer {
  const { producer, hasMessages, isClosed, tail } = write;
  const headers = { [NEXT_OFFSET]: tail, ...(isClosed ? { [CLOSED]: "true" } : {}) };
  if (verdict.kind === "accepted") {
    // The protocol tells a producer's new append from a repetition by the status.
    return { status: producer && hasMessages ? 200 : 204, headers: { ...headers, ...echo(producer, producer?.seq) } };
  }
  if (verdict.kind === "duplicate") return { status: 204, headers: { ...headers, ...echo(producer, verdict.seq) } };
  if (verdict.kind === "already_closed") return { status: 204, headers };
  throw refusalOf(verdict, write);
}

function echo(producer: ProducerTriple | undefined, seq: number | undefined): Record<string, string> {
  return producer ? { [PRODUCER_EPOCH]: String(producer.epoch), [PRODUCER_SEQ]: String(seq) } : {};
}

type Refused = Exclude<Verdict, { readonly kind: "accepted" | "duplicate" | "already_closed" }>;

function refusalOf(verdict: Refused, { path, tail }: Answered): MillraceError {
  switch (verdict.kind) {
    case "stale_epoch": {
      const message = `the producer's epoch ${verdict.epoch} has taken over; stop this writer, or claim a higher epoch`;
      const headers = { [PRODUCER_EPOCH]: String(verdict.epoch) };
      return new Refusal(new MillraceError("stale_epoch", message), { status: 403, headers });
    }
    case "epoch_start":
      return new MillraceError("invalid_argument", `Producer-Seq is ${verdict.seq}; a new epoch begins with 0`);
    case "producer_gap": {
      const { expected, received } = verdict;
      const message = `Producer-Seq is ${received} but ${expected} is next; send the appends from ${expected} again`;
      const headers = { [PRODUCER_EXPECTED]: String(expected), [PRODUCER_RECEIVED]: String(received) };
      return new Refusal(new MillraceError("sequence_gap", message), { headers });
    }
    case "closed": {
      const headers = { [CLOSED]: "true", [NEXT_OFFSET]: tail };
      return new Refusal(new MillraceError("terminal", `the stream ${path} is closed and takes no more`), { headers });
    }
    case "other_type":
      return new MillraceError(
        "conflict",
        `the content type is not that of the stream ${path}; HEAD tells which it is`,
      );
    case "seq_regressed":
      return new MillraceError("conflict", `Stream-Seq must be above ${JSON.stringify(verdict.last)}, byte for byte`);
  }
}
