import type { ClientMessage, Frame, Seq, ServerMessage, StreamId } from "@millrace/protocol";
import type { SocketConstructor, SocketLike } from "../src/index.ts";

type Listener = (event: never) => void;

/** The engine's half of one WebSocket, in memory: nothing moves until the simulation says so. */
class ModelSocket implements SocketLike {
  readyState = 0;
  readonly toClient: (ServerMessage | unknown[])[] = [];
  readonly subs = new Map<
    number,
    { stream: string; next: number; window: number; acked: number; isCompact: boolean }
  >();
  readonly #listeners = new Map<string, Listener[]>();
  readonly #engine: ModelEngine;

  constructor(engine: ModelEngine) {
    this.#engine = engine;
    engine.sockets.add(this);
  }

  addEventListener(type: string, listen: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listen]);
  }

  emit(type: string, event: unknown): void {
    for (const listen of this.#listeners.get(type) ?? []) listen(event as never);
  }

  send(text: string): void {
    this.#engine.receive(this, JSON.parse(text) as ClientMessage);
  }

  close(): void {
    this.readyState = 3;
    this.#engine.sockets.delete(this);
  }

  open(): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.emit("open", {});
  }

  drop(code: number): void {
    this.close();
    this.emit("close", { code, reason: "" });
  }
}

/** A model of PROTOCOL.md's WebSocket over one stream, with faults on request: lost, repeated and swallowed messages. */
export class ModelEngine {
  readonly stream = "job:model";
  readonly sockets = new Set<ModelSocket>();
  epoch = "e1";
  first = 1;
  head = 0;
  subscribes = 0;
  /** Acknowledgements of frames that were not sent: a client's defect. */
  wrongAcks = 0;
  speaksCompact = true;
  readonly WebSocket: SocketConstructor;

  constructor() {
    const engine = this;
    this.WebSocket = class extends ModelSocket {
      constructor() {
        super(engine);
      }
    };
  }

  frame(seq: number): Frame {
    const { stream, epoch } = this;
    return {
      stream: stream as StreamId,
      epoch,
      seq: seq as Seq,
      ts: seq,
      type: "x.note",
      id: `n${seq}`,
      data: { seq },
    };
  }

  append(count: number): void {
    this.head += count;
  }

  retain(count: number): void {
    this.first = Math.max(this.first, this.head - count + 1);
  }

  recreate(): void {
    this.epoch = `e${Number(this.epoch.slice(1)) + 1}`;
    this.first = 1;
    this.head = 0;
    for (const socket of [...this.sockets]) socket.drop(1001);
  }

  receive(socket: ModelSocket, message: ClientMessage): void {
    if (message.op === "unsubscribe") socket.subs.delete(message.sub);
    if (message.op === "ack") this.#acknowledge(socket, message);
    if (message.op !== "subscribe") return;
    this.subscribes++;
    const { sub, stream, window = Number.MAX_SAFE_INTEGER } = message;
    const [epoch, seq] = message.after === undefined ? [this.epoch, String(this.first - 1)] : message.after.split(":");
    const after = Number(seq);
    const { head, first } = this;
    const reason = epoch !== this.epoch ? "epoch" : after < first - 1 ? "retention" : undefined;
    const from = reason ? first : after + 1;
    const isCompact = message.format === "compact" && this.speaksCompact;
    socket.subs.set(sub, { stream, next: from, window, acked: from - 1, isCompact });
    const place = { sub, stream: stream as StreamId, epoch: this.epoch };
    socket.toClient.push({ op: "subscribed", ...place, head: head as Seq, durable: head, after: from - 1 });
    if (reason) socket.toClient.push({ op: "gap", ...place, after, first, head, reason });
  }

  #acknowledge(socket: ModelSocket, { sub, seq }: { sub: number; seq: number }): void {
    const place = socket.subs.get(sub);
    if (!place) return;
    if (seq >= place.next) this.wrongAcks++;
    place.acked = Math.max(place.acked, seq);
  }

  /** Puts up to `count` frames of each subscription into its socket's way out; one past retention gets its gap first. */
  pump(count: number): void {
    for (const socket of this.sockets) {
      for (const [sub, place] of socket.subs) {
        if (place.next < this.first) {
          const { stream, epoch, first, head } = this;
          const gap = { stream: stream as StreamId, epoch, after: place.next - 1, first, head };
          socket.toClient.push({ op: "gap", sub, ...gap, reason: "retention" });
          place.next = first;
          place.acked = first - 1;
        }
        const last = Math.min(this.head, place.next + count - 1, place.acked + place.window);
        const frames: Frame[] = [];
        for (; place.next <= last; place.next++) frames.push(this.frame(place.next));
        if (frames.length === 0) continue;
        if (place.isCompact) socket.toClient.push([sub, ...frames.map(compact)]);
        else socket.toClient.push({ op: "frames", sub, frames });
      }
    }
  }

  deliver(how: "once" | "twice" | "never", wanted: number): void {
    for (const socket of [...this.sockets]) {
      for (const message of socket.toClient.splice(0, wanted)) {
        const isFrames = Array.isArray(message) || message.op === "frames";
        if (how === "never" && isFrames) continue;
        socket.emit("message", { data: JSON.stringify(message) });
        if (how === "twice" && isFrames) socket.emit("message", { data: JSON.stringify(message) });
      }
    }
  }
}

function compact({ seq, ts, type, id, data }: Frame): unknown[] {
  return [seq, ts, type, id, data];
}
