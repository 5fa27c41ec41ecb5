import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type Client, createClient, type ExtractEvent } from "@millrace/client";
import { startProxy } from "../../../test/support/cutting-proxy.ts";
import { openSite, pageOf, startReader } from "../../server/test/extract/extract-site.ts";

/** Of all tests: starting an engine takes longer than most of them. */
const engine = await startReader();
after(() => engine[Symbol.asyncDispose]());

const noSockets = (url: string) => createClient({ url, WebSocket: null });
const urlsOf = (url: string, count: number) => Array.from({ length: count }, (_, at) => `${url}/${at}`);

test("a page, HTML and a file are read by one call", async () => {
  await using site = await openSite((path) => (path === "/page" ? pageOf("By address") : undefined));
  const { client } = engine;
  assert.equal((await client.extract(`${site.url}/page`)).title, "By address");
  assert.equal((await client.extract({ html: pageOf("By hand") })).title, "By hand");
  const bytes = new TextEncoder().encode(pageOf("As a file"));
  assert.equal((await client.extract({ file: bytes, source: "a.html" }, { mode: "links" })).mode, "links");
  const chosen = await client.extract({ file: new Blob([bytes]), source: "a.html" }, { selectors: ["nav", "h1, h2"] });
  assert.match(chosen.text, /^Home\s+As a file$/);
  await assert.rejects(client.extract(`${site.url}/missing`), { code: "fetch_failed", message: /404/ });
  await assert.rejects(client.extract("http://10.0.0.1/"), { code: "blocked_address" });
});

for (const [form, connect] of [
  ["a WebSocket", (url: string) => createClient({ url })],
  ["server-sent events", noSockets],
] as const) {
  test(`every event comes once and in order over ${form}, however often the connection is cut`, async () => {
    // A page is there once the connection was cut in the round before: each cut is of a connection that the rest has to do without.
    const rounds = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
    rounds[0]?.resolve();
    await using site = await openSite((path) => (_, response) => {
      const at = Number(path.slice(1));
      const answer = at === 7 ? response.writeHead(404) : response.writeHead(200, { "content-type": "text/html" });
      void rounds[Math.floor(at / 6)]?.promise.then(() => answer.end(pageOf(`Page ${path}`, 40)));
    });
    await using proxy = await startProxy(engine.server.url);
    const client: Client = connect(proxy.url);
    const events: ExtractEvent[] = [];
    let settled = 0;
    for await (const event of client.extractMany(urlsOf(site.url, 24), { concurrency: 3 })) {
      events.push(event);
      // In the middle of a round, so that some of its pages are on their way.
      if ((event.type !== "result" && event.type !== "error") || ++settled % 6 !== 3 || settled > 18) continue;
      proxy.cut();
      rounds[(settled + 3) / 6]?.resolve();
    }
    client.close();
    assert.ok(proxy.connections > 3, `${proxy.connections} connections`);
    const seqs = events.map(({ cursor }) => Number(cursor.split(":")[1]));
    assert.deepEqual(
      seqs,
      seqs.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(seqs).size, seqs.length);
    const titles = events.flatMap((event) => (event.type === "result" ? [event.document.title] : []));
    assert.equal(new Set(titles).size, 23);
    assert.deepEqual(
      events.flatMap((event) => (event.type === "error" ? [event.index] : [])),
      [7],
    );
    const [first, last] = [events[0], events.at(-1)];
    assert.deepEqual([first?.type, last?.type], ["start", "summary"]);
    assert.deepEqual(last?.type === "summary" && [last.done, last.failed, last.state], [23, 1, "done"]);
  });
}

test("leaving the loop ends the work; detached work goes on and is read on later", async () => {
  const held = Promise.withResolvers<void>();
  await using site = await openSite((path) =>
    path === "/0"
      ? pageOf("First")
      : (_, response) => void held.promise.then(() => response.writeHead(200).end(pageOf(`Page ${path}`))),
  );
  const { client } = engine;
  const readOne = async (detached: boolean) => {
    for await (const event of client.extractMany(urlsOf(site.url, 4), { detached })) {
      if (event.type === "result") return event;
    }
    throw new Error("no result came");
  };
  const left = await readOne(false);
  const status = async (job: string) =>
    (await (await fetch(`${engine.server.url}/v1/extract/${job}`)).json()) as { state: string };
  assert.equal((await status(left.job)).state, "cancelled");
  const kept = await readOne(true);
  assert.equal((await status(kept.job)).state, "running");
  held.resolve();
  const rest: ExtractEvent[] = [];
  for await (const event of client.extractMany([], { resume: { job: kept.job, after: kept.cursor } })) rest.push(event);
  assert.equal(rest.filter(({ type }) => type === "result").length, 3);
  assert.equal(rest.at(-1)?.type, "summary");
});

test("a signal ends the loop with its reason, and the work", async () => {
  await using site = await openSite(
    () => (_, response) => void response.writeHead(200, { "content-type": "text/html" }).write("<p>"),
  );
  const stop = new AbortController();
  let job = "";
  const reading = (async () => {
    for await (const event of engine.client.extractMany(urlsOf(site.url, 3), { signal: stop.signal })) {
      job = event.job;
      if (event.type !== "progress") continue;
      await site.askedFor(1);
      stop.abort();
    }
  })();
  await assert.rejects(reading, { code: "cancelled" });
  await site.abandoned;
  const nothing = engine.client.extractMany([])[Symbol.asyncIterator]();
  await assert.rejects(nothing.next(), { code: "invalid_argument" });
  assert.notEqual(job, "");
});
