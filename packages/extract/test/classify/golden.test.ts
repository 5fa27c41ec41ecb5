/** The shipped model on the golden pages: they are hand-made, so none of them was trained on. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseHtml } from "../../src/html-document.ts";
import { assembleHtml, BASE } from "../markdown/assemble-html.ts";

const GOLDEN = join(import.meta.dirname, "..", "golden");
const pages = readdirSync(GOLDEN)
  .filter((name) => name.endsWith(".html"))
  .map((name) => ({ name, html: readFileSync(join(GOLDEN, name), "utf8") }));

function wordF1(got: string, want: string): number {
  const count = new Map<string, number>();
  const words = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
  for (const word of words(want)) count.set(word, (count.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of words(got)) {
    const left = count.get(word) ?? 0;
    if (left > 0) common++;
    count.set(word, left - 1);
  }
  return (2 * common) / (words(got).length + words(want).length);
}

for (const { name, html } of pages) {
  test(`${name}: the text is found and what is around it is left`, () => {
    const f1 = wordF1(parseHtml({ html, url: BASE, bytes: html.length }).text, assembleHtml(html).text);
    assert.ok(f1 >= 0.75, `word F1 is ${f1.toFixed(3)}`);
  });
}

test("over all golden pages word F1 is above 0.9", () => {
  const all = pages.map(({ html }) =>
    wordF1(parseHtml({ html, url: BASE, bytes: html.length }).text, assembleHtml(html).text),
  );
  const mean = all.reduce((sum, f1) => sum + f1, 0) / all.length;
  assert.ok(mean > 0.9, `the mean is ${mean.toFixed(3)}`);
});

test("blocks that were dropped can be shown with their scores", () => {
  const page = pages.find(({ name }) => name === "article.html");
  const { blocks = [] } = parseHtml({ html: page?.html ?? "", bytes: 1, read: { explain: true } });
  const kept = blocks.filter((block) => block.kept);
  const dropped = blocks.filter((block) => !block.kept);
  assert.ok(kept.length > 0 && dropped.length > 0);
  const mean = (list: typeof blocks) => list.reduce((sum, { score }) => sum + score, 0) / list.length;
  assert.ok(mean(kept) > 0.5 && mean(dropped) < 0.3, `${mean(kept)} ${mean(dropped)}`);
  for (const { path, text } of blocks) assert.ok(path !== "" && text !== "");
});
