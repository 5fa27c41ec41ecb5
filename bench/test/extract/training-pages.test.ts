import assert from "node:assert/strict";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { FoldModels } from "../../extract/fold-models.ts";
import { extractOwn } from "../../extract/own-extractor.ts";
import { fingerprintOf, readPageSet } from "../../extract/page-set.ts";
import { runExtract } from "../../extract/run-extract.ts";
import { synthesizePage } from "../../extract/synthetic-page.ts";
import { loadTrainingPages, TrainedOn, type TrainingPages } from "../../extract/training-pages.ts";
import { MILL, SHELL, writeSet } from "./tiny-set.ts";

const root = join(import.meta.dirname, "../../..");
const bytesOf = (html: string) => new TextEncoder().encode(html);

async function trainedOn(training: TrainingPages, context: { after(call: () => void): void }): Promise<number> {
  const folders = writeSet([MILL, SHELL]);
  context.after(() => rmSync(folders.root, { recursive: true, force: true }));
  const run = { set: readPageSet(folders), peers: [], seed: 1, own: extractOwn };
  return (await runExtract({ ...run, trainedOn: new TrainedOn(training) })).result.trainedOn;
}

test("a judged page that was trained on is counted, by its bytes and by its domain", async (context) => {
  assert.equal(await trainedOn({ html: [], domains: [] }, context), 0);
  assert.equal(await trainedOn({ html: [fingerprintOf(bytesOf(SHELL.html))], domains: [] }, context), 1);
  assert.equal(await trainedOn({ html: [], domains: ["mill.example"] }, context), 1);
  const both = { html: [MILL, SHELL].map(({ html }) => fingerprintOf(bytesOf(html))), domains: ["mill.example"] };
  assert.equal(await trainedOn(both, context), 2);
});

test("no page that is judged with the shipped model was trained on: synthetic pages, fixtures and golden pages", async () => {
  const training = await loadTrainingPages();
  const known = new TrainedOn(training ?? { html: [], domains: [] });
  const synthetic = [1_000, 10_000, 50_000, 100_000, 500_000].map((bytes) => synthesizePage({ bytes }).html);
  const files = globSync("packages/extract/test/**/*.html", { cwd: root }).map((path) =>
    readFileSync(join(root, path)),
  );
  assert.ok(files.length > 0);
  for (const bytes of [...synthetic, MILL.html, SHELL.html].map(bytesOf).concat(files)) {
    assert.ok(!known.holds({ domain: "mill.example" }, bytes), new TextDecoder().decode(bytes.subarray(0, 200)));
  }
});

test("a list of training pages of another form is refused", async (context) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-training-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const write = (name: string, text: string) => {
    writeFileSync(join(directory, name), text);
    return pathToFileURL(join(directory, name));
  };
  const good = write("good.mjs", 'export const PAGES = { html: ["00ff"], domains: ["a.example"] };');
  assert.deepEqual(await loadTrainingPages(good), { html: ["00ff"], domains: ["a.example"] });
  await assert.rejects(loadTrainingPages(write("bad.mjs", "export const PAGES = { html: [1] };")), {
    code: "internal",
  });
  assert.equal(await loadTrainingPages(pathToFileURL(join(directory, "none.mjs"))), undefined);
});

test("each page is judged by the model of its own fold, which is loaded once", (context) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-folds-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, "folds.json"), JSON.stringify({ a: 0, b: 1, c: 0, d: "0" }));
  writeFileSync(join(directory, "fold-0.bin"), "zero");
  writeFileSync(join(directory, "fold-1.bin"), "one");
  let loads = 0;
  const folds = new FoldModels(directory, (bytes) => `model ${new TextDecoder().decode(bytes)} ${++loads}`);
  assert.deepEqual(
    ["a", "b", "c"].map((id) => folds.modelFor(id)),
    ["model zero 1", "model one 2", "model zero 1"],
  );
  assert.throws(() => folds.modelFor("e"), { code: "not_found", message: /page e is in no fold/ });
  assert.throws(() => folds.modelFor("d"), { code: "unreadable_document" });
  assert.throws(() => new FoldModels(join(directory, "none"), () => 1), { code: "not_found", message: /folds\.json/ });
});
