import type { ClientMessage } from "@millrace/protocol";
import type { SocketConstructor, SocketLike } from "../src/index.ts";

type Listener = (event: never) => void;
type Append = Extract<ClientMessage, { op: "append" }>;
type Answer = { readonly text: string; readonly head: number };

/** One connection: what is on its way in both directions moves when the simulation says so, and is gone when it drops. */
class ModelSocket implements SocketLike {
  readyState = 0;
  readonly toEngine: Append[] = [];
  /** Answers that wait for the log to be durable up to `head`. */
  readonly toClient: Answer[] = [];
  readonly #listeners = new Map<string, Listener[]>();
  readonly #model: AppendModel;

  constructor(model: AppendModel) {
    this.#model = model;
    model.sockets.add(this);
  }

  addEventListener(type: string, listen: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listen]);
  }

  emit(type: string, event: unknown): void {
    for (const listen of this.#listeners.get(type) ?? []) listen(event as never);
  }

  send(text: string): void {
    const message = JSON.parse(text) as ClientMessage;
    if (message.op === "append") this.toEngine.push(message);
  }

  close(): void {
    this.readyState = 3;
    this.#model.sockets.delete(this);
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

/** A model of how an engine takes appends (PROTOCOL.md, Append), with crashes that take back what is not durable. */
export class AppendModel {
  readonly sockets = new Set<ModelSocket>();
  readonly WebSocket: SocketConstructor;
  /** What the stream holds. */
  log: unknown[] = [];
  durable = 0;
  refuseNext = 0;
  messages = 0;
  #producer: number | undefined;
  #durableProducer: number | undefined;

  constructor() {
    const model = this;
    this.WebSocket = class extends ModelSocket {
      constructor() {
        super(model);
      }
    };
  }

  take(count: number): void {
    for (const socket of this.sockets)
      for (const append of socket.toEngine.splice(0, count)) this.#append(socket, append);
  }

  commit(): void {
    this.durable = this.log.length;
    this.#durableProducer = this.#producer;
  }

  /** Delivers up to `count` answers of what is durable, the oldest or the newest first. */
  deliver(count: number, isNewestFirst: boolean): void {
    for (const socket of [...this.sockets]) {
      const ready = socket.toClient.filter(({ head }) => head <= this.durable);
      for (const answer of (isNewestFirst ? ready.reverse() : ready).slice(0, count)) {
        socket.toClient.splice(socket.toClient.indexOf(answer), 1);
        socket.emit("message", { data: answer.text });
      }
    }
  }

  drop(code: number): void {
    for (const socket of [...this.sockets]) socket.drop(code);
  }

  crash(): void {
    this.log.length = this.durable;
    this.#producer = this.#durableProducer;
    this.drop(1006);
  }

  #append(socket: ModelSocket, { id, events, producer }: Append): void {
    this.messages++;
    const seq = producer?.seq ?? 0;
    const known = this.#producer ?? seq - 1;
    if (this.refuseNext > 0) {
      this.refuseNext--;
      this.#refuse(socket, id, "overloaded");
    } else if (seq > known + 1) this.#refuse(socket, id, "sequence_gap");
    else {
      this.log.push(...events.slice(known + 1 - seq).map(({ data }) => data));
      this.#producer = Math.max(known, seq + events.length - 1);
      socket.toClient.push({ text: JSON.stringify({ op: "appended", id, epoch: "e1" }), head: this.log.length });
    }
  }

  #refuse(socket: ModelSocket, id: number, code: string): void {
    const error = { code, message: code, retryable: true };
    socket.toClient.push({ text: JSON.stringify({ op: "error", id, error }), head: 0 });
  }
}
