import { type AppendResponse, MillraceError } from "@millrace/protocol";
import { fullJitterMs } from "./backoff.ts";
import type { ClientClock } from "./clock.ts";
import { toJson, type WriterEvent } from "./event-json.ts";
import {
  APPEND_CHARS_MAX,
  APPEND_EVENTS_MAX,
  IN_FLIGHT_DEFAULT,
  WRITER_CHARS_MAX,
  WRITER_EVENTS_MAX,
} from "./limits.ts";
import type { AppendLine, AppendSink, Link } from "./link.ts";
import { nextTurn } from "./next-turn.ts";

/** Who writes. The same `id` and a higher `epoch` take over: an older writer is refused with `stale_epoch` from then on. */
export type WriterProducer = {
  readonly id: string;
  /** Default 0. A program that starts again under its `id` gives a higher one. */
  readonly epoch?: number;
  /** Number of the first event written; default 1. A program that sends again what it is not sure of gives the number it had. */
  readonly seq?: number;
};

export type WriterStatus =
  | { readonly state: "connecting"; readonly attempt: number }
  | { readonly state: "writing" }
  /** The engine is away or busy; what is held is sent again in `retryInMs`. */
  | { readonly state: "waiting"; readonly error: MillraceError; readonly retryInMs: number }
  | { readonly state: "closed"; readonly error?: MillraceError };

export type WriterOptions = {
  /** Default: a random id, so that what this writer sends twice is appended once. */
  readonly producer?: WriterProducer | undefined;
  /** Events sent and not yet durable, at most; default 8,192. */
  readonly maxInFlight?: number | undefined;
  readonly onStatus?: (status: WriterStatus) => void;
};

type Options = WriterOptions & {
  readonly stream: string;
  readonly link: Link;
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal;
  readonly clock: ClientClock;
  readonly rng: () => number;
};

/** Events that are sent together. What it holds never changes: sent again, it is the same append (I3). */
type Batch = {
  readonly seq: number;
  readonly count: number;
  readonly chars: number;
  readonly fields: string;
  /** Of the send under way. */
  id: number | undefined;
  isDurable: boolean;
};

type Deferred = { readonly promise: Promise<void>; resolve(): void; reject(error: MillraceError): void };

const WRITTEN = Promise.resolve();

/**
 * Appends events in order, each exactly once (I3), at the rate the connection takes. Events written in one turn go as one message and
 * several messages are under way at once. They are numbered as a producer's: after a lost connection, or a refusal that passes, everything
 * without an answer is sent again, and the engine keeps what it has not seen. Memory is bounded: `write` resolves when there is room.
 *
 * Until the engine has answered once, one message is under way at a time: a producer it does not know may begin with any number, so a
 * second message taken after a refused first would make the first look like one seen before.
 */
export class StreamWriter implements AsyncDisposable {
  readonly #options: Options;
  readonly #producer: { readonly id: string; readonly epoch: number };
  readonly #maxInFlight: number;
  /** Events not yet in a batch, as JSON. */
  readonly #events: string[] = [];
  readonly #batches: Batch[] = [];
  readonly #flushes: (Deferred & { readonly seq: number })[] = [];
  #nextSeq: number;
  #durableSeq: number;
  #held = 0;
  #heldChars = 0;
  #inFlight = 0;
  #isKnown = false;
  #isWaiting = false;
  #isScheduled = false;
  #isClosing = false;
  #attempt = 0;
  #room: Deferred | undefined;
  #line: AppendLine | undefined;
  #isReady = false;
  #ended: MillraceError | undefined;
  #refusal: MillraceError | undefined;
  #cancelWait = () => {};
  readonly #onClosing = () => this.#end(new MillraceError("cancelled", "the client was closed"));

  /** Made by `StreamHandle.writer`. */
  constructor(options: Options) {
    const { producer, maxInFlight = IN_FLIGHT_DEFAULT } = options;
    checkWhole("maxInFlight", maxInFlight, { min: 1, max: WRITER_EVENTS_MAX });
    const seq = producer?.seq ?? 1;
    checkWhole("producer.seq", seq, { min: 0, max: Number.MAX_SAFE_INTEGER - APPEND_EVENTS_MAX });
    this.#options = options;
    this.#producer = { id: producer?.id ?? `writer-${crypto.randomUUID()}`, epoch: producer?.epoch ?? 0 };
    this.#maxInFlight = maxInFlight;
    this.#nextSeq = seq;
    this.#durableSeq = seq - 1;
    options.closing.addEventListener("abort", this.#onClosing, { once: true });
    this.#open();
  }

  /** Number of the next event written. */
  get seq(): number {
    return this.#nextSeq;
  }

  /** Events up to this number are durable in the stream. */
  get durableSeq(): number {
    return this.#durableSeq;
  }

  /** Events written and not yet durable. */
  get held(): number {
    return this.#held;
  }

  /**
   * Takes the event at once and resolves when there is room for the next. Rejects with `invalid_argument` or `too_large` when it cannot be
   * sent, with `overloaded` when there was no room (await each write), and with what ended the writer.
   */
  write(event: WriterEvent): Promise<void> {
    const refusal = this.#refuse();
    if (refusal) return Promise.reject(refusal);
    let json: string;
    try {
      json = toJson(event);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#events.push(json);
    this.#nextSeq++;
    this.#held++;
    this.#heldChars += json.length;
    this.#schedule();
    if (this.#hasRoom()) return WRITTEN;
    this.#room ??= defer();
    return this.#room.promise;
  }

  /** Resolves when everything written so far is durable; rejects when the writer has ended before. */
  flush(): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended);
    const seq = this.#nextSeq - 1;
    if (this.#durableSeq >= seq) return Promise.resolve();
    const last = this.#flushes.at(-1);
    if (last?.seq === seq) return last.promise;
    const flush = { ...defer(), seq };
    this.#flushes.push(flush);
    return flush.promise;
  }

  /** Takes no more, and resolves when everything is durable. Whatever happens, the writer has ended then. */
  async close(): Promise<void> {
    if (this.#ended) return this.#endedBy(this.#ended);
    this.#isClosing = true;
    await this.flush();
    this.#end(closed());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #endedBy(error: MillraceError): void {
    if (!this.#isClosing) throw error;
  }

  #refuse(): MillraceError | undefined {
    if (this.#ended) return this.#ended;
    if (this.#isClosing) return closed();
    if (this.#hasRoom()) return undefined;
    const text = `${this.#held} events wait to be stored, which is all a writer holds; await each write before the next`;
    return new MillraceError("overloaded", text);
  }

  #hasRoom(): boolean {
    return this.#held < WRITER_EVENTS_MAX && this.#heldChars < WRITER_CHARS_MAX;
  }

  #open(): void {
    if (this.#ended) return;
    this.#isWaiting = false;
    this.#report({ state: "connecting", attempt: this.#attempt });
    let isCurrent = true;
    const sink: AppendSink = {
      ready: () => {
        if (isCurrent) this.#ready();
      },
      appended: (id, answer) => {
        if (isCurrent) this.#appended(id, answer);
      },
      refused: (id, error) => {
        if (isCurrent) this.#refused(id, error);
      },
      lost: (error) => {
        if (isCurrent) this.#lost(error);
        isCurrent = false;
      },
    };
    try {
      this.#line = this.#options.link.openAppends(sink);
    } catch (error) {
      this.#end(MillraceError.from(error, "invalid_argument"));
    }
  }

  #ready(): void {
    this.#isReady = true;
    this.#report({ state: "writing" });
    this.#send();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    nextTurn(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  /** Sends what may be sent now: first what has to go again, then what is new. */
  #send(): void {
    if (!this.#isReady || this.#isWaiting || this.#refusal) return;
    for (const batch of this.#batches) {
      if (batch.id !== undefined || batch.isDurable) continue;
      if (!this.#maySend(batch.count)) return;
      this.#sendBatch(batch);
    }
    while (this.#events.length > 0 && this.#maySend(this.#wantedRoom())) this.#sendBatch(this.#makeBatch());
  }

  /** Small rests of room are not used: one message for each would cost more than waiting for the next answer. */
  #wantedRoom(): number {
    return Math.min(this.#events.length, APPEND_EVENTS_MAX, Math.ceil(this.#maxInFlight / 4));
  }

  #maySend(count: number): boolean {
    if (this.#inFlight === 0) return true;
    return this.#isKnown && this.#inFlight + count <= this.#maxInFlight;
  }

  #sendBatch(batch: Batch): void {
    batch.id = this.#line?.send(this.#options.stream, batch.fields);
    this.#inFlight += batch.count;
  }

  #makeBatch(): Batch {
    const room = Math.min(APPEND_EVENTS_MAX, Math.max(1, this.#maxInFlight - this.#inFlight));
    let count = 0;
    let chars = 0;
    for (; count < room; count++) {
      const next = this.#events[count]?.length;
      if (next === undefined || (count > 0 && chars + next > APPEND_CHARS_MAX)) break;
      chars += next;
    }
    const seq = this.#nextSeq - this.#events.length;
    const events = this.#events.splice(0, count).join(",");
    const producer = JSON.stringify({ ...this.#producer, seq });
    const fields = `"producer":${producer},"events":[${events}]`;
    const batch: Batch = { seq, count, chars, fields, id: undefined, isDurable: false };
    this.#batches.push(batch);
    return batch;
  }

  #appended(id: number, _answer: AppendResponse): void {
    const batch = this.#take(id);
    if (!batch) return;
    batch.isDurable = true;
    this.#isKnown = true;
    this.#attempt = 0;
    for (let first = this.#batches[0]; first?.isDurable; first = this.#batches[0]) {
      this.#batches.shift();
      this.#held -= first.count;
      this.#heldChars -= first.chars;
      this.#durableSeq = first.seq + first.count - 1;
    }
    this.#tellProgress();
    this.#afterAnswer();
  }

  /** One that can pass is tried again, with all behind it: they were refused as a gap in the numbers. */
  #refused(id: number, error: MillraceError): void {
    const batch = this.#take(id);
    if (!batch) return;
    const isFirst = this.#batches[0] === batch;
    if (!error.retryable || (isFirst && error.code === "sequence_gap")) {
      const text = `events ${batch.seq} to ${batch.seq + batch.count - 1} of this writer were refused, and it has ended: ${error.message}`;
      this.#end(new MillraceError(error.code, text, { retryable: false, cause: error }));
      return;
    }
    if (isFirst || !this.#refusal) this.#refusal = error;
    this.#afterAnswer();
  }

  #take(id: number): Batch | undefined {
    const batch = this.#batches.find((one) => one.id === id);
    if (!batch) return undefined;
    batch.id = undefined;
    this.#inFlight -= batch.count;
    return batch;
  }

  /** After a refusal everything under way is answered before anything is sent again, so that the order holds. */
  #afterAnswer(): void {
    if (!this.#refusal) this.#schedule();
    else if (this.#inFlight === 0) {
      const refusal = this.#refusal;
      this.#refusal = undefined;
      this.#wait(refusal, () => {
        this.#isWaiting = false;
        this.#report({ state: "writing" });
        this.#send();
      });
    }
  }

  #lost(error: MillraceError): void {
    if (this.#ended) return;
    this.#isReady = false;
    this.#line = undefined;
    this.#isKnown = false;
    this.#refusal = undefined;
    this.#inFlight = 0;
    for (const batch of this.#batches) batch.id = undefined;
    if (!error.retryable || error.code === "cancelled") this.#end(error);
    else this.#wait(error, () => this.#open());
  }

  #wait(error: MillraceError, run: () => void): void {
    this.#cancelWait();
    this.#isWaiting = true;
    this.#attempt++;
    const { clock, rng } = this.#options;
    const retryInMs = Math.max(fullJitterMs(this.#attempt, rng), error.retryAfterMs ?? 0);
    this.#cancelWait = clock.after(retryInMs, run);
    this.#report({ state: "waiting", error, retryInMs });
  }

  #tellProgress(): void {
    for (let first = this.#flushes[0]; first && first.seq <= this.#durableSeq; first = this.#flushes[0]) {
      this.#flushes.shift();
      first.resolve();
    }
    if (!this.#room || !this.#hasRoom()) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  #end(error: MillraceError): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#isReady = false;
    this.#cancelWait();
    this.#options.closing.removeEventListener("abort", this.#onClosing);
    this.#line?.close();
    this.#events.length = 0;
    this.#batches.length = 0;
    this.#room?.reject(error);
    for (const { reject } of this.#flushes.splice(0)) reject(error);
    this.#report({ state: "closed", ...(this.#isClosing && error.code === "cancelled" ? {} : { error }) });
  }

  #report(status: WriterStatus): void {
    this.#options.onStatus?.(status);
  }
}

function defer(): Deferred {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Whoever awaits hears of it; a promise nobody kept must not end the process.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

function closed(): MillraceError {
  return new MillraceError("cancelled", "the writer is closed; make another one");
}

function checkWhole(name: string, value: number, { min, max }: { min: number; max: number }): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new MillraceError("invalid_argument", `${name} is ${value}; it must be a whole number from ${min} to ${max}`);
}
