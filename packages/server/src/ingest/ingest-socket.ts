import type { Socket } from "node:net";
import { type Code, type ErrorBody, MillraceError } from "@millrace/core";
import type { IngestSession, Watermarks } from "@millrace/memory";
import {
  decodeBatch,
  ERROR_STATUS,
  type IngestClientMessage,
  type IngestDeadLetter,
  type IngestFlowState,
  type IngestServerMessage,
  type ObservationBatch,
  toSpaceId,
} from "@millrace/protocol";
import { createCheck, IngestClientMessageSchema } from "@millrace/protocol/schemas";
import { StallWatch } from "@millrace/stream";
import type { WebSocket } from "ws";
import { toShownError } from "../http/exchange.ts";
import { LAST_WORDS_MS } from "../limits.ts";
import type { IngestSockets } from "./ingest-sockets.ts";
import {
  INGEST_HEARTBEAT_MS,
  INGEST_IDLE_MS,
  INGEST_INIT_MS,
  INGEST_TEXT_BYTES_MAX,
  INGEST_UNSENT_BYTES_MAX,
} from "./limits.ts";
import { bytesOf, embedBatch, isTextBatch } from "./text-batch.ts";

const checkMessage = createCheck("message", IngestClientMessageSchema);

/** Codes of a session that has ended: its space was deleted, or another has it. */
const ENDED: ReadonlySet<Code> = new Set(["conflict", "stale_epoch", "gone", "not_found"]);

type Message = { readonly data: Buffer; readonly isBinary: boolean };
type Init = Extract<IngestClientMessage, { op: "init" }>;
type Flow = { readonly credits: number; readonly state: IngestFlowState };

export type IngestSocketOptions = {
  readonly sockets: IngestSockets;
  readonly peer: WebSocket;
  readonly socket: Socket;
};

/**
 * One producer. Its messages are worked off in order and one at a time: while one waits for the engine (an open, an embedding) the socket is
 * not read, so that nothing piles up here. What was submitted the engine has copied, so that no batch is held. Watermarks and flow are states:
 * a producer that is slow to read hears the latest, not each.
 */
export class IngestSocket {
  readonly #sockets: IngestSockets;
  readonly #peer: WebSocket;
  readonly #socket: Socket;
  readonly #stall: StallWatch;
  /** Messages of one read of the socket that came behind one that waits. */
  readonly #waiting: Message[] = [];
  #isBusy = false;
  #isClosing = false;
  #session: IngestSession | undefined;
  #isProgressDue = false;
  #flow: Flow | undefined;
  #heardMs: number;
  /** Bytes of a message that is not whole yet. */
  #partBytes = 0;

  constructor({ sockets, peer, socket }: IngestSocketOptions) {
    const { clock } = sockets.options;
    this.#sockets = sockets;
    this.#peer = peer;
    this.#socket = socket;
    this.#heardMs = clock.monotonic();
    this.#stall = new StallWatch(clock, () =>
      this.#end(new MillraceError("slow_consumer", "answers were not read; read them and reconnect")),
    );
    const onPart = (part: Buffer) => this.#arrived(part.length);
    const onDrain = () => this.#drained();
    socket.prependListener("data", onPart);
    socket.on("drain", onDrain);
    peer.on("message", (data, isBinary) => this.#receive({ data: data as Buffer, isBinary }));
    // ws closes the socket itself after a protocol error; the listener keeps it from ending the process.
    peer.on("error", () => {});
    const stopBeating = sockets.heartbeats.add(() => this.#beat());
    const cancelInit = clock.after(INGEST_INIT_MS, () => {
      if (!this.#session) this.#end(new MillraceError("timeout", `no init came within ${INGEST_INIT_MS} ms`));
    });
    peer.once("close", () => {
      stopBeating();
      cancelInit();
      socket.off("data", onPart).off("drain", onDrain);
      this.#stall[Symbol.dispose]();
      this.#arrived(-this.#partBytes);
      this.#waiting.length = 0;
      this.#letGo();
    });
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** Another connection goes on with this session. */
  superseded(): void {
    this.#session = undefined;
    this.#end(new MillraceError("conflict", "another producer has opened this session; use a session of your own"));
  }

  /** Says what is new, unless the producer does not read: then it hears when it does. */
  tell(): void {
    if (!this.#session || this.unsentBytes > INGEST_UNSENT_BYTES_MAX) return;
    if (this.#isProgressDue) {
      this.#isProgressDue = false;
      this.#send({ op: "ack", ...marksOf(this.#session.watermarks) });
    }
    if (!this.#flow) return;
    const { state, credits } = this.#flow;
    this.#flow = undefined;
    this.#send({ op: "flow", state, credits });
  }

  #arrived(bytes: number): void {
    this.#partBytes += bytes;
    if (this.#sockets.hold(bytes) || bytes < 0) return;
    const text = "producers are sending more unfinished messages than are taken at once; send smaller batches";
    this.#end(new MillraceError("overloaded", text, { retryAfterMs: 1_000 }));
  }

  #receive(message: Message): void {
    this.#heardMs = this.#sockets.options.clock.monotonic();
    this.#arrived(-this.#partBytes);
    if (this.#peer.readyState !== this.#peer.OPEN) return;
    this.#waiting.push(message);
    this.#work();
  }

  #work(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      const slow = next.isBinary ? this.#take(next.data) : this.#hear(next.data);
      if (slow) this.#waitFor(slow, next.data.length);
    }
    if (this.unsentBytes > INGEST_UNSENT_BYTES_MAX) this.#stall.start();
    const isHeld = this.#isBusy || this.#stall.isWatching;
    if (isHeld && !this.#peer.isPaused) this.#peer.pause();
    else if (!isHeld && this.#peer.isPaused) this.#peer.resume();
  }

  #next(): Message | undefined {
    return this.#isBusy ? undefined : this.#waiting.shift();
  }

  #waitFor(slow: Promise<void>, bytes: number): void {
    this.#isBusy = true;
    this.#sockets.hold(bytes);
    void slow.finally(() => {
      this.#sockets.hold(-bytes);
      this.#isBusy = false;
      this.#work();
    });
  }

  #hear(data: Buffer): Promise<void> | undefined {
    try {
      const message = checkMessage(parse(data));
      switch (message.op) {
        case "ping":
          this.#send({ op: "pong" });
          return undefined;
        case "pong":
          return undefined;
        case "init":
          this.#checkFirst();
          return this.#init(message).catch((error: unknown) => this.#refuse(error));
        case "close":
          void this.#drain().catch((error: unknown) => this.#refuse(error));
          return undefined;
      }
    } catch (error) {
      this.#refuse(error);
    }
    return undefined;
  }

  #checkFirst(): void {
    if (!this.#session) return;
    const { id, space } = this.#session;
    const text = `this socket has session ${id} of space ${space} already; open another socket for another session`;
    throw new MillraceError("conflict", text);
  }

  async #init({ space, session, lane, dims, credits }: Init): Promise<void> {
    const { ingest } = this.#sockets.options;
    const opened = await ingest.open({
      space: toSpaceId(space),
      ...(session === undefined ? {} : { session }),
      ...(lane === undefined ? {} : { lane }),
      ...(dims === undefined ? {} : { dims }),
      ...(credits === undefined ? {} : { credits }),
      onProgress: () => {
        this.#isProgressDue = true;
        if (this.#session) this.#sockets.tellSoon(this);
      },
      onFlow: (flow) => {
        this.#flow = flow;
        if (this.#session) this.#sockets.tellSoon(this);
      },
      onDeadLetter: (letter) => this.#deadLetter(letter),
    });
    if (this.#peer.readyState !== this.#peer.OPEN) return void opened.close().catch(() => {});
    this.#sockets.takeOver(opened, this);
    this.#session = opened;
    // Both are told by the answer.
    this.#isProgressDue = false;
    this.#flow = undefined;
    const { id, nextSeq, watermarks } = opened;
    const place = {
      session: id,
      lane: opened.lane,
      lastAckedSeq: watermarks.durable,
      nextSeq,
      credits: opened.credits,
    };
    const capabilities = {
      ...ingest.capabilities(opened.space),
      heartbeatMs: INGEST_HEARTBEAT_MS,
      idleTimeoutMs: INGEST_IDLE_MS,
      sessionsMax: this.#sockets.socketsMax,
    };
    this.#send({ op: "init_ack", ...place, dims: opened.dims, watermarks: marksOf(watermarks), capabilities });
  }

  #take(data: Buffer): Promise<void> | undefined {
    const session = this.#session;
    if (!session || this.#isClosing) {
      const text = session ? "the session is closing and takes no more" : "a batch came before init; send init first";
      this.#refuse(new MillraceError("conflict", text));
      return undefined;
    }
    let batch: ObservationBatch | undefined;
    try {
      batch = decodeBatch(bytesOf(data));
      checkNumbered(batch);
      if (isTextBatch(batch)) return this.#embed(session, batch);
      session.submit(batch);
    } catch (error) {
      this.#reject(session, batch, error);
    }
    return undefined;
  }

  async #embed(session: IngestSession, batch: ObservationBatch): Promise<void> {
    try {
      // What would be refused anyway is not embedded first.
      if (batch.firstSeq > session.nextSeq) throw gap(batch.firstSeq, session.nextSeq);
      const embedded = await embedBatch(this.#sockets.options.ingest, session, batch);
      if (this.#session === session) session.submit(embedded);
    } catch (error) {
      this.#reject(session, batch, error);
    }
  }

  #reject(session: IngestSession, batch: ObservationBatch | undefined, error: unknown): void {
    if (error instanceof MillraceError && ENDED.has(error.code)) {
      this.#end(error);
      return;
    }
    const { code, message, retryable, retryAfterMs } = this.#shown(error);
    const isNumbered = Number.isSafeInteger(batch?.firstSeq);
    this.#send({
      op: "rejected",
      seq: isNumbered ? (batch?.firstSeq ?? 0) : 0,
      count: isNumbered ? (batch?.count ?? 0) : 0,
      ...{ code, message, retryable, nextSeq: session.nextSeq },
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }

  #deadLetter(letter: IngestDeadLetter): void {
    const { seq, code, message } = letter;
    this.#send({ op: "dead_letter", seq, code, message });
  }

  async #drain(): Promise<void> {
    const session = this.#session;
    if (this.#isClosing) return;
    this.#isClosing = true;
    const watermarks = await session?.close();
    if (watermarks) this.#send({ op: "closed", ...marksOf(watermarks) });
    if (session) this.#sockets.giveUp(session, this);
    this.#session = undefined;
    this.#peer.close(1000);
  }

  /** The engine keeps the session, so that it can be gone on with. */
  #letGo(): void {
    const session = this.#session;
    this.#session = undefined;
    if (session && this.#sockets.giveUp(session, this) && !this.#isClosing) void session.close().catch(() => {});
  }

  #beat(): void {
    const silentMs = this.#sockets.options.clock.monotonic() - this.#heardMs;
    if (silentMs < INGEST_IDLE_MS) this.#send({ op: "ping" });
    else this.#end(new MillraceError("timeout", `the producer said nothing for ${INGEST_IDLE_MS} ms; answer pings`));
  }

  #drained(): void {
    this.#stall.progressed();
    if (this.#stall.isWatching && this.unsentBytes <= INGEST_UNSENT_BYTES_MAX) {
      this.#stall[Symbol.dispose]();
      this.#work();
    }
    if (this.#session && (this.#isProgressDue || this.#flow)) this.#sockets.tellSoon(this);
  }

  #refuse(error: unknown): void {
    this.#send({ op: "error", error: this.#shown(error) });
  }

  #shown(error: unknown): ErrorBody {
    const { onDefect, onRefused } = this.#sockets.options;
    const shown = toShownError(error);
    if (shown.code === "internal") onDefect(error);
    onRefused?.(shown.code);
    return shown;
  }

  /** Says why, and closes with the code of the same row; what is not taken in a moment goes with the socket. */
  #end(error: MillraceError): void {
    if (this.#peer.readyState !== this.#peer.OPEN) return;
    this.#refuse(error);
    this.#peer.close(ERROR_STATUS[error.code].ws, error.message.slice(0, 120));
    setTimeout(() => this.#peer.terminate(), LAST_WORDS_MS).unref();
  }

  #send(message: IngestServerMessage): void {
    if (this.#peer.readyState === this.#peer.OPEN) this.#peer.send(JSON.stringify(message));
  }
}

function parse(data: Buffer): unknown {
  if (data.length > INGEST_TEXT_BYTES_MAX) {
    const text = `the text has ${data.length} bytes; at most ${INGEST_TEXT_BYTES_MAX} are taken, and batches are binary messages`;
    throw new MillraceError("too_large", text);
  }
  const text = data.toString("utf8");
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new MillraceError("invalid_argument", `the message is not JSON: ${JSON.stringify(text.slice(0, 80))}`);
  }
}

function checkNumbered({ firstSeq }: ObservationBatch): void {
  if (Number.isSafeInteger(firstSeq) && firstSeq >= 1) return;
  const text = `the batch begins with number ${firstSeq}; number the observations of a session 1, 2, 3 …`;
  throw new MillraceError("invalid_argument", text);
}

function gap(firstSeq: number, nextSeq: number): MillraceError {
  return new MillraceError("sequence_gap", `the batch begins with ${firstSeq}; the next is ${nextSeq}`);
}

function marksOf({ accepted, durable, searchable, indexed }: Watermarks): Watermarks {
  return { accepted, durable, searchable, indexed };
}
