import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, ManualClock } from "@millrace/core";
import { openStorage, Retention, retentionModuleUrl, Sequencer } from "@millrace/stream";
import { toBytes, toEvents } from "../../src/durable-streams/content.ts";
import type { CreateRequest } from "../../src/durable-streams/create-request.ts";
import type { Write } from "../../src/durable-streams/durable-stream.ts";
import { DurableStreams } from "../../src/durable-streams/durable-streams.ts";
import { Subscriptions } from "../../src/durable-streams/subscriptions/subscriptions.ts";
import { WebhookSender } from "../../src/durable-streams/subscriptions/webhook.ts";
import { durableModuleUrl, subscriptionsModuleUrl } from "../../src/worker-url.ts";

export function temporaryDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "millrace-durable-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Durable streams over a real store, without HTTP, on a clock that moves when told. */
export async function openStreams(directory: string, options: { clock?: Clock; bytesMax?: number } = {}) {
  const { clock = new ManualClock(), bytesMax } = options;
  const modules = [durableModuleUrl, subscriptionsModuleUrl, retentionModuleUrl];
  const storage = await openStorage({ directory, modules, ...(bytesMax === undefined ? {} : { bytesMax }) });
  const sequencer = new Sequencer({ storage, clock });
  const streams = await DurableStreams.open({ storage, sequencer, clock });
  const subscriptions = await Subscriptions.open({ streams, storage, clock, webhooks: new WebhookSender([]) });
  const retention = new Retention({ storage, sequencer });
  return {
    ...{ storage, sequencer, streams, subscriptions, retention },
    async [Symbol.asyncDispose]() {
      await retention.close();
      await subscriptions.close();
      await streams.close();
      await storage.close();
    },
  };
}

let appends = 0;

/** A request for a text stream; its first messages are those of `text`. */
export function toMake(path: string, text = "", more: Partial<CreateRequest> = {}): CreateRequest {
  return {
    path,
    contentType: "text/plain",
    ttlSeconds: undefined,
    expires: undefined,
    closes: false,
    fork: undefined,
    events: (mode) => toEvents(mode, new TextEncoder().encode(text), `first-${appends++}`),
    ...more,
  };
}

export function toAppend(text: string, more: Partial<Write> = {}): Write {
  return {
    producer: undefined,
    seq: undefined,
    mediaType: "text/plain",
    closes: false,
    events: (mode) => toEvents(mode, new TextEncoder().encode(text), `append-${appends++}`),
    ...more,
  };
}

/** The whole text of a stream. */
export function readText(streams: DurableStreams, path: string): Promise<string> {
  return streams.with(path, async (stream) => {
    using reader = await streams.read(stream);
    let text = "";
    for (let position = reader.positionOf("start"); position < reader.tail; ) {
      const { frames, next } = await reader.page(position);
      text += toBytes(frames).toString();
      position = next;
    }
    return text;
  });
}

/** The code with which a promise is rejected, or its value. */
export function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: { code?: string }) => error.code ?? error);
}
