import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DOCS, ESCAPE, type Folder, folder, runCommand } from "./command.ts";

let place: Folder;
const ask = (args: readonly string[]) => runCommand(["recall", ...args, "--space", "docs"], { cwd: place.path });

before(async () => {
  place = folder(DOCS);
  await runCommand(["add", "docs", "--space", "docs"], { cwd: place.path });
});
after(() => place[Symbol.dispose]());

test("--json prints the engine's answer", async () => {
  const { code, out } = await ask(["ERR_STREAM_DESTROYED", "--json"]);
  assert.equal(code, 0);
  const { results, space, mode, chunks } = JSON.parse(out);
  assert.deepEqual([space, mode], ["docs", "hybrid"]);
  assert.ok(chunks >= 3);
  const [first] = results;
  assert.equal(first.source, "docs/guide/streams.md");
  assert.ok(first.score > 0);
  const marked = (first.highlights as [number, number][]).map(([start, end]) => first.text.slice(start, end));
  assert.ok(marked.includes("ERR_STREAM_DESTROYED"), String(marked));
});

test("a question without a word of the text finds it by meaning", async () => {
  const { out } = await ask(["make a loaf at home", "--mode", "vector", "--json"]);
  assert.equal(JSON.parse(out).results[0].source, "docs/bread.html");
});

test("results show heading path, source, passage and what each list gave; -k bounds them", async () => {
  const { out } = await ask(["ERR_STREAM_DESTROYED", "-k", "1"]);
  assert.match(out, /^ 1 {2}Streams › Back pressure +\d\.\d\d$/m);
  assert.match(out, /^ {4}docs\/guide\/streams\.md$/m);
  assert.match(out, /^ {4}When a reader is slower than its writer/m);
  assert.match(out, /^ {4}text #1 bm25 [\d.]+ ×[\d.]+ → [\d.]+ · vector #1 similarity/m);
  assert.match(out, /^1 result of \d+ passages in space docs · hybrid/m);
  assert.doesNotMatch(out, /^ 2 /m);
});

test("words need no quotes, and FORCE_COLOR marks those that matched", async () => {
  const options = { cwd: place.path, env: { FORCE_COLOR: "1" } };
  const { out } = await runCommand(["recall", "museum", "opens", "--space", "docs", "-k", "1"], options);
  assert.ok(out.toLowerCase().includes(`${ESCAPE}1m${ESCAPE}33mmuseum`));
  const plain = await runCommand(["recall", "museum", "--space", "docs"], { ...options, env: { NO_COLOR: "1" } });
  assert.ok(!plain.out.includes(ESCAPE));
});

test("a space, a data directory or a question that is not there is an error that says what to do", async () => {
  const space = await runCommand(["recall", "x", "--space", "nope"], { cwd: place.path });
  assert.match(space.err, /^error: .*nope.*\(not_found\)/);
  assert.equal(space.code, 1);
  const data = await runCommand(["recall", "x", "--data", "./elsewhere"], { cwd: place.path });
  assert.match(data.err, /there is no data directory \.\/elsewhere; add something first/);
  const empty = await ask([" "]);
  assert.match(empty.err, /\(invalid_argument\)/);
  assert.equal(empty.code, 2);
});

test("spaces, streams and jobs list what is there, as tables and as JSON", async () => {
  const options = { cwd: place.path };
  const spaces = await runCommand(["spaces"], options);
  assert.match(spaces.out, /^space +documents +passages +size +embedding +made\ndocs +3 /);
  const streams = await runCommand(["streams", "space:", "--json"], options);
  assert.deepEqual(
    (JSON.parse(streams.out).streams as { stream: string }[]).map(({ stream }) => stream),
    ["space:docs"],
  );
  const jobs = await runCommand(["jobs", "list"], options);
  assert.match(jobs.out, /^job +state +space +stored +failed +took +begun\n\S+ +done +docs +3\/4 +1 /);
  const id = /^(0\S+)/m.exec(jobs.out)?.[1] ?? "";
  const shown = await runCommand(["jobs", "show", id], options);
  assert.match(shown.out, /3 of 4 sources stored, 1 failed, 0 open/);
  assert.match(shown.out, /✗ docs\/logo\.png \(unsupported_type\)/);
});
