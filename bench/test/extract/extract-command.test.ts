import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { runExtractCommand } from "../../extract/extract-command.ts";
import { readPageSet } from "../../extract/page-set.ts";
import { MILL, SHELL, writeSet } from "./tiny-set.ts";

const set = writeSet([MILL, SHELL]);
after(() => rmSync(set.root, { recursive: true, force: true }));
const FILES = ["--pages", set.pages, "--truth", set.truth];

test("the command prints one line of JSON with the figures of two real pages", async (context) => {
  const log = context.mock.method(console, "log", () => {});
  const scores = join(set.root, "scores.out");
  assert.equal(await runExtractCommand([...FILES, "--json", "--scores", scores]), 0);
  assert.equal(log.mock.callCount(), 1);
  const result = JSON.parse(String(log.mock.calls[0]?.arguments[0]));
  assert.deepEqual([result.pages, result.pagesRead, result.unmatched, result.failures], [1, 2, 0, 0]);
  assert.deepEqual([result.f1, result.precision, result.recall], [1, 1, 1]);
  assert.deepEqual([result.withSnippets, result.withoutSnippets, result.pagesBelowHalf], [1, 0, 0]);
  assert.deepEqual(result.byType, { article: { pages: 1, f1: 1, precision: 1, recall: 1, pagesBelowHalf: 0 } });
  assert.deepEqual(result.f1Interval95, [1, 1]);
  assert.deepEqual([result.emptyReference.pages, result.emptyReference.withText], [1, 1]);
  const { mean, p50, p95, p99 } = result.msPerPage;
  assert.ok(mean > 0 && p50 > 0 && p50 <= p95 && p95 <= p99 && p99 <= result.maxMs, JSON.stringify(result.msPerPage));
  assert.ok(result.mbPerSecond > 0 && result.rssMb > 20);
  assert.deepEqual(result.peers, {});
  assert.deepEqual(result.metadata.title, { pages: 1, right: 1, wrong: 0, absent: 0 });
  assert.deepEqual(result.metadata.author, { pages: 1, right: 1, wrong: 0, absent: 0 });
});

test("boilerplate in the truth's place lowers the score: the figures come from the pages", async (context) => {
  const log = context.mock.method(console, "log", () => {});
  const wrong = { ...MILL, truth: { ...MILL.truth, main_content: "Home Log in here", with: ["Log in"], without: [] } };
  const other = writeSet([wrong]);
  context.after(() => rmSync(other.root, { recursive: true, force: true }));
  await runExtractCommand(["--pages", other.pages, "--truth", other.truth, "--json"]);
  const result = JSON.parse(String(log.mock.calls[0]?.arguments[0]));
  assert.ok(result.f1 < 0.3 && result.pagesBelowHalf === 1, `F1 ${result.f1}`);
  assert.equal(result.withSnippets, 0);
});

test("a person gets tables, with the worst pages by type", async (context) => {
  const log = context.mock.method(console, "log", () => {});
  const error = context.mock.method(console, "error", () => {});
  assert.equal(await runExtractCommand([...FILES, "--worst", "3"]), 0);
  const text = String(log.mock.calls[0]?.arguments[0]);
  assert.match(text, /1 pages, and 1 with an empty reference/);
  assert.match(text, /millrace +1\.000 +1\.000–1\.000/);
  assert.match(String(error.mock.calls.at(-1)?.arguments[0]), /article +mill +1\.000/);
});

test("what is missing or misspelt is refused by name", async () => {
  const refused = (args: string[], code: string, message: RegExp) =>
    assert.rejects(runExtractCommand(args), { code, message });
  await refused(["--truth", set.truth], "invalid_argument", /--pages is missing/);
  await refused([...FILES, "--peers", "readablity"], "invalid_argument", /peer is readablity; use one of trafilatura/);
  await refused([...FILES, "--limit", "0"], "invalid_argument", /--limit/);
  await refused([...FILES, "--fold", "x"], "invalid_argument", /--fold/);
  await refused(["--pages", join(set.root, "none"), "--truth", set.truth], "not_found", /cannot be listed/);
  await refused(["--pages", set.pages, "--truth", set.pages], "not_found", /2 pages in .*, none with its ID\.json/);
});

test("page types and domains come from a metadata file where the truth has none, and pages without a truth are counted", (context) => {
  const { url: _, type: __, ...bare } = MILL;
  const other = writeSet([bare, SHELL]);
  context.after(() => rmSync(other.root, { recursive: true, force: true }));
  const listing = { files: { mill: { page_type: "listing", domain: "www.Mill.example" } } };
  writeFileSync(join(other.root, "metadata.json"), JSON.stringify(listing));
  writeFileSync(join(other.pages, "stray.html"), "<p>alone</p>");
  const { pages, unmatched } = readPageSet(other);
  assert.deepEqual(
    pages.map(({ id, type, domain }) => [id, type, domain]),
    [
      ["mill", "listing", "mill.example"],
      ["shell", "product", undefined],
    ],
  );
  assert.equal(unmatched, 1);
  assert.equal(new TextDecoder().decode(pages[0]?.read()), MILL.html);
});

test("a limit takes pages from all over the set", (context) => {
  const many = Array.from({ length: 10 }, (_, at) => ({ ...MILL, id: `p${at}` }));
  const other = writeSet(many);
  context.after(() => rmSync(other.root, { recursive: true, force: true }));
  const ids = (limit: number) => readPageSet({ ...other, limit }).pages.map(({ id }) => id);
  assert.deepEqual(ids(3), ["p0", "p4", "p7"]);
  assert.equal(ids(10).length, 10);
  assert.equal(ids(50).length, 10);
});

test("a truth that is no JSON is named", (context) => {
  const other = writeSet([MILL]);
  context.after(() => rmSync(other.root, { recursive: true, force: true }));
  writeFileSync(join(other.truth, "mill.json"), "{");
  assert.throws(() => readPageSet(other), { code: "unreadable_document", message: /mill\.json/ });
});
