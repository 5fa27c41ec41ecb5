import {
  type IngestDeadLetter,
  type IngestMark,
  type IngestWatermarks,
  type Lane,
  MillraceError,
  type VectorEncoding,
} from "@millrace/protocol";
import type { ClientContext } from "../client.ts";
import type { WriterStatus } from "../writer.ts";
import { encodeObservations, type Observation } from "./encode-observations.ts";
import { IngestSender, type SenderSink } from "./ingest-sender.ts";
import {
  BATCH_BYTES_DEFAULT,
  BATCH_BYTES_MAX,
  BATCH_MS_DEFAULT,
  BATCH_OBSERVATIONS_DEFAULT,
  BATCH_OBSERVATIONS_MAX,
  QUEUE_BYTES_DEFAULT,
  QUEUE_BYTES_MAX,
  QUEUE_OBSERVATIONS_DEFAULT,
  QUEUE_OBSERVATIONS_MAX,
  READY_AT,
} from "./limits.ts";
import { bytesOf, type Call, type Slice, sizeOf } from "./outbox.ts";

export type ObserverOptions = {
  /** Under load `low` waits and is refused first; default `normal`. */
  readonly lane?: Lane | undefined;
  /** How vectors travel and are kept: `f32` (default) exactly, `f16` in half the bytes, `i8` in a quarter. */
  readonly encoding?: VectorEncoding | undefined;
  /** Goes on with that session, for a program that starts again; default a new one. One writer at a time has it. */
  readonly session?: string | undefined;
  /** Observations asked to be under way at once; the engine gives as many at most. */
  readonly credits?: number | undefined;
  /** Most observations (default 500) and bytes (default 2 MB) of one batch, and how long one waits to be filled (default 2 ms). */
  readonly batchObservations?: number | undefined;
  readonly batchBytes?: number | undefined;
  readonly batchMs?: number | undefined;
  /** Most observations (default 50,000) and bytes (default 256 MB) held until they are durable, also while the engine is away. */
  readonly queueObservations?: number | undefined;
  readonly queueBytes?: number | undefined;
  readonly onStatus?: ((status: WriterStatus) => void) | undefined;
  /** Told of an observation that was accepted and could not be indexed. */
  readonly onDeadLetter?: ((letter: IngestDeadLetter) => void) | undefined;
};

/**
 * Takes observations of one lane for one space, and sends them in order, each exactly once (see IngestSender). What it holds is bounded by
 * count and bytes, whether the engine is slow or away; what finds no room is refused, never dropped.
 */
export class ObservationWriter implements AsyncDisposable {
  readonly #space: string;
  readonly #options: ObserverOptions;
  readonly #sender: IngestSender;
  readonly #calls = new Set<Call>();
  readonly #queue: { readonly count: number; readonly bytes: number };
  readonly #closing: AbortSignal;
  #isClosed = false;
  #failure: MillraceError | undefined;
  #whenReady: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  readonly #onClosing = () => this.#end(new MillraceError("cancelled", "the client was closed"));

  /** Made by `SpaceHandle.observer`. */
  constructor(context: ClientContext, space: string, options: ObserverOptions = {}) {
    const { batchObservations = BATCH_OBSERVATIONS_DEFAULT, batchBytes = BATCH_BYTES_DEFAULT } = options;
    const { queueObservations = QUEUE_OBSERVATIONS_DEFAULT, queueBytes = QUEUE_BYTES_DEFAULT } = options;
    checkWhole("batchObservations", batchObservations, BATCH_OBSERVATIONS_MAX);
    checkWhole("batchBytes", batchBytes, BATCH_BYTES_MAX);
    checkWhole("queueObservations", queueObservations, QUEUE_OBSERVATIONS_MAX);
    checkWhole("queueBytes", queueBytes, QUEUE_BYTES_MAX);
    const { WebSocket } = context;
    if (!WebSocket) {
      const text = "this host has no WebSocket, which observing needs; give createClient one as WebSocket";
      throw new MillraceError("invalid_argument", text);
    }
    const { lane = "normal", encoding = "f32", session, credits, batchMs = BATCH_MS_DEFAULT } = options;
    this.#space = space;
    this.#options = options;
    this.#queue = { count: queueObservations, bytes: queueBytes };
    this.#sender = new IngestSender({
      ...{ context, WebSocket, space, lane, encoding, session, credits, batchMs },
      room: { count: batchObservations, bytes: batchBytes, metaBytes: batchBytes },
      sink: this.#sink(),
    });
    this.#closing = context.closing();
    this.#closing.addEventListener("abort", this.#onClosing, { once: true });
  }

  /** The session, once the engine has answered: give it to a later writer to go on with it. */
  get session(): string | undefined {
    return this.#sender.session;
  }

  /** Observations held: not sent yet, or not durable yet. */
  get pending(): number {
    return this.#sender.count;
  }

  /** How far the session has come. */
  get watermarks(): IngestWatermarks {
    return this.#sender.marks;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when the writer holds less than half of what it may: await it before each call, and none is refused for want of room. */
  get ready(): Promise<void> {
    if (this.#isReady()) return Promise.resolve();
    this.#whenReady ??= Promise.withResolvers<void>();
    return this.#whenReady.promise;
  }

  /**
   * Takes the observations (all or none, copied) at once and resolves when all have come as far as `mark` says (default `durable`), and so as
   * far as every mark before it. Rejects with `invalid_argument`, `dimension_mismatch` or `too_large` when they cannot be sent, `overloaded`
   * when the writer is full, and the engine's own code when it refuses them for good; other calls go on.
   */
  observe(
    observations: readonly Observation[],
    { mark = "durable" }: { readonly mark?: IngestMark | undefined } = {},
  ): Promise<void> {
    try {
      if (this.#isClosed) throw closed();
      const runs = encodeObservations(observations, this.#options.encoding ?? "f32");
      if (runs.length === 0) return Promise.resolve();
      const call = callOf(mark, observations.length);
      const about = { call, from: 0, isAlone: false, isArrived: false };
      const slices = runs.map((run) => ({ ...about, run, to: run.metas.length }));
      this.#checkFits(slices);
      this.#sender.dims ??= runs.find(({ dims }) => dims > 0)?.dims;
      this.#calls.add(call);
      this.#sender.add(slices);
      return call.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends what waits to fill a batch, and resolves when all so far is durable and has come as far as was asked. Rejects with the first failure
   * since the last flush, after everything else is done.
   */
  async flush(): Promise<void> {
    this.#sender.hurry();
    await Promise.all([...this.#calls].map(({ over }) => over));
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure;
  }

  /** Takes no more, and does as `flush`. Whatever happens, the writer has ended then. */
  async close(): Promise<void> {
    this.#isClosed = true;
    try {
      await this.flush();
    } finally {
      this.#end(closed());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #sink(): SenderSink {
    return {
      arrived: (call, count) => {
        call.left -= count;
        if (call.left === 0) call.resolve();
        this.#forgetDone(call);
      },
      kept: (call, count) => {
        call.undurable -= count;
        this.#forgetDone(call);
      },
      failed: (call, error) => this.#fail(call, error),
      failedAll: (error) => this.#failAll(error),
      moved: () => {
        if (this.#isReady()) this.#tellReady();
      },
      isNeeded: () => this.#calls.size > 0,
      deadLetter: (letter) => this.#options.onDeadLetter?.(letter),
      status: (status) => this.#options.onStatus?.(status),
    };
  }

  #checkFits(slices: readonly Slice[]): void {
    const count = slices.reduce((sum, slice) => sum + sizeOf(slice), 0);
    const bytes = slices.reduce((sum, slice) => sum + bytesOf(slice), 0);
    const { dims, count: heldCount, bytes: heldBytes } = this.#sender;
    const max = this.#queue;
    const wrong = slices.find(({ run }) => dims !== undefined && run.dims !== 0 && run.dims !== dims);
    if (wrong) {
      const text = `the vectors have ${wrong.run.dims} numbers; space ${this.#space} holds vectors of ${dims}`;
      throw new MillraceError("dimension_mismatch", text);
    }
    if (count > max.count || bytes > max.bytes) {
      const text = `${count} observations of ${bytes} bytes are more than a writer holds (queueObservations ${max.count}, queueBytes ${max.bytes}); give them in parts`;
      throw new MillraceError("too_large", text);
    }
    if (heldCount + count <= max.count && heldBytes + bytes <= max.bytes) return;
    const text = `${heldCount} observations of ${heldBytes} bytes wait to be durable, and ${count} more pass what a writer holds (queueObservations ${max.count}, queueBytes ${max.bytes}); await ready before each call`;
    throw new MillraceError("overloaded", text);
  }

  #isReady(): boolean {
    const { count, bytes } = this.#sender;
    return count < this.#queue.count * READY_AT && bytes < this.#queue.bytes * READY_AT;
  }

  #tellReady(): void {
    this.#whenReady?.resolve();
    this.#whenReady = undefined;
  }

  #forgetDone(call: Call): void {
    if (call.left + call.undurable > 0) return;
    this.#calls.delete(call);
    call.end();
  }

  #fail(call: Call, error: MillraceError): void {
    call.isFailed = true;
    this.#sender.drop(call);
    this.#calls.delete(call);
    this.#failure ??= error;
    call.reject(error);
    call.end();
  }

  /** Nothing that is held can be sent; the next call tries again. */
  #failAll(error: MillraceError): void {
    this.#sender.reset();
    for (const call of [...this.#calls]) this.#fail(call, error);
    this.#tellReady();
  }

  #end(error: MillraceError): void {
    this.#closing.removeEventListener("abort", this.#onClosing);
    this.#isClosed = true;
    this.#failAll(error);
    this.#options.onStatus?.({ state: "closed" });
  }
}

function callOf(mark: IngestMark, count: number): Call {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  // Whoever awaits hears of it, and flush tells; a promise nobody kept must not end the process.
  promise.catch(() => {});
  return { mark, promise, resolve, reject, over, end, left: count, undurable: count, isFailed: false };
}

function closed(): MillraceError {
  return new MillraceError("cancelled", "the observation writer is closed; make another one");
}

function checkWhole(name: string, value: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return;
  throw new MillraceError("invalid_argument", `${name} is ${value}; it must be a whole number from 1 to ${max}`);
}
