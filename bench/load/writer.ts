import { MillraceError } from "@millrace/core";
import type { LoadPlan } from "./generator-messages.ts";
import { LatencyTable } from "./latency-table.ts";
import { UNANSWERED_MAX } from "./limits.ts";
import { nowMicros } from "./now.ts";
import { makePayload } from "./payload.ts";
import type { Publisher } from "./publisher.ts";

/** Timers are late by up to about a millisecond: the last stretch before a due time is spent turning the event loop. */
const SPIN_MICROS = 1_500;
/** Above this many appends a second a late timer sends several at once rather than never letting the loop rest. */
const SPIN_RATE_MAX = 400;

export type WriterOptions = LoadPlan & {
  readonly publisher: Publisher;
  readonly appendsMax: number;
  /** Frames the subscribers of this process are behind, on average. */
  readonly behind: (sent: number) => number;
};

/**
 * Publishes at times fixed beforehand (open loop): what is sent late, because this process or the server was busy, counts with the time it
 * should have been sent. With rate 0 it keeps a bounded number of appends and of undelivered frames under way.
 */
export class Writer {
  readonly heads: number[];
  /** From the intended time of an append to its answer. */
  readonly acks = new LatencyTable();
  /** How late appends were sent. */
  readonly lateness = new LatencyTable();
  sent = 0;
  readonly #options: WriterOptions;
  /** Intended times of the appends that wait for their answers, oldest first. */
  readonly #waiting: number[] = [];
  #waitingFrom = 0;
  #appends = 0;
  #startMicros = 0;
  #measureFromMicros = 0;
  #endMicros = 0;
  #isWriting = false;
  readonly #done = Promise.withResolvers<void>();

  constructor(options: WriterOptions) {
    this.#options = options;
    this.heads = options.streams.map(() => 0);
  }

  /** Settles when the time is over and every append was answered. */
  run(startMicros: number): Promise<void> {
    const { warmupSeconds, seconds, rate } = this.#options;
    this.#startMicros = startMicros;
    this.#measureFromMicros = startMicros + warmupSeconds * 1e6;
    this.#endMicros = startMicros + (warmupSeconds + seconds) * 1e6;
    const begin = () => {
      this.#isWriting = true;
      if (rate > 0) this.#pace();
      else this.pump();
    };
    setTimeout(begin, Math.max(0, (startMicros - nowMicros()) / 1_000));
    setTimeout(() => this.#stop(), Math.max(0, (this.#endMicros - nowMicros()) / 1_000));
    return this.#done.promise;
  }

  answered(): void {
    const intended = this.#waiting[this.#waitingFrom++] ?? 0;
    this.#record(this.acks, intended);
    if (this.#waitingFrom === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#waitingFrom = 0;
      this.#settle();
    }
    this.pump();
  }

  failed(error: Error): void {
    this.#isWriting = false;
    this.#done.reject(error);
  }

  /** Sends what a saturated run has room for; called after answers and deliveries. */
  pump(): void {
    const { rate, inFlight, appendsMax, window, behind, batch } = this.#options;
    if (rate > 0) return;
    const appends = Math.min(inFlight, appendsMax * this.heads.length);
    while (this.#isWriting && this.#unanswered < appends && behind(this.sent) + batch <= window) {
      this.#publish(nowMicros());
    }
  }

  get #unanswered(): number {
    return this.#waiting.length - this.#waitingFrom;
  }

  get #appendsPerSecond(): number {
    const { rate, batch } = this.#options;
    return (rate * this.heads.length) / batch;
  }

  #pace(): void {
    if (!this.#isWriting) return;
    const perSecond = this.#appendsPerSecond;
    this.#sendDue();
    if (this.#unanswered > UNANSWERED_MAX) {
      const text = `${this.#unanswered} appends have no answer; the server takes fewer than ${perSecond} appends a second: lower --rate`;
      this.failed(new MillraceError("overloaded", text));
      return;
    }
    const waitMicros = this.#dueOf(this.#appends) - nowMicros();
    if (perSecond > SPIN_RATE_MAX) setTimeout(() => this.#pace(), 1);
    else if (waitMicros <= SPIN_MICROS) setImmediate(() => this.#pace());
    else setTimeout(() => this.#pace(), Math.floor((waitMicros - SPIN_MICROS) / 1_000));
  }

  #sendDue(): void {
    const now = nowMicros();
    for (let due = this.#dueOf(this.#appends); due <= now && due < this.#endMicros; due = this.#dueOf(this.#appends)) {
      this.#record(this.lateness, due);
      this.#publish(due);
    }
  }

  #dueOf(append: number): number {
    return this.#startMicros + (append * 1e6) / this.#appendsPerSecond;
  }

  #publish(intendedMicros: number): void {
    const { streams, batch, bytes, publisher } = this.#options;
    const id = this.#appends++;
    const at = id % streams.length;
    const payloads: string[] = [];
    for (let n = 0; n < batch; n++) {
      const number = (this.heads[at] ?? 0) + 1;
      this.heads[at] = number;
      payloads.push(makePayload(number, intendedMicros, bytes));
    }
    this.sent += batch;
    this.#waiting.push(intendedMicros);
    publisher.send({ id, stream: streams[at] ?? "", payloads });
  }

  #record(table: LatencyTable, intendedMicros: number): void {
    if (intendedMicros >= this.#measureFromMicros) table.record(nowMicros() - intendedMicros);
  }

  #stop(): void {
    // Where this process was held up until now, what was to be sent meanwhile is sent too.
    if (this.#isWriting && this.#options.rate > 0) this.#sendDue();
    this.#isWriting = false;
    this.#settle();
  }

  #settle(): void {
    if (!this.#isWriting && this.#unanswered === 0) this.#done.resolve();
  }
}
