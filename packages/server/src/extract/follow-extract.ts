/** The frames of an extraction as server-sent events or as lines of JSON, to its last one. */
import type { ServerResponse } from "node:http";
import { MillraceError } from "@millrace/core";
import type { Cursor, Gap, StreamId } from "@millrace/protocol";
import { type Batch, Follower, type FollowerSink, SUBSCRIBER_STALL_MS } from "@millrace/stream";
import type { Engine } from "../engine.ts";
import { type Exchange, toShownError } from "../http/exchange.ts";
import type { Heartbeats } from "../http/heartbeats.ts";
import { encodeEvents } from "../http/sse.ts";
import { EXTRACT_UNSENT_BYTES_MAX } from "../limits.ts";
import type { Flow } from "./flow.ts";

export type EventForm = "sse" | "ndjson";

export type FollowExtractOptions = {
  readonly engine: Engine;
  readonly exchange: Exchange;
  readonly heartbeats: Heartbeats;
  readonly stream: StreamId;
  readonly form: EventForm;
  readonly after?: Cursor | undefined;
  /** Held while the client is behind. */
  readonly flow?: Flow;
  /** Rejects when the last frame will not come. */
  readonly ended?: Promise<void>;
};

/** The last frame of an extraction; its type stands before its data. */
const SUMMARY = /^\{"stream":"[^"]*","epoch":"[^"]*","seq":\d+,"ts":\d+,"type":"extract\.summary"/;

const CONTENT_TYPE: Readonly<Record<EventForm, string>> = {
  sse: "text/event-stream; charset=utf-8",
  ndjson: "application/x-ndjson",
};

/** Settles once it follows; the response ends after the last frame. */
export async function followExtract(options: FollowExtractOptions): Promise<void> {
  const { engine, exchange, heartbeats, stream, after } = options;
  const { sequencer, storage, meters, clock } = engine;
  const { response } = exchange;
  // Writing to a peer that has gone is an error of the response; its "close" says all there is to know.
  response.on("error", () => {});
  const sink = new ExtractSink(options);
  const follower = await Follower.start({ sequencer, storage, stream, after, sink, clock, ...meters.following });
  const onDrain = () => {
    sink.drained();
    follower.drained();
  };
  response.on("drain", onDrain);
  const stopBeating = heartbeats.add(() => sink.ping());
  options.ended?.catch((error: unknown) => sink.fail(MillraceError.from(error)));
  const end = () => {
    stopBeating();
    sink.drained();
    follower[Symbol.dispose]();
  };
  if (response.destroyed) end();
  else response.once("close", end);
}

class ExtractSink implements FollowerSink {
  readonly #options: FollowExtractOptions;
  readonly #response: ServerResponse;

  constructor(options: FollowExtractOptions) {
    this.#options = options;
    this.#response = options.exchange.response;
  }

  get unsentBytes(): number {
    return this.#response.writableLength;
  }

  begin(): void {
    const { exchange, form, stream } = this.#options;
    exchange.begin(CONTENT_TYPE[form], { "millrace-stream": stream, "x-accel-buffering": "no" });
  }

  frames(batch: Batch): void {
    const { form, flow } = this.#options;
    this.#write(form === "sse" ? batch.encoded("sse", encodeEvents) : batch.encoded("ndjson", encodeLines));
    if (flow) flow.isHeld = this.unsentBytes > EXTRACT_UNSENT_BYTES_MAX;
    if (SUMMARY.test(batch.frames.at(-1)?.json ?? "")) this.#end();
  }

  gap(gap: Gap): void {
    this.#say("gap", gap);
  }

  fail(error: MillraceError): void {
    this.#say("error", { error: toShownError(error) });
    this.#end();
  }

  ping(): void {
    this.#write(this.#options.form === "sse" ? ":\n\n" : '{"type":"extract.ping"}\n');
  }

  /** The client took what was written, or has gone: work goes on. */
  drained(): void {
    if (this.#options.flow) this.#options.flow.isHeld = false;
  }

  /** What is no frame has no number. */
  #say(name: string, value: object): void {
    const isSse = this.#options.form === "sse";
    this.#write(
      isSse
        ? `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`
        : `${JSON.stringify({ type: `stream.${name}`, ...value })}\n`,
    );
  }

  #end(): void {
    if (!this.#response.writableEnded) this.#response.end();
    this.#watchRest();
  }

  /** A peer that takes nothing of what is left must not hold the socket open. */
  #watchRest(): void {
    const response = this.#response;
    const left = response.writableLength;
    if (left === 0) return;
    const cancel = this.#options.engine.clock.after(SUBSCRIBER_STALL_MS, () => {
      response.off("close", cancel);
      if (response.writableLength === left) response.destroy();
      else this.#watchRest();
    });
    response.once("close", cancel);
  }

  #write(text: string | Buffer): void {
    if (!this.#response.writableEnded && !this.#response.destroyed) this.#response.write(text);
  }
}

/** One frame a line: JSON has no raw line break. */
function encodeLines({ frames }: Batch): Buffer {
  return Buffer.from(`${frames.map(({ json }) => json).join("\n")}\n`);
}
