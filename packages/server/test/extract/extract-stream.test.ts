import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ExtractDataOf, ExtractEvent, PageDocument } from "@millrace/client";
import { startEngine, temporaryDirectory } from "../../../../test/support/engine.ts";
import { type Line, linesOf, openSite, pageOf, post, startReader } from "./extract-site.ts";

const PROCESS = fileURLToPath(new URL("./extract-process.ts", import.meta.url));
const NDJSON = "application/x-ndjson";

async function all(response: Response): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of linesOf(response)) lines.push(line);
  return lines;
}

/** Of all tests but those that end engines: starting one takes longer than most of them. */
const engine = await startReader();
after(() => engine[Symbol.asyncDispose]());

const types = (lines: readonly { type: string }[]) => lines.map(({ type }) => type.replace("extract.", ""));

test("a hundred pages, some failing: each answered once, numbered without a gap, the summary last", async () => {
  await using site = await openSite((path) => (Number(path.slice(1)) % 10 === 3 ? undefined : pageOf(`Page ${path}`)));
  const urls = Array.from({ length: 100 }, (_, at) => `${site.url}/${at}`);
  const lines = await all(await post(engine.server.url, { urls, concurrency: 8 }, NDJSON));
  assert.deepEqual(
    lines.map(({ seq }) => seq),
    lines.map((_, at) => at + 1),
  );
  assert.equal(lines[0]?.type, "extract.start");
  assert.deepEqual(lines.at(-1)?.type, "extract.summary");
  const summary = lines.at(-1)?.data as unknown as ExtractDataOf["extract.summary"];
  assert.deepEqual(
    [summary.total, summary.done, summary.failed, summary.open, summary.state],
    [100, 90, 10, 0, "done"],
  );
  const ends = lines.filter(({ type }) => type === "extract.result" || type === "extract.error");
  const indices = ends.map(({ data }) => (data as { index: number }).index);
  assert.deepEqual(
    indices.toSorted((a, b) => a - b),
    urls.map((_, at) => at),
  );
  for (const { type, data } of ends) {
    const { index, document } = data as { index: number; document?: PageDocument };
    assert.equal(type, index % 10 === 3 ? "extract.error" : "extract.result");
    if (document) assert.equal(document.title, `Page /${index}`);
  }
});

test("the first event comes before anything is fetched", async () => {
  await using site = await openSite(
    () => (_, response) => void response.writeHead(200, { "content-type": "text/html" }).write("<p>"),
  );
  const response = await post(engine.server.url, { url: `${site.url}/hangs` }, NDJSON);
  for await (const { type, data } of linesOf(response)) {
    assert.equal(type, "extract.start");
    assert.equal((data as { total: number }).total, 1);
    break;
  }
});

test("a client that leaves ends its extraction; what was read so far stays in the log", async () => {
  await using site = await openSite((path) =>
    path === "/0"
      ? pageOf("First")
      : (_, response) => void response.writeHead(200, { "content-type": "text/html" }).write("<p>"),
  );
  const urls = Array.from({ length: 20 }, (_, at) => `${site.url}/${at}`);
  const response = await post(engine.server.url, { urls, concurrency: 2 }, NDJSON);
  const stream = response.headers.get("millrace-stream") ?? "";
  for await (const { type } of linesOf(response)) {
    if (type !== "extract.result") continue;
    await site.askedFor(2);
    break;
  }
  await site.abandoned;
  const frames = engine.client.stream(stream).subscribe();
  const seen: Line[] = [];
  for await (const frame of frames) {
    seen.push(frame as unknown as Line);
    if (frame.type === "extract.summary") break;
  }
  const summary = seen.at(-1)?.data as unknown as ExtractDataOf["extract.summary"];
  assert.deepEqual([summary.state, summary.done, summary.open], ["cancelled", 1, 19]);
  assert.ok(site.asked.length <= 4, `${site.asked.length} pages were asked for`);
});

test("a detached extraction goes on without its client, and is read on from a cursor in either form", async () => {
  const held = Promise.withResolvers<void>();
  await using site = await openSite((path) =>
    path === "/0"
      ? pageOf("Page /0")
      : (_, response) => {
          held.promise.then(() => response.writeHead(200, { "content-type": "text/html" }).end(pageOf(`Page ${path}`)));
        },
  );
  const urls = Array.from({ length: 5 }, (_, at) => `${site.url}/${at}`);
  const response = await post(engine.server.url, { urls, detached: true }, NDJSON);
  const stream = response.headers.get("millrace-stream") ?? "";
  const job = stream.replace("extract:", "");
  const before: Line[] = [];
  for await (const line of linesOf(response)) {
    before.push(line);
    if (line.type === "extract.result") break;
  }
  held.resolve();
  const last = before.at(-1);
  const cursor = `${last?.epoch}:${last?.seq}`;
  const path = `${engine.server.url}/v1/extract/${job}`;
  const rest = await all(await fetch(`${path}?after=${cursor}`, { headers: { accept: NDJSON } }));
  const lines = [...before, ...rest];
  assert.deepEqual(
    lines.map(({ seq }) => seq),
    lines.map((_, at) => at + 1),
  );
  assert.equal(types(lines).filter((type) => type === "result").length, 5);
  const events = await fetch(path, { headers: { accept: "text/event-stream", "last-event-id": cursor } });
  assert.match(events.headers.get("content-type") ?? "", /^text\/event-stream/);
  const text = await events.text();
  assert.deepEqual(
    [...text.matchAll(/^id: .*:(\d+)\nevent: frame\ndata: (.*)$/gm)].map(([, seq, json]) => [Number(seq), json]),
    rest.map((line) => [line.seq, JSON.stringify(line)]),
  );
  const status = (await (await fetch(path)).json()) as Record<string, unknown>;
  assert.deepEqual([status.state, status.total, status.done, status.stream], ["done", 5, 5, stream]);
  assert.equal((await fetch(`${path}/cancel`, { method: "POST" })).status, 409);
});

test("pages are read no faster than their reader takes the results, and none is dropped", async () => {
  const paragraphs = 300;
  await using site = await openSite((path) => pageOf(`Page ${path}`, paragraphs));
  const urls = Array.from({ length: 100 }, (_, at) => `${site.url}/${at}`);
  const body = JSON.stringify({ urls, concurrency: 2 });
  const { port, hostname } = new URL(engine.server.url);
  const socket = connect({ port: Number(port), host: hostname });
  socket.write(
    `POST /v1/extract HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept: ${NDJSON}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  // Nothing is read until the engine begins no more pages: the buffers of the kernel take some of the results.
  let asked = -1;
  while (asked < 1 || asked !== site.asked.length) {
    asked = site.asked.length;
    for (let pause = 0; pause < 40; pause++) await (await fetch(`${engine.server.url}/v1/overview`)).text();
  }
  assert.ok(asked < 90, `${asked} of 100 pages were read for a client that took none`);
  let text = "";
  for await (const part of socket.setEncoding("utf8")) text += part as string;
  const ends = text.match(/"type":"extract.result"/g) ?? [];
  assert.equal(ends.length, 100);
  assert.equal(site.asked.length, 100);
  assert.match(text, /"type":"extract.summary".*"done":100/);
});

test("a document larger than a frame comes in pieces that make the same document", async () => {
  await using site = await openSite(() => pageOf("Long “quoted” page", 2_000));
  const url = `${site.url}/long`;
  const whole = await engine.client.extract(url);
  assert.ok(JSON.stringify(whole).length > 500_000);
  const events: ExtractEvent[] = [];
  for await (const event of engine.client.extractMany([url])) events.push(event);
  const result = events.find((event) => event.type === "result");
  assert.deepEqual([result?.document.text, result?.document.hash], [whole.text, whole.hash]);
  assert.equal(result?.document.cache.hit, true);
});

test("closing ends what runs as interrupted; so does the next start after a kill, counting what was read", async (t) => {
  const directory = temporaryDirectory();
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  await using site = await openSite((path) =>
    path === "/0"
      ? pageOf("First")
      : (_, response) => void response.writeHead(200, { "content-type": "text/html" }).write("<p>"),
  );
  const urls = [`${site.url}/0`, `${site.url}/1`, `${site.url}/2`];
  const begin = async (url: string) => {
    const response = await post(url, { urls, detached: true }, NDJSON);
    for await (const { type } of linesOf(response)) if (type === "extract.result") break;
    return (response.headers.get("millrace-stream") ?? "").replace("extract:", "");
  };
  const child = spawn(process.execPath, ["--conditions=source", PROCESS, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve) => child.stdout.once("data", (line) => resolve(String(line).trim())));
  const killed = await begin(url);
  child.kill("SIGKILL");
  await once(child, "exit");
  const options = { directory, allowAddresses: ["127.0.0.1"] };
  let closed = "";
  const check = async (at: string, job: string) => {
    const lines = await all(await fetch(`${at}/v1/extract/${job}`, { headers: { accept: NDJSON } }));
    const summary = lines.at(-1)?.data as unknown as ExtractDataOf["extract.summary"];
    assert.deepEqual([summary.state, summary.done, summary.open], ["interrupted", 1, 2]);
    assert.equal(types(lines).filter((type) => type === "summary").length, 1);
  };
  {
    await using engine = await startEngine(options);
    await check(engine.server.url, killed);
    closed = await begin(engine.server.url);
  }
  await using engine = await startEngine(options);
  await check(engine.server.url, closed);
});

test("streams of extractions are the engine's own: clients read them and cannot write", async () => {
  const forged = engine.client.stream("extract:forged").append([{ type: "extract.summary", data: {} }]);
  await assert.rejects(forged, { code: "forbidden" });
});
