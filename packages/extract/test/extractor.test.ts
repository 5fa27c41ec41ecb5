import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { chunk } from "../src/chunk.ts";
import { createExtractor } from "../src/extractor.ts";
import { HTML_BYTES_MAX, LABEL_CHARS_MAX } from "../src/limits.ts";
import { fixture } from "./fixture.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
/** Its thread starts and it is read in far longer than the deadline given here, on any machine. */
const slowPage = () => bytesOf("<p><a href=x>some words</a> and <b>more</b></p>\n".repeat(350_000));

test("each type is read through one door, sources named and measured", async () => {
  await using extractor = createExtractor();
  const page = await extractor.extract({
    source: "https://docs.example/a/docs-page.html",
    bytes: fixture("docs-page.html"),
  });
  assert.equal(page.contentType, "text/html");
  assert.equal(page.links[0]?.url, "https://docs.example/a/sluice.html#sizes");
  assert.equal(page.bytes, fixture("docs-page.html").length);
  assert.ok(page.wordCount > 80);
  assert.equal((await extractor.extract({ source: "guide.md", bytes: fixture("guide.md") })).title, "Keeping bees");
  assert.equal(
    (await extractor.extract({ source: "dir/thoughts.txt", bytes: bytesOf("\n\nonly this") })).title,
    "only this",
  );
});

test("a long title and a long heading are cut where they go with every chunk; the text keeps them whole", async () => {
  await using extractor = createExtractor();
  const long = "long words ".repeat(2_000).trim();
  const html = `<html><head><title>${long}</title></head><body><main><h1>${long}</h1><p>${"Some text. ".repeat(40)}</p></main></body></html>`;
  const document = await extractor.extract({ source: "long.html", bytes: bytesOf(html) });
  const labels = [document.title, ...chunk(document).flatMap(({ headings }) => headings)];
  assert.ok(labels.length > 1);
  for (const label of labels) {
    assert.ok(label.length <= LABEL_CHARS_MAX);
    assert.match(label, /^long words .* (long|words)…$/);
  }
  assert.ok(document.text.includes(long));
});

test("a gzipped source is read as what it holds, and a bomb is stopped at the limit", async () => {
  await using extractor = createExtractor();
  const packed = gzipSync(fixture("docs-page.html"));
  const document = await extractor.extract({ source: "/usr/share/doc/x/pressure.html.gz", bytes: packed });
  assert.equal(document.title, "Back pressure");
  assert.equal(document.bytes, packed.length);
  const bomb = gzipSync(new Uint8Array(130 * 1024 * 1024));
  await assert.rejects(extractor.extract({ source: "bomb.txt.gz", bytes: bomb }), {
    code: "too_large",
    message: /bomb\.txt\.gz/,
  });
  await assert.rejects(extractor.extract({ source: "cut.txt.gz", bytes: packed.subarray(0, 200) }), {
    code: "unreadable_document",
  });
});

test("what cannot be read is refused by a code and by name", async () => {
  await using extractor = createExtractor();
  const refusals = [
    { source: "empty.txt", bytes: bytesOf(" \n "), code: "no_text" },
    { source: "app.html", bytes: bytesOf("<div id=app></div><script src=app.js></script>"), code: "needs_render" },
    { source: "data.json", bytes: bytesOf("{}"), code: "unsupported_type" },
    { source: "huge.html", bytes: new Uint8Array(HTML_BYTES_MAX + 1).fill(65), code: "too_large" },
  ];
  for (const { source, bytes, code } of refusals) {
    await assert.rejects(
      extractor.extract({ source, bytes }),
      (error: Error & { code: string }) => error.code === code && error.message.includes(source),
    );
  }
});

test("a job past its deadline ends with its worker, and the next job works", async () => {
  await using extractor = createExtractor({ workers: 1 });
  await assert.rejects(extractor.extract({ source: "slow.html", bytes: slowPage() }, { timeoutMs: 20 }), {
    code: "timeout",
    message: /slow\.html.*20 ms/,
  });
  assert.equal((await extractor.extract({ source: "guide.md", bytes: fixture("guide.md") })).title, "Keeping bees");
});

test("a cancelled job frees its worker, also for jobs that wait", async () => {
  await using extractor = createExtractor({ workers: 1 });
  const controller = new AbortController();
  const running = extractor.extract({ source: "slow.html", bytes: slowPage() }, { signal: controller.signal });
  const waiting = extractor.extract({ source: "guide.md", bytes: fixture("guide.md") });
  controller.abort();
  await assert.rejects(running, { code: "cancelled" });
  assert.equal((await waiting).title, "Keeping bees");
});

test("a worker is retired after its number of jobs", async () => {
  await using extractor = createExtractor({ workers: 1, jobsPerWorkerMax: 2 });
  for (let job = 1; job <= 5; job++) {
    await extractor.extract({ source: "a.txt", bytes: bytesOf("some words") });
    assert.equal(extractor.stats().workers, job % 2);
  }
});

test("the queue is bounded and says so", async () => {
  await using extractor = createExtractor({ workers: 1 });
  const jobs = Array.from({ length: 80 }, () => extractor.extract({ source: "a.txt", bytes: bytesOf("some words") }));
  const outcomes = await Promise.allSettled(jobs);
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  assert.ok(refused.length > 0 && refused.every((outcome) => outcome.reason.code === "overloaded"));
  assert.equal(outcomes.length - refused.length, 65, "64 waiting and one running");
});

test("closing ends what runs and refuses what comes", async () => {
  const extractor = createExtractor({ workers: 1 });
  const running = extractor.extract({ source: "slow.html", bytes: slowPage() });
  const ended = assert.rejects(running, { code: "unavailable" });
  await extractor[Symbol.asyncDispose]();
  await ended;
  await assert.rejects(extractor.extract({ source: "a.txt", bytes: bytesOf("words") }), { code: "unavailable" });
});

test("options are checked by name", () => {
  assert.throws(() => createExtractor({ workers: 0 }), { code: "invalid_argument", message: /workers is 0/ });
});

test("an idle extractor keeps no process alive", async () => {
  const { Worker } = await import("node:worker_threads");
  const script = `import(${JSON.stringify(new URL("../src/extractor.ts", import.meta.url).href)}).then(({ createExtractor }) => createExtractor().extract({ source: "a.txt", bytes: new TextEncoder().encode("words") }))`;
  const worker = new Worker(script, { eval: true });
  const [code] = await once(worker, "exit");
  assert.equal(code, 0);
});
