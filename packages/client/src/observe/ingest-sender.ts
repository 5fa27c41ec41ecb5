import {
  encodeBatch,
  type IngestAck,
  type IngestDeadLetter,
  type IngestRefusal,
  type IngestWatermarks,
  isCode,
  type Lane,
  MillraceError,
  type VectorEncoding,
} from "@millrace/protocol";
import { fullJitterMs } from "../backoff.ts";
import type { ClientContext } from "../client.ts";
import { nextTurn } from "../next-turn.ts";
import type { SocketConstructor } from "../socket-link.ts";
import type { WriterStatus } from "../writer.ts";
import { joinMetas } from "./encode-observations.ts";
import { IngestLine } from "./ingest-line.ts";
import { INGEST_LINGER_MS, REFUSAL_JITTER_MIN_MS, SOCKET_BYTES_MAX, SOCKET_LOOK_MS } from "./limits.ts";
import { type Call, Outbox, type Room, type Slice } from "./outbox.ts";
import { SentBatches, type SettleSink } from "./sent-batches.ts";

export type SenderOptions = {
  readonly context: ClientContext;
  readonly WebSocket: SocketConstructor;
  readonly space: string;
  readonly lane: Lane;
  readonly encoding: VectorEncoding;
  readonly session: string | undefined;
  readonly credits: number | undefined;
  /** What a batch may have, and how long it waits to be filled. */
  readonly room: Room;
  readonly batchMs: number;
  readonly sink: SenderSink;
};

/** What a sender tells of its work. */
export type SenderSink = SettleSink & {
  /** The call cannot be kept; once for each. */
  failed(call: Call, error: MillraceError): void;
  /** Nothing of what is held can be sent. */
  failedAll(error: MillraceError): void;
  /** Something has come further. */
  moved(): void;
  /** Whether some call is not over: then a lost connection is opened again. */
  isNeeded(): boolean;
  deadLetter(letter: IngestDeadLetter): void;
  status(status: WriterStatus): void;
};

const NOTHING: IngestWatermarks = { accepted: 0, durable: 0, searchable: 0, indexed: 0 };

/**
 * Sends what is in its outbox, in order, each observation exactly once while the engine remembers the session. They are numbered; what the
 * engine has not taken is sent again after a refusal or a lost connection, and what it took is not, as its `nextSeq` says.
 *
 * After a refusal everything sent behind it is refused as a gap. Those answers are awaited before anything is sent again, so that no answer
 * is mistaken for that of a later try.
 */
export class IngestSender {
  readonly #options: SenderOptions;
  readonly #outbox = new Outbox();
  readonly #sent = new SentBatches();
  #line: IngestLine | undefined;
  #ack: IngestAck | undefined;
  #room: Room;
  #nextSeq = 1;
  #credits = 0;
  /** Answers to come of batches that were sent behind a refused one. */
  #doomed = 0;
  #attempt = 0;
  #isOpened = false;
  #isWaiting = false;
  #isHurried = false;
  #isDue = false;
  #cancelWait = () => {};
  #cancelBatch: (() => void) | undefined;
  #cancelLook: (() => void) | undefined;
  #cancelLinger = () => {};
  session: string | undefined;
  /** Of the vectors, as soon as one is known. */
  dims: number | undefined;
  marks = NOTHING;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#room = options.room;
    this.session = options.session;
  }

  /** Observations and bytes that are not durable. */
  get count(): number {
    return this.#outbox.count + this.#sent.count;
  }

  get bytes(): number {
    return this.#outbox.bytes + this.#sent.bytes;
  }

  add(slices: readonly Slice[]): void {
    for (const slice of slices) this.#outbox.add(slice);
    this.#cancelLinger();
    this.#wake();
  }

  /** Sends what waits to fill a batch. */
  hurry(): void {
    this.#isHurried = this.#outbox.count > 0;
    this.#wake();
  }

  /** Takes out what is left of a call. */
  drop(call: Call): void {
    this.#outbox.drop(call);
  }

  /** Forgets everything; it can be used again. */
  reset(): void {
    this.#line?.close();
    this.#lose();
    this.#cancelWait();
    this.#cancelBatch?.();
    this.#cancelLook?.();
    this.#cancelLinger();
    this.#cancelBatch = undefined;
    this.#cancelLook = undefined;
    this.#isWaiting = false;
    this.#outbox.clear();
    this.#sent.clear();
    this.dims = this.#ack?.dims;
  }

  #wake(): void {
    if (!this.#line && !this.#isWaiting && this.#options.sink.isNeeded()) this.#connect();
    if (this.#isDue || this.#outbox.count === 0) return;
    this.#isDue = true;
    nextTurn(() => {
      this.#isDue = false;
      this.#pump();
    });
  }

  #connect(): void {
    const { context, WebSocket, space, lane, encoding, credits, sink } = this.#options;
    const { http, clock } = context;
    sink.status({ state: "connecting", attempt: this.#attempt });
    const init = {
      ...{ op: "init" as const, space, lane, encoding },
      ...(this.session === undefined ? {} : { session: this.session }),
      ...(this.dims === undefined ? {} : { dims: this.dims }),
      ...(credits === undefined ? {} : { credits }),
    };
    const ears = {
      opened: (ack: IngestAck) => this.#opened(ack),
      acked: (marks: IngestWatermarks) => this.#acked(marks),
      refused: (refusal: IngestRefusal) => this.#refused(refusal),
      flowed: (now: number) => {
        this.#credits = now;
        this.#pump();
      },
      deadLetter: (letter: IngestDeadLetter) => this.#deadLetter(letter),
      lost: (error: MillraceError) => this.#lost(error),
    };
    try {
      this.#line = new IngestLine({ http, WebSocket, clock, init, sink: ears });
    } catch (error) {
      sink.failedAll(MillraceError.from(error, "invalid_argument"));
    }
  }

  #opened(ack: IngestAck): void {
    const { batchObservationsMax, batchBytesMax, metaBytesMax } = ack.capabilities;
    const { count, bytes, metaBytes } = this.#options.room;
    this.#room = {
      count: Math.min(count, batchObservationsMax),
      bytes: Math.min(bytes, batchBytesMax),
      metaBytes: Math.min(metaBytes, metaBytesMax),
    };
    if (this.#ack) this.#checkSame(ack);
    this.#ack = ack;
    this.session = ack.session;
    this.dims = ack.dims;
    this.#credits = ack.credits;
    this.#isOpened = true;
    this.#options.sink.status({ state: "writing" });
    this.#goBack(ack.nextSeq);
    this.#acked(ack.watermarks);
  }

  /** What was sent in a session that the engine has forgotten, or that another has gone on with, may have been taken or not. */
  #checkSame({ nextSeq, session, lastAckedSeq }: IngestAck): void {
    const isForgotten = lastAckedSeq < this.marks.durable;
    if (!isForgotten && nextSeq <= this.#nextSeq) return;
    const why = isForgotten ? "is not known to the engine any more" : "was gone on with by another producer";
    const text = `session ${session} ${why}, so whether these observations were taken is not known; observe them again under ids of their own, which replace`;
    this.#failOf(this.#sent.clear(), new MillraceError("gone", text));
  }

  /** What has that number or a later one was not taken: it gets its number when it is sent again. */
  #goBack(nextSeq: number): void {
    this.#outbox.putBack(this.#sent.takeFrom(nextSeq).filter(({ call }) => !call.isFailed));
    this.#nextSeq = nextSeq;
  }

  /** Sends what may be sent now. */
  #pump(): void {
    while (this.#maySend()) {
      if (!this.#isHurried && this.#options.batchMs > 0 && !this.#isBatchFull()) {
        this.#fillBatch();
        return;
      }
      const room = this.#credits - (this.#nextSeq - 1 - this.marks.durable);
      // Small rests of room are not used: a batch for each would cost more than waiting for the next answer.
      if (room < Math.min(this.#outbox.count, this.#room.count, Math.ceil(this.#credits / 4))) return;
      if ((this.#line?.unsentBytes ?? 0) > SOCKET_BYTES_MAX) {
        this.#look();
        return;
      }
      this.#sendBatch(Math.min(room, this.#room.count));
    }
    if (this.#outbox.count === 0) this.#isHurried = false;
  }

  #maySend(): boolean {
    return this.#isOpened && this.#credits > 0 && !this.#isWaiting && this.#doomed === 0 && this.#outbox.count > 0;
  }

  #isBatchFull(): boolean {
    return this.#outbox.count >= this.#room.count || this.#outbox.bytes >= this.#room.bytes;
  }

  #fillBatch(): void {
    this.#cancelBatch ??= this.#options.context.clock.after(this.#options.batchMs, () => {
      this.#cancelBatch = undefined;
      this.#isHurried = true;
      this.#pump();
    });
  }

  #sendBatch(countMax: number): void {
    const slices = this.#outbox.take({ ...this.#room, count: countMax });
    const first = slices[0];
    if (!first) {
      this.#refuseFirst();
      return;
    }
    const firstSeq = this.#nextSeq;
    const count = this.#sent.add(slices, firstSeq);
    this.#nextSeq += count;
    const { lane, encoding } = this.#options;
    const vectors = joinVectors(slices);
    const meta = joinMetas(slices.flatMap(({ run, from, to }) => run.metas.slice(from, to)));
    this.#line?.send(encodeBatch({ firstSeq, count, lane, encoding, dims: first.run.dims, vectors, meta }));
  }

  /** One observation that is larger than a batch may be. */
  #refuseFirst(): void {
    const first = this.#outbox.first;
    const { bytes, metaBytes } = this.#room;
    const text = `an observation is larger than a batch may be (${bytes} bytes, ${metaBytes} of them JSON); make it smaller, or raise batchBytes`;
    if (first) this.#failOf([first], new MillraceError("too_large", text));
  }

  /** A WebSocket does not tell when it has sent what it holds. */
  #look(): void {
    this.#cancelLook ??= this.#options.context.clock.after(SOCKET_LOOK_MS, () => {
      this.#cancelLook = undefined;
      this.#pump();
    });
  }

  #acked({ accepted, durable, searchable, indexed }: IngestWatermarks): void {
    if (accepted > this.marks.accepted) this.#attempt = 0;
    this.marks = { accepted, durable, searchable, indexed };
    const { sink } = this.#options;
    this.#sent.settle(this.marks, sink);
    sink.moved();
    if (!sink.isNeeded()) this.#linger();
    this.#pump();
  }

  #refused({ seq, nextSeq, code, message, retryable, retryAfterMs }: IngestRefusal): void {
    if (this.#doomed > 0) {
      this.#doomed--;
      this.#pump();
      return;
    }
    const { sink, context } = this.#options;
    const options = { retryable, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    const error = new MillraceError(isCode(code) ? code : "internal", message, options);
    const batch = this.#sent.find(seq);
    if (!batch) {
      sink.failedAll(error);
      return;
    }
    this.#doomed = batch.behind;
    this.#goBack(nextSeq);
    if (retryable) this.#wait(error, refusalWaitMs(error, ++this.#attempt, context.rng), () => this.#pump());
    else this.#refuseForGood(batch.slices, error);
    this.#pump();
  }

  /** The guilty call fails. Where there are several, each is tried apart. */
  #refuseForGood(slices: readonly Slice[], error: MillraceError): void {
    const calls = new Set(slices.map(({ call }) => call));
    if (calls.size === 1) this.#failOf(slices, error);
    else for (const call of calls) this.#outbox.setApart(call);
  }

  #deadLetter(letter: IngestDeadLetter): void {
    const { seq, code, message } = letter;
    const slice = this.#sent.sliceOf(seq);
    if (slice && !slice.isArrived) {
      this.#failOf([slice], new MillraceError(isCode(code) ? code : "internal", message));
    }
    this.#options.sink.deadLetter(letter);
  }

  #failOf(slices: readonly Slice[], error: MillraceError): void {
    for (const { call } of slices) {
      if (!call.isFailed) this.#options.sink.failed(call, error);
    }
  }

  #lose(): void {
    this.#line = undefined;
    this.#isOpened = false;
    this.#doomed = 0;
  }

  #lost(error: MillraceError): void {
    this.#lose();
    const { sink, context } = this.#options;
    if (!error.retryable || error.code === "cancelled") sink.failedAll(error);
    else if (sink.isNeeded()) {
      const inMs = Math.max(fullJitterMs(++this.#attempt, context.rng), error.retryAfterMs ?? 0);
      this.#wait(error, inMs, () => this.#wake());
    }
  }

  #wait(error: MillraceError, retryInMs: number, run: () => void): void {
    const { sink, context } = this.#options;
    this.#cancelWait();
    this.#isWaiting = true;
    sink.status({ state: "waiting", error, retryInMs });
    this.#cancelWait = context.clock.after(retryInMs, () => {
      this.#isWaiting = false;
      run();
    });
  }

  /** Calls that follow one another share a connection. */
  #linger(): void {
    this.#cancelLinger();
    this.#cancelLinger = this.#options.context.clock.after(INGEST_LINGER_MS, () => {
      this.#line?.close();
      this.#lose();
    });
  }
}

/** As the engine says, and a little more: half of that at most. */
function refusalWaitMs({ retryAfterMs }: MillraceError, attempt: number, rng: () => number): number {
  if (retryAfterMs === undefined) return fullJitterMs(attempt, rng);
  return retryAfterMs + rng() * Math.max(REFUSAL_JITTER_MIN_MS, retryAfterMs / 2);
}

function joinVectors(slices: readonly Slice[]): Uint8Array {
  const parts = slices.map(({ run, from, to }) => run.vectors.subarray(from * run.stride, to * run.stride));
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const joined = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
