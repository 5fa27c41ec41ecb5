import assert from "node:assert/strict";
import type { StreamEvent, StreamId } from "@millrace/protocol";
import type { AppendOptions } from "@millrace/stream";
import type { LogOracle, Sent } from "./oracle.ts";
import type { Sender } from "./steps.ts";

/** How far a producer has come: everything before `kept` is acknowledged as durable, everything before `sent` was sent. */
type Producer = { sent: number; kept: number };

/** Events to send, and what to do when it is known whether they were kept. */
export type Sending = {
  readonly sent: readonly Sent[];
  readonly events: readonly StreamEvent[];
  readonly options: AppendOptions;
  readonly kept: () => void;
  readonly refused: () => void;
};

const NOTHING = { kept: () => {}, refused: () => {} };

/** Those who append to one stream: producers that send again from what they know to be kept, and senders of message ids. */
export class Senders {
  readonly #stream: StreamId;
  readonly #producers = new Map<string, Producer>();
  #keys = 0;

  constructor(stream: StreamId) {
    this.#stream = stream;
  }

  make(count: number, chars: number, sender: Sender): Sending {
    if (sender.by === "producer") return this.#produce(`p${sender.name}`, sender.back, count, chars);
    const sent = Array.from({ length: count }, (_, at) =>
      this.#event(sender.by === "nobody" ? undefined : sender.from + at),
    );
    return { sent, events: toEvents(sent, chars), options: {}, ...NOTHING };
  }

  /** What each producer does not know to be kept, sent once more. */
  *leftovers(): Generator<Sending> {
    for (const [name, { sent, kept }] of this.#producers) {
      if (sent > kept) yield this.#produce(name, sent - kept, sent - kept, 0);
    }
  }

  /** The stream was deleted, and what it knew of its producers with it: they begin anew. */
  removed(): void {
    this.#producers.clear();
  }

  /** The numbers of each producer are in the log once, in order, without a hole, to the last it knows to be kept. */
  check({ entries }: LogOracle): void {
    const last = new Map<string, number>();
    for (const { key } of entries) {
      const [name = "", number] = key.split(".");
      if (!name.startsWith("p")) continue;
      const before = last.get(name);
      if (before !== undefined) assert.equal(Number(number), before + 1, `I3: ${name} in ${this.#stream}`);
      last.set(name, Number(number));
    }
    for (const [name, { kept }] of this.#producers) {
      if (kept > 0) assert.ok((last.get(name) ?? -1) >= kept - 1, `I4: ${name} in ${this.#stream} to ${kept - 1}`);
    }
  }

  #event(messageAt: number | undefined): Sent {
    this.#keys++;
    if (messageAt === undefined) return { key: `n${this.#keys}` };
    // Ids come again for a while, then never.
    const messageId = `m${Math.floor(this.#keys / 4) + messageAt}`;
    return { key: `${messageId}.0.${this.#keys}`, messageId };
  }

  #produce(name: string, back: number, count: number, chars: number): Sending {
    const producer = this.#producers.get(name) ?? { sent: 0, kept: 0 };
    this.#producers.set(name, producer);
    const start = Math.max(0, producer.sent - back);
    const end = start + count;
    const sent = Array.from({ length: count }, (_, at) => {
      return { key: `${name}.${start + at}.${++this.#keys}`, producer: name, number: start + at };
    });
    producer.sent = Math.max(producer.sent, end);
    return {
      sent,
      events: toEvents(sent, chars),
      options: { producer: { producer: name, epoch: 1, seq: start } },
      kept: () => {
        producer.kept = Math.max(producer.kept, end);
      },
      refused: () => {
        producer.sent = producer.kept;
      },
    };
  }
}

function toEvents(sent: readonly Sent[], chars: number): StreamEvent[] {
  return sent.map(({ key, messageId }) => {
    const event = { type: "log", data: { key, text: "x".repeat(chars) } };
    return messageId === undefined ? event : { ...event, messageId };
  });
}
