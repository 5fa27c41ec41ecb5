/** One connection of the Centrifugo protocol below its commands: bytes out, back pressure, heartbeat, close. */
import type { Duplex } from "node:stream";
import type { Clock } from "@millrace/core";
import { StallWatch, SUBSCRIBER_BYTES_MAX } from "@millrace/stream";
import type { WebSocket } from "ws";
import { textFrame } from "../http/socket-frames.ts";
import {
  CENTRIFUGO_CONNECT_MS,
  CENTRIFUGO_IN_FLIGHT_MAX,
  CENTRIFUGO_PING_MS,
  CENTRIFUGO_PONG_MS,
  LAST_WORDS_MS,
} from "../limits.ts";
import { DISCONNECTS, type Disconnect } from "./codes.ts";

const PING = textFrame("{}");

export type PeerOptions = {
  readonly webSocket: WebSocket;
  /** The socket under it: frames made once for many peers are written to it as they are. */
  readonly socket: Duplex;
  readonly clock: Clock;
  readonly onMessage: (text: string) => void;
  /** The peer took some bytes. */
  readonly onDrained: () => void;
  /** It is over, by whomever; called once. */
  readonly onClose: () => void;
};

/**
 * Reads from a peer only as fast as it is served: while its answers fill its budget or too many of its commands are under way it is
 * paused. A peer that takes nothing for SUBSCRIBER_STALL_MS while bytes wait is `slow`; one that took a ping and does not answer it
 * in time is gone. The two are told apart because the time for the answer begins when the ping has left.
 */
export class Peer {
  readonly #options: PeerOptions;
  readonly #stall: StallWatch;
  #inFlight = 0;
  #isPaused = false;
  #isCorked = false;
  #isDraining = false;
  #isClosed = false;
  #isPingUnsent = false;
  #waiting: (() => void)[] = [];
  #cancelBeat: () => void;
  #cancelPong: (() => void) | undefined;

  constructor(options: PeerOptions) {
    this.#options = options;
    const { webSocket, clock, onMessage } = options;
    this.#stall = new StallWatch(clock, () => this.#endStalled());
    this.#cancelBeat = clock.after(CENTRIFUGO_CONNECT_MS, () => this.close(DISCONNECTS.stale));
    webSocket.on("message", (data, isBinary) => {
      if (isBinary) this.close(DISCONNECTS.badRequest);
      else if (!this.#isClosed) onMessage(String(data));
      this.#holdBack();
    });
    // ws closes the socket itself after a protocol error; the listener keeps it from ending the process.
    webSocket.on("error", () => {});
    webSocket.once("close", () => this.#end());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Bytes handed over and not yet taken. */
  get unsentBytes(): number {
    return this.#options.socket.writableLength;
  }

  /** The client has connected: from now on it is asked for signs of life. */
  startHeartbeat(): void {
    this.#cancelBeat();
    this.#cancelBeat = this.#options.clock.after(CENTRIFUGO_PING_MS, () => this.#beat());
  }

  ponged(): void {
    this.#cancelPong?.();
    this.#cancelPong = undefined;
  }

  send(text: string): void {
    this.write(textFrame(text));
  }

  /** Writes a whole WebSocket frame. What is written in one turn leaves in one system call. */
  write(frame: Buffer, onTaken?: () => void): void {
    if (this.#isClosed) return;
    const { socket } = this.#options;
    if (!this.#isCorked) {
      this.#isCorked = true;
      socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        socket.uncork();
      });
    }
    socket.write(frame, () => {
      onTaken?.();
      this.#drainSoon();
    });
  }

  /** Counts a command whose answer is to come; `finished` takes it back. */
  began(): void {
    this.#inFlight++;
  }

  finished(): void {
    this.#inFlight--;
    this.#letGoOn();
  }

  /** Settles when the peer may be sent more than a few bytes, or is gone. */
  async room(): Promise<void> {
    while (this.#isOverBudget && !this.#isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** A close frame waits behind everything the peer does not read; it gets a moment, then the socket goes. */
  close({ code, reason }: Disconnect): void {
    if (this.#isClosed) return;
    const { webSocket, clock } = this.#options;
    webSocket.close(code, reason);
    webSocket.resume();
    this.#end();
    const cancel = clock.after(LAST_WORDS_MS, () => webSocket.terminate());
    webSocket.once("close", cancel);
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelBeat();
    this.ponged();
    this.#stall[Symbol.dispose]();
    this.#wake();
    this.#options.onClose();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  get #isOverBudget(): boolean {
    return this.unsentBytes > SUBSCRIBER_BYTES_MAX;
  }

  #holdBack(): void {
    if (this.#isClosed) return;
    if (this.#isOverBudget) this.#stall.start();
    if (this.#isPaused || !(this.#isOverBudget || this.#inFlight > CENTRIFUGO_IN_FLIGHT_MAX)) return;
    this.#isPaused = true;
    this.#options.webSocket.pause();
  }

  #letGoOn(): void {
    if (!this.#isPaused || this.#isOverBudget || this.#inFlight > CENTRIFUGO_IN_FLIGHT_MAX) return;
    this.#isPaused = false;
    this.#options.webSocket.resume();
  }

  /** Once per turn of the event loop, however many writes the socket took in it. */
  #drainSoon(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    setImmediate(() => {
      this.#isDraining = false;
      if (!this.#isClosed) this.#drained();
    });
  }

  #drained(): void {
    this.#stall.progressed();
    if (!this.#isOverBudget && !this.#isPingUnsent) this.#stall[Symbol.dispose]();
    this.#letGoOn();
    this.#wake();
    this.#options.onDrained();
  }

  #endStalled(): void {
    if (this.#isOverBudget || this.#isPingUnsent) this.close(DISCONNECTS.slow);
  }

  /** One ping at a time: while the last has not left, the stall watch sees to the peer. */
  #beat(): void {
    this.#cancelBeat = this.#options.clock.after(CENTRIFUGO_PING_MS, () => this.#beat());
    if (this.#isPingUnsent) return;
    this.#isPingUnsent = true;
    this.#stall.start();
    this.write(PING, () => {
      this.#isPingUnsent = false;
      if (!this.#isClosed) this.#awaitPong();
    });
  }

  #awaitPong(): void {
    this.#cancelPong ??= this.#options.clock.after(CENTRIFUGO_PONG_MS, () => {
      this.#cancelPong = undefined;
      // What a paused peer has answered has not been read.
      if (this.#isPaused) this.#awaitPong();
      else this.close(DISCONNECTS.noPong);
    });
  }
}
