import type { MillraceError } from "@millrace/core";
import type { Cursor, Gap, StreamId } from "@millrace/protocol";
import { Follower, type FollowerSink, type StoredFrame } from "@millrace/stream";
import type { Engine } from "../engine.ts";
import { HEARTBEAT_MS, LAST_WORDS_MS } from "../limits.ts";
import { type Exchange, toShownError } from "./exchange.ts";

/** Follows a stream as server-sent events (HTML standard, section 9.2) until the client leaves or the stream ends. */
export async function followAsEvents(
  engine: Engine,
  exchange: Exchange,
  stream: StreamId,
  after: Cursor | undefined,
): Promise<void> {
  const { sequencer, storage, meters, clock } = engine;
  const { response } = exchange;
  let follower: Follower | undefined;
  const sink = new EventSink(exchange, () => follower?.drained());
  const { deliverMicros } = meters;
  const onDelivered = (frames: number) => meters.deliveries.add(frames);
  // Writing to a peer that has gone is an error of the response; its "close" says all there is to know.
  response.on("error", () => {});
  follower = await Follower.start({ sequencer, storage, stream, after, sink, clock, deliverMicros, onDelivered });
  const heartbeat = setInterval(() => sink.comment(), HEARTBEAT_MS);
  response.once("close", () => {
    clearInterval(heartbeat);
    follower?.[Symbol.dispose]();
  });
  if (response.destroyed) response.emit("close");
}

class EventSink implements FollowerSink {
  readonly #exchange: Exchange;
  readonly #onDrained: () => void;
  #epoch = "";

  constructor(exchange: Exchange, onDrained: () => void) {
    this.#exchange = exchange;
    this.#onDrained = onDrained;
  }

  get unsentBytes(): number {
    return this.#exchange.response.writableLength;
  }

  begin({ epoch }: { epoch: string }): void {
    this.#epoch = epoch;
    this.#exchange.open("text/event-stream; charset=utf-8");
    this.comment(" following");
  }

  frames(frames: readonly StoredFrame[]): void {
    // JSON has no raw line break, so a frame is one data line.
    const text = frames.map(({ seq, json }) => `id: ${this.#epoch}:${seq}\nevent: frame\ndata: ${json}\n\n`).join("");
    this.#write(text);
  }

  gap(gap: Gap): void {
    this.#epoch = gap.epoch;
    this.#write(`event: gap\ndata: ${JSON.stringify(gap)}\n\n`);
  }

  /** The reason is the last event. A peer that reads gets it; one that does not must not hold the socket open. */
  fail(error: MillraceError): void {
    const { response } = this.#exchange;
    this.#write(`event: error\ndata: ${JSON.stringify({ error: toShownError(error) })}\n\n`);
    if (error.code === "slow_consumer") response.destroy();
    else response.end();
    setTimeout(() => response.destroy(), LAST_WORDS_MS).unref();
  }

  comment(text = ""): void {
    this.#write(`:${text}\n\n`);
  }

  /** The callback comes when the socket has taken the bytes: then there is room again. */
  #write(text: string): void {
    const { response } = this.#exchange;
    if (response.writableEnded || response.destroyed) return;
    response.write(text, () => this.#onDrained());
  }
}
