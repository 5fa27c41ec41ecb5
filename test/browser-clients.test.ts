/** What a page of the engine sees of a stream, with the browser's EventSource and with the SDK, across cut connections and a killed engine. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createClient, type Frame } from "@millrace/client";
import type { Browser, Page } from "playwright-core";
import { hasChromium, launchBrowser, openPage } from "./support/browser.ts";
import { type RestartingEngine, startRestarting } from "./support/restarting-engine.ts";
import { until } from "./support/until.ts";

const notes = (count: number, from: number) =>
  Array.from({ length: count }, (_, at) => ({ type: "x.note", data: from + at }));
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

/** In the page: what it has seen and done. */
type Seen = { seqs: number[]; data: unknown[]; gaps: number; state: number; error: string; written: number };
declare global {
  var seen: Seen;
}

async function blank(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.evaluate(() => {
    globalThis.seen = { seqs: [], data: [], gaps: 0, state: 0, error: "", written: 0 };
  });
}
const countOf = (page: Page) => page.evaluate(() => globalThis.seen.seqs.length);
const seenBy = (page: Page) => page.evaluate(() => globalThis.seen);

describe("clients in Chromium", { skip: hasChromium ? false : "no Chromium on this machine" }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser?.close());

  test("EventSource gets every frame once across a cut and kill -9, and stops when the stream is deleted", async () => {
    await using engine = await startRestarting();
    await using open = await openPage(browser);
    const { page } = open;
    const stream = createClient({ url: engine.url }).stream("chat");
    await blank(page, engine.url);
    await page.evaluate(followWithEventSource, "/v1/streams/chat/sse");
    await stream.append(notes(40, 0));
    await until(async () => (await countOf(page)) >= 40);
    engine.proxy.cut();
    await stream.append(notes(40, 40));
    await until(async () => (await countOf(page)) >= 80);
    await engine.restart();
    await stream.append(notes(40, 80));
    await until(async () => (await countOf(page)) >= 120);
    const { seqs, data, gaps } = await seenBy(page);
    assert.deepEqual(seqs, upTo(120));
    assert.deepEqual(
      data,
      upTo(120).map((seq) => seq - 1),
    );
    assert.equal(gaps, 0);
    await stream.delete();
    await until(() => page.evaluate(() => globalThis.seen.state === EventSource.CLOSED));
  });

  for (const transport of ["WebSocket", "server-sent events"] as const) {
    test(`the SDK over ${transport} writes and applies every event once across cuts and kill -9`, async () => {
      await using engine = await startRestarting();
      await using open = await openPage(browser);
      const { page } = open;
      const total = 4_000;
      await blank(page, engine.url);
      const done = page.evaluate(followAndWrite, { total, hasSocket: transport === "WebSocket" });
      await faults(engine, page, total);
      await done;
      const { data, error, seqs } = await seenBy(page);
      assert.equal(error, "");
      assert.deepEqual(seqs, upTo(total));
      assert.deepEqual(
        data,
        upTo(total).map((seq) => seq - 1),
      );
      const stored: unknown[] = [];
      for await (const frame of createClient({ url: engine.url }).stream("chat").subscribe()) {
        if (stored.push((frame as Frame).data) === total) break;
      }
      assert.deepEqual(stored, data);
    });
  }
});

/** Cuts the connections at several places on the way, and kills the engine in the middle. */
async function faults(engine: RestartingEngine, page: Page, total: number): Promise<void> {
  const written = async (count: number) =>
    until(
      () => page.evaluate((wanted) => globalThis.seen.written >= wanted || globalThis.seen.error !== "", count),
      () => count,
    );
  for (const part of [0.1, 0.3]) {
    await written(total * part);
    engine.proxy.cut();
  }
  await written(total * 0.5);
  await engine.restart();
  await written(total * 0.8);
  engine.proxy.cut();
}

/** Runs in the page. */
function followWithEventSource(url: string): void {
  const { seen } = globalThis;
  const source = new EventSource(url);
  source.addEventListener("frame", ({ data, lastEventId }) => {
    const frame = JSON.parse(String(data)) as { seq: number; data: unknown };
    if (!lastEventId.endsWith(`:${frame.seq}`)) throw new Error(`${lastEventId} came with ${frame.seq}`);
    seen.seqs.push(frame.seq);
    seen.data.push(frame.data);
  });
  source.addEventListener("gap", () => void seen.gaps++);
  source.addEventListener("error", () => {
    seen.state = source.readyState;
  });
}

/** Runs in the page. */
async function followAndWrite({ total, hasSocket }: { total: number; hasSocket: boolean }): Promise<void> {
  const { seen } = globalThis;
  const at = "/assets/client/index.js";
  const { createClient } = (await import(at)) as typeof import("@millrace/client");
  const client = createClient({ url: location.origin, ...(hasSocket ? {} : { WebSocket: null }) });
  const stream = client.stream("chat");
  const following = (async () => {
    const onGap = ({ first }: { first: number }) => {
      seen.gaps++;
      seen.seqs.length = first - 1;
      seen.data.length = first - 1;
    };
    for await (const frame of stream.subscribe({ onGap, window: 500 })) {
      seen.seqs.push(frame.seq);
      if (seen.data.push(frame.data) === total) break;
    }
  })();
  const writer = stream.writer({ maxInFlight: 300 });
  try {
    for (let n = 0; n < total; n++) {
      await writer.write({ type: "x.note", data: n });
      seen.written = n + 1;
      if (n % 50 === 0) await writer.flush();
    }
    await writer.close();
    await following;
  } catch (error) {
    seen.error = String(error);
    throw error;
  }
  client.close();
}
