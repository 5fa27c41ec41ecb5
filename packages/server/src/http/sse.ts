import type { Socket } from "node:net";
import { MillraceError } from "@millrace/core";
import type { Cursor, Gap, StreamId } from "@millrace/protocol";
import { type Batch, Follower, type FollowerSink, type FollowStart, type TimelinePage } from "@millrace/stream";
import type { Engine } from "../engine.ts";
import { LAST_WORDS_MS } from "../limits.ts";
import { type Exchange, toShownError } from "./exchange.ts";
import type { Heartbeats } from "./heartbeats.ts";

export type FollowOptions = {
  readonly engine: Engine;
  readonly exchange: Exchange;
  readonly heartbeats: Heartbeats;
  readonly stream: StreamId;
  readonly after: Cursor | undefined;
  /** Whether the stream's state comes before its frames when there is no cursor, and after a gap. */
  readonly wantsSnapshot: boolean;
};

/** Follows a stream as server-sent events (HTML standard, section 9.2) until the client leaves or the stream ends. */
export async function followAsEvents(options: FollowOptions): Promise<void> {
  const { engine, exchange, heartbeats, stream, after, wantsSnapshot } = options;
  const { sequencer, storage, meters, clock } = engine;
  const { response } = exchange;
  const { socket } = response;
  if (!socket) throw new MillraceError("cancelled", "the client went away");
  // Writing to a peer that has gone is an error of the response; its "close" says all there is to know.
  response.on("error", () => {});
  const sink = new EventSink(exchange, socket, wantsSnapshot);
  const follower = await Follower.start({ sequencer, storage, stream, after, sink, clock, ...meters.following });
  const onDrain = () => follower.drained();
  socket.on("drain", onDrain);
  const stopBeating = heartbeats.add(() => sink.comment());
  const end = () => {
    stopBeating();
    socket.off("drain", onDrain);
    follower[Symbol.dispose]();
  };
  if (response.destroyed) end();
  else response.once("close", end);
}

/**
 * The response's body is written to its socket as it is: it has no length and no chunks and ends with the connection, so that the blocks of a
 * batch are the same bytes for everyone.
 */
class EventSink implements FollowerSink {
  readonly snapshot?: (page: TimelinePage) => void;
  readonly #exchange: Exchange;
  readonly #socket: Socket;

  constructor(exchange: Exchange, socket: Socket, wantsSnapshot: boolean) {
    if (wantsSnapshot) this.snapshot = (page) => this.#writeSnapshot(page);
    this.#exchange = exchange;
    this.#socket = socket;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  begin(_start: FollowStart): void {
    this.#exchange.openUntilClose("text/event-stream; charset=utf-8");
    this.comment(" following");
  }

  frames(batch: Batch): void {
    this.#write(batch.encoded("sse", encodeEvents));
  }

  gap(gap: Gap): void {
    this.#write(`event: gap\ndata: ${JSON.stringify(gap)}\n\n`);
  }

  /** Its id is the cursor from which the frames behind it follow: a reconnect after it needs no other snapshot. */
  #writeSnapshot({ next, ...page }: TimelinePage): void {
    const json = JSON.stringify(next === undefined ? page : { ...page, next: String(next) });
    this.#write(`id: ${page.epoch}:${page.asOfSeq}\nevent: snapshot\ndata: ${json}\n\n`);
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

  #write(block: string | Buffer): void {
    const { response } = this.#exchange;
    if (!response.writableEnded && !response.destroyed) this.#socket.write(block);
  }
}

/** JSON has no raw line break, so a frame is one data line. */
export function encodeEvents({ epoch, frames }: Batch): Buffer {
  let text = "";
  for (const { seq, json } of frames) text += `id: ${epoch}:${seq}\nevent: frame\ndata: ${json}\n\n`;
  return Buffer.from(text);
}
