import { MillraceError } from "@millrace/core";
import { EventLink } from "./event-link.ts";
import type { FrameReceiver, FrameScanner } from "./frame-scanner.ts";
import type { LatencyTable } from "./latency-table.ts";
import { nowMicros } from "./now.ts";
import { OrderCheck } from "./order-check.ts";
import { type LinkEvents, SocketLink } from "./socket-link.ts";
import type { FollowPlan, SocketPlan } from "./target.ts";

/** What the subscribers of a process count together. */
export type Tally = {
  readonly latencies: LatencyTable;
  /** All deliveries, warm-up included. */
  delivered: number;
  lastDeliveryMicros: number;
  /** Frames whose sending was intended before this are not measured. */
  measureFromMicros: number;
};

export type SubscriberOptions = {
  readonly url: URL;
  readonly plan: FollowPlan;
  readonly stream: string;
  /** Of the run's streams. */
  readonly streamIndex: number;
  readonly scanner: FrameScanner;
  readonly tally: Tally;
  /** After a read with deliveries. */
  readonly onProgress: () => void;
};

/** One follower on its own socket: checks the order of what it gets and records how long each frame took. */
export class Subscriber implements FrameReceiver {
  readonly order = new OrderCheck();
  readonly streamIndex: number;
  /** Why it no longer follows. */
  ended: string | undefined;
  readonly #options: SubscriberOptions;
  readonly #ready = Promise.withResolvers<void>();
  #link: SocketLink | EventLink | undefined;
  #nowMicros = 0;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.streamIndex = options.streamIndex;
  }

  /** Settles once it follows. */
  async start(): Promise<void> {
    const { plan, url, stream } = this.#options;
    const events: LinkEvents = {
      beforeRead: () => {
        this.#nowMicros = nowMicros();
      },
      afterRead: this.#options.onProgress,
      message: (bytes, start, end) => this.#message(bytes, start, end),
      closed: (reason) => this.#end(reason),
    };
    this.#ready.promise.catch(() => {});
    if (plan.kind === "events") {
      this.#link = new EventLink(events);
      await this.#link.open(url, plan.path(stream));
    } else {
      const link = new SocketLink(events);
      this.#link = link;
      await link.open(url, plan.path);
      for (const text of plan.opening(stream)) link.send(text);
      await this.#ready.promise;
    }
  }

  take(number: number, sentMicros: number): void {
    const { tally } = this.#options;
    this.order.take(number);
    tally.delivered++;
    if (sentMicros < tally.measureFromMicros) return;
    tally.latencies.record(this.#nowMicros - sentMicros);
    tally.lastDeliveryMicros = this.#nowMicros;
  }

  /** Reads nothing until `resume`. */
  pause(): void {
    if (this.#link instanceof SocketLink) this.#link.pause();
  }

  resume(): void {
    if (this.#link instanceof SocketLink) this.#link.resume();
  }

  close(): void {
    this.#link?.close();
  }

  #message(bytes: Buffer, start: number, end: number): void {
    const { plan, scanner } = this.#options;
    const frames = scanner.scan(bytes, [start, end], this);
    if (frames === 0 && plan.kind === "web-socket") this.#control(plan, bytes.toString("utf8", start, end));
  }

  #control(plan: SocketPlan, text: string): void {
    const { isReady, reply, failure } = plan.control(text, this.#options.stream);
    if (reply !== undefined && this.#link instanceof SocketLink) this.#link.send(reply);
    if (isReady) this.#ready.resolve();
    if (failure !== undefined) this.#end(failure);
  }

  #end(reason: string): void {
    this.ended ??= reason;
    this.#ready.reject(new MillraceError("unavailable", `a subscriber was not served: ${reason}`));
  }
}
