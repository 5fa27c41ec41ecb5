import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import type { AppendResponse, ErrorBody, Job, RecallResponse, StoredDocument } from "@millrace/client";
import { ManualClock } from "@millrace/core";
import { startEngine, type TestEngine } from "./support/engine.ts";
import { until } from "./support/until.ts";

const GUIDE = `# Mill guide

## Water wheel

The overshot wheel takes water from above. Each bucket fills near the top and empties at the bottom, so gravity does most of the work.
The undershot wheel stands in the stream and is pushed by it; it needs no drop, and gives less than half as much for the same water.

## Grinding stones

The bedstone lies still while the runner stone turns above it. Furrows cut into both faces carry the flour outwards. Dress the stones
every three weeks with a mill bill, or the meal comes out warm and coarse. The part number of the bill is QX-7741.
`;

/** What any route may answer with; a test looks at the fields of the one it called. */
type Json = Job & RecallResponse & StoredDocument & AppendResponse & { readonly error: ErrorBody };

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
});
after(() => engine[Symbol.asyncDispose]());

const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const response = await fetch(engine.server.url + path, {
    method,
    headers: { ...(body === undefined || isRaw ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: isRaw ? (body as BodyInit) : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  const json = (isJson ? JSON.parse(text) : {}) as Json;
  return { status: response.status, text, json, headers: response.headers };
};

const addText = (space: string, source: string, text: string, contentType = "text/markdown") =>
  call("POST", `/v1/spaces/${space}/documents?waitMs=60000`, { sources: [{ source, text, contentType }] });

describe("add and recall", () => {
  test("I11: what an add reported stored is in the very next recall, with source, headings, exact offsets and score terms", async () => {
    const added = await addText("mill", "guide.md", GUIDE);
    assert.equal(added.status, 200, added.text);
    assert.equal(added.json.state, "done");
    const { json } = await call("POST", "/v1/spaces/mill/recall", { query: "QX-7741", k: 3 });
    const [first] = json.results;
    assert.ok(first);
    assert.match(first.text, /QX-7741/);
    assert.equal(first.source, "guide.md");
    assert.deepEqual(first.headings, ["Mill guide", "Grinding stones"]);
    const document = await call("GET", `/v1/spaces/mill/documents/${first.document}`);
    assert.equal(document.json.text?.slice(first.start, first.end), first.text);
    const { text, vector } = first.terms;
    const sum = (text?.share ?? 0) + (vector?.share ?? 0);
    assert.ok(Math.abs(sum - first.score) < 1e-6, "the score is the sum of its terms");
    const [start, end] = first.highlights[0] ?? [];
    assert.match(first.text.slice(start, end), /QX/);
  });

  test("the same source again is unchanged, with other text it replaces the document", async () => {
    await addText("mill", "note.md", "The miller is called Anselm.");
    const again = await addText("mill", "note.md", "The miller is called Anselm.");
    const frames = await engine.client.stream(again.json.stream).frames();
    const stored = frames.frames.find(({ type }) => type === "document.stored");
    assert.ok(stored);
    assert.equal((stored.data as { unchanged: boolean }).unchanged, true);
    await addText("mill", "note.md", "The miller is called Berthold.");
    const old = await engine.client.space("mill").recall({ query: "Anselm", mode: "text" });
    assert.equal(old.results.length, 0);
    const now = await engine.client.space("mill").recall({ query: "Berthold", mode: "text" });
    assert.equal(now.results.length, 1);
  });

  test("one bad source fails alone, by its code, and the rest is stored", async () => {
    const sources = [
      { source: "good.txt", text: "A sluice gate controls the flow into the head race." },
      { source: "empty.txt", text: "   \n  " },
      { source: "picture.png", upload: true },
    ];
    const { json } = await call("POST", "/v1/spaces/mixed/documents", { sources });
    const job = json;
    const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0]);
    assert.equal((await call("PUT", `/v1/jobs/${job.job}/sources/2`, png)).status, 202);
    const types: string[] = [];
    for await (const { type } of engine.client.stream(job.stream).subscribe()) {
      types.push(type);
      if (type.startsWith("job.") && type !== "job.started" && type !== "job.progress") break;
    }
    assert.equal(types.at(-1), "job.done");
    const done = await engine.client.job(job.job).get();
    assert.deepEqual([done.stored, done.failed, done.open], [1, 2, 0]);
    assert.deepEqual(
      done.errors.map(({ source, error }) => [source, error.code]),
      [
        ["empty.txt", "no_text"],
        ["picture.png", "unsupported_type"],
      ],
    );
    assert.equal((await call("PUT", `/v1/jobs/${job.job}/sources/2`, png)).status, 409);
  });

  test("an announced file that will not come is withdrawn, and the job ends without it", async () => {
    const announced = await call("POST", "/v1/spaces/mixed/documents", {
      sources: [
        { source: "kept.txt", upload: true },
        { source: "vanished.txt", upload: true },
      ],
    });
    const { job } = announced.json;
    await engine.client.job(job).withdrawSource(1);
    await assert.rejects(engine.client.job(job).withdrawSource(1), { code: "conflict" });
    await call("PUT", `/v1/jobs/${job}/sources/0`, new TextEncoder().encode("The spillway takes the flood."));
    for await (const { type } of engine.client.stream(`job:${job}`).subscribe()) if (type === "job.done") break;
    const ended = await engine.client.job(job).get();
    assert.deepEqual([ended.stored, ended.failed, ended.errors[0]?.error.code], [1, 1, "cancelled"]);
  });

  test("I10: a space never answers with another space's memory, and a deleted space is gone", async () => {
    await addText("tenant-a", "a.txt", "The secret of tenant A is marzipan.");
    await addText("tenant-b", "b.txt", "The secret of tenant B is liquorice.");
    for (const mode of ["text", "vector", "hybrid"] as const) {
      const { results } = await engine.client.space("tenant-a").recall({ query: "secret liquorice", mode });
      assert.ok(
        results.every(({ source }) => source === "a.txt"),
        mode,
      );
    }
    const foreign = await engine.client.space("tenant-b").documents();
    const id = foreign.documents[0]?.document ?? "";
    assert.equal((await call("GET", `/v1/spaces/tenant-a/documents/${id}`)).status, 404);
    assert.equal((await call("DELETE", "/v1/spaces/tenant-b")).status, 204);
    assert.equal((await call("POST", "/v1/spaces/tenant-b/recall", { query: "secret" })).status, 404);
    assert.equal((await call("GET", "/v1/streams/space:tenant-b")).status, 404);
    await addText("tenant-b", "b.txt", "Tenant B came back with nougat.");
    const { results } = await engine.client.space("tenant-b").recall("secret nougat");
    assert.deepEqual(
      results.map(({ source }) => source),
      ["b.txt"],
    );
    assert.match(results[0]?.text ?? "", /nougat/);
  });

  test("a deleted space takes its jobs along: their rows, streams and uploaded bytes", async () => {
    const announced = await call("POST", "/v1/spaces/leaving/documents", {
      sources: [
        { source: "kept.txt", upload: true },
        { source: "missing.txt", upload: true },
      ],
    });
    const { job, stream } = announced.json;
    await call("PUT", `/v1/jobs/${job}/sources/0`, new TextEncoder().encode("The mill pond is full of secrets."));
    assert.equal((await call("DELETE", "/v1/spaces/leaving")).status, 204);
    assert.equal((await call("GET", `/v1/jobs/${job}`)).status, 404);
    assert.equal((await call("GET", `/v1/streams/${stream}`)).status, 404);
    assert.equal((await call("POST", `/v1/jobs/${job}/resume`)).status, 404);
    const store = new DatabaseSync(join(engine.directory, "millrace.db"), { readOnly: true });
    const left = store.prepare("SELECT count(*) AS bodies FROM job_sources WHERE body IS NOT NULL").get();
    store.close();
    assert.equal(left?.bodies, 0);
    assert.equal((await call("GET", "/v1/spaces/leaving")).status, 404);
  });

  test("a space is deleted whatever its jobs are just doing", async () => {
    for (let round = 0; round < 12; round++) {
      const added = await call("POST", "/v1/spaces/race/documents", {
        sources: [{ source: "x.txt", text: `hello ${round}` }],
      });
      // Asked for something else a few times, so that the job is met at another point each round.
      for (let n = 0; n < round; n++) await call("GET", `/v1/jobs/${added.json.job}`);
      const { status, text } = await call("DELETE", "/v1/spaces/race");
      assert.equal(status, 204, text);
    }
  });

  test("a document that is removed is in no recall", async () => {
    await addText("removal", "x.txt", "The tail race returns the water to the river.");
    const { documents } = await engine.client.space("removal").documents();
    await call("DELETE", `/v1/spaces/removal/documents/${documents[0]?.document}`);
    for (const mode of ["text", "vector", "hybrid"] as const) {
      assert.deepEqual(
        (await engine.client.space("removal").recall({ query: "tail race water", mode })).results,
        [],
        mode,
      );
    }
  });
});

describe("pages", () => {
  test("a page is fetched without its navigation; 404, a hanging page and a refused address fail by name while the rest goes on", async () => {
    const page = `<html lang="en"><head><title>Weir</title></head><body><nav><a href="/">Home</a><a href="/x">Menu of many things</a></nav>
      <main><h1>The weir</h1><p>${"The weir raises the water so that the race can take it. ".repeat(8)}</p></main><footer>Imprint and cookies</footer></body></html>`;
    const site = createServer((request, response) => {
      if (request.url === "/weir") response.writeHead(200, { "content-type": "text/html" }).end(page);
      else if (request.url === "/gone" || request.url === "/robots.txt") response.writeHead(404).end("no");
      // Any other page hangs: it is never answered.
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    await using open = await startEngine({ allowAddresses: ["127.0.0.1"], fetchTimeoutMs: 5_000 });
    const space = open.client.space("web");
    try {
      const job = await space.add([{ url: `${base}/weir` }, { url: `${base}/gone` }, { url: `${base}/hangs` }], {
        waitMs: 60_000,
      });
      assert.deepEqual([job.stored, job.failed], [1, 2]);
      const codes = Object.fromEntries(job.errors.map(({ source, error }) => [source.replace(base, ""), error.code]));
      assert.deepEqual(codes, { "/gone": "fetch_failed", "/hangs": "timeout" });
      const { results } = await space.recall("what raises the water");
      assert.equal(results[0]?.source, `${base}/weir`);
      assert.doesNotMatch(results[0]?.text ?? "", /Menu of many things|Imprint/);
    } finally {
      site.closeAllConnections();
      await new Promise((resolve) => site.close(resolve));
    }
    const blocked = await call("POST", "/v1/spaces/web/documents?waitMs=60000", {
      sources: [{ url: "http://127.0.0.1:1/" }],
    });
    assert.equal(blocked.json.errors[0]?.error.code, "blocked_address");
    assert.equal(blocked.json.state, "error");
  });
});

describe("politeness", () => {
  test("pages of a slow site are all stored, one after the other, though each waits longer than a fetch may take", async () => {
    const asked: string[] = [];
    const site = createServer((request, response) => {
      response.setHeader("content-type", "text/html");
      if (request.url === "/robots.txt") return response.end("user-agent: *\ncrawl-delay: 3\ndisallow: /private");
      asked.push(request.url ?? "");
      return response.end(
        `<html lang="en"><body><main><h1>${request.url}</h1><p>${"Water turns the wheel of the mill. ".repeat(9)}</p></main>`,
      );
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    const clock = new ManualClock();
    await using open = await startEngine({
      ...{ clock, allowAddresses: ["127.0.0.1"], fetchTimeoutMs: 2_000 },
      politeness: { ratePerSecond: 100 },
    });
    try {
      const sources = ["/1", "/2", "/3", "/private"].map((path) => ({ url: base + path }));
      const { job } = await open.client.space("web").add(sources);
      for (let count = 1; count <= 3; count++) {
        // The clock stands still from when a page is asked for, so that the next is due exactly so much later.
        await until(() => {
          if (asked.length < count) clock.advance(10);
          return asked.length === count;
        });
        await until(async () => (await open.client.job(job).get()).stored === count);
        clock.advance(2_900);
        for (let look = 0; look < 20; look++) await open.client.overview();
        assert.equal(asked.length, count, "not before its time");
      }
      await until(async () => (await open.client.job(job).get()).state !== "running");
      const { stored, failed, errors } = await open.client.job(job).get();
      assert.deepEqual([stored, failed, errors[0]?.error.code], [3, 1, "robots_disallowed"]);
    } finally {
      site.closeAllConnections();
      await new Promise((resolve) => site.close(resolve));
    }
  });
});

describe("refusals", () => {
  const refused = async (
    status: number,
    code: string,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => {
    const answer = await call(method, path, body, headers);
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.json.error.code, code);
    return answer.json.error.message;
  };

  test("an empty question, an unknown space, and what is malformed are told what to do", async () => {
    await addText("mill", "guide.md", GUIDE);
    await refused(400, "invalid_argument", "POST", "/v1/spaces/mill/recall", { query: "  " });
    assert.match(
      await refused(400, "invalid_argument", "POST", "/v1/spaces/mill/recall", { query: "x", k: 0 }),
      /k is 0/,
    );
    assert.match(await refused(400, "invalid_argument", "POST", "/v1/spaces/mill/recall", { query: "x", kk: 1 }), /kk/);
    assert.match(await refused(404, "not_found", "POST", "/v1/spaces/nowhere/recall", { query: "x" }), /nowhere/);
    await refused(400, "invalid_argument", "GET", "/v1/spaces/Not%20A%20Name");
    await refused(404, "not_found", "GET", "/v1/nothing");
    await refused(405, "method_not_allowed", "PUT", "/v1/spaces");
    await refused(415, "unsupported_type", "POST", "/v1/spaces/mill/recall", "query=x", {
      "content-type": "application/x-www-form-urlencoded",
    });
    await refused(400, "invalid_argument", "POST", "/v1/spaces/mill/recall", "{", {
      "content-type": "application/json",
    });
    await refused(400, "invalid_argument", "POST", "/v1/spaces/mill/documents", { sources: [] });
    await refused(413, "too_large", "POST", "/v1/spaces/mill/recall", " ".repeat(17 * 1024 * 1024), {
      "content-type": "application/json",
    });
    await refused(404, "not_found", "GET", "/v1/jobs/none");
    await refused(404, "not_found", "GET", "/v1/streams/none");
    await refused(400, "invalid_argument", "GET", "/v1/streams/none/frames?after=junk");
  });

  test("another site's page is kept out: by its origin, and by a name that was made to point here", async () => {
    await refused(403, "forbidden", "GET", "/v1/spaces", undefined, { origin: "http://evil.example" });
    await refused(403, "forbidden", "POST", "/v1/spaces/mill/recall", { query: "x" }, { origin: "null" });
    const { request } = await import("node:http");
    const { port } = new URL(engine.server.url);
    const status = await new Promise((resolve) => {
      request({ host: "127.0.0.1", port, path: "/v1/spaces", headers: { host: "evil.example" } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
    assert.equal(status, 403);
  });

  test("the engine's own streams take no events from outside", async () => {
    await refused(403, "forbidden", "POST", "/v1/streams/space:mill/events", {
      events: [{ type: "document.removed", data: {} }],
    });
  });

  test("a taken port is told by number and way out, and the engine that has it goes on", async () => {
    const port = Number(new URL(engine.server.url).port);
    await assert.rejects(
      startEngine({ port }),
      (error: { code: string; message: string }) =>
        error.code === "port_in_use" && error.message.includes(String(port)),
    );
    await assert.rejects(startEngine({ directory: engine.directory }), { code: "data_in_use" });
    assert.equal((await call("GET", "/readyz")).status, 200);
  });

  test("a full disk refuses by name, keeps nothing half-written, and what was stored before is still found", async () => {
    await using small = await startEngine({ dataBytesMax: 1_200_000 });
    const space = small.client.space("s");
    await space.add([{ source: "first.txt", text: "The first document mentions the heron." }], { waitMs: 60_000 });
    const large = Array.from({ length: 60_000 }, (_, n) => `word${n}`).join(" ");
    const outcome = await space
      .add([{ source: "large.txt", text: large }], { waitMs: 1_000 })
      .catch((error: { code: string }) => error);
    const code = "code" in outcome ? outcome.code : (outcome.errors[0]?.error.code ?? outcome.state);
    // Not to blame for the disk, the source stays open and is tried again.
    assert.equal(code, "running");
    const { results } = await space.recall("heron");
    assert.equal(results[0]?.source, "first.txt");
    assert.deepEqual((await space.recall({ query: "word17", mode: "text" })).results, []);
    await small.client.spaces.delete("s");
    await assert.rejects(space.recall("heron"), { code: "not_found" });
  });
});

describe("streams", () => {
  test("append, read, follow over SSE with Last-Event-ID, and refuse a bad cursor", async () => {
    const events = Array.from({ length: 5 }, (_, n) => ({ type: "log", data: { n } }));
    const { json } = await call("POST", "/v1/streams/chat:1/events", {
      events,
      producer: { id: "p", epoch: 0, seq: 0 },
    });
    assert.equal(json.lastSeq, 5);
    const again = await call("POST", "/v1/streams/chat:1/events", { events, producer: { id: "p", epoch: 0, seq: 0 } });
    assert.equal(again.json.duplicates, 5);
    const epoch = String(json.epoch);
    const abort = new AbortController();
    const response = await fetch(`${engine.server.url}/v1/streams/chat:1/sse?after=${epoch}:1`, {
      headers: { "last-event-id": `${epoch}:3` },
      signal: abort.signal,
    });
    let text = "";
    for await (const part of response.body ?? []) {
      text += Buffer.from(part).toString("utf8");
      if (text.includes(`id: ${epoch}:5`)) break;
    }
    abort.abort();
    assert.deepEqual(
      [...text.matchAll(/^id: .*:(\d+)$/gm)].map(([, seq]) => Number(seq)),
      [4, 5],
    );
    const ahead = await call("GET", `/v1/streams/chat:1/sse?after=${epoch}:99`);
    assert.equal(ahead.status, 400);
  });

  test("I13: the overview and the metrics show what was measured", async () => {
    const overview = await engine.client.overview();
    assert.ok(
      overview.totals.documents >= 1 && overview.latency.recallMs.count >= 1 && overview.latency.commitMs.p50 > 0,
    );
    const { text } = await call("GET", "/metrics");
    assert.match(text, /^millrace_documents [1-9]/m);
    assert.match(text, /^millrace_commit_seconds_bucket\{le="\+Inf"\} [1-9]/m);
    for (const line of text.trimEnd().split("\n"))
      assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{[^}]+\})? [\d.e+-]+)$/);
  });
});
