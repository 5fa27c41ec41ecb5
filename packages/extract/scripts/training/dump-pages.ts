/**
 * First step of training: pages to numbers. Writes, per page in order, its labels and the hashes its lexicons are learned from.
 *
 *   node --conditions=source packages/extract/scripts/training/dump-pages.ts --data DIR --out DIR
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ElementFacts } from "../../src/classify/element-facts.ts";
import { HashList } from "../../src/classify/hashes.ts";
import { addPageWords } from "../../src/classify/page-words.ts";
import { WordFacts } from "../../src/classify/word-facts.ts";
import { readHtml } from "../../src/page/read-html.ts";
import { readCorpus } from "./corpus.ts";
import { labelBlocks } from "./label-blocks.ts";
import { NumberFile } from "./number-file.ts";

const { values } = parseArgs({ options: { data: { type: "string" }, out: { type: "string" } } });
if (!values.data || !values.out) throw new Error("give --data DIR and --out DIR");
dump(values.data, values.out);

function dump(data: string, out: string): void {
  mkdirSync(out, { recursive: true });
  const file = (name: string) => new NumberFile(join(out, `${name}.i32`));
  const files = {
    keep: file("keep"),
    cover: file("cover"),
    wordCount: file("word-count"),
    words: file("words"),
    wanted: file("wanted"),
    blockElement: file("block-element"),
    parent: file("parent"),
    nameCount: file("name-count"),
    names: file("names"),
    textCount: file("text-count"),
    text: file("text"),
    page: file("page"),
  };
  const facts = new ElementFacts();
  const words = new WordFacts();
  const list = new HashList();
  const pages: unknown[] = [];
  for (const { id, url, domain, type, html, hash, reference } of readCorpus(data)) {
    const page = readHtml(html);
    facts.read(page);
    words.read(page);
    list.count = 0;
    addPageWords(list, page, facts, url);
    const labels = labelBlocks(page, reference);
    files.keep.addAll(labels.keep);
    files.cover.addAll(labels.cover.map((share) => Math.round(share * 1_000)));
    for (const ids of labels.ids) {
      files.wordCount.add(ids.length);
      files.words.addAll(ids);
    }
    files.wanted.addAll(labels.wanted);
    files.blockElement.addAll(page.blocks.element);
    files.parent.addAll(page.elements.parent);
    for (let at = 0; at < page.elements.count; at++)
      files.nameCount.add((facts.nameStart[at + 1] ?? 0) - (facts.nameStart[at] ?? 0));
    files.names.addAll(facts.names.words.subarray(0, facts.names.count));
    for (let at = 0; at < page.blocks.count; at++)
      files.textCount.add((words.start[at + 1] ?? 0) - (words.start[at] ?? 0));
    files.text.addAll(words.words.words.subarray(0, words.words.count));
    files.page.addAll(list.words.subarray(0, list.count));
    const blocks = page.blocks.count;
    const elements = page.elements.count;
    const counts = { blocks, elements, ids: labels.wanted.length, pageWords: list.count };
    pages.push({ id, domain, type, hash, ...counts, referenceWords: labels.referenceWords });
  }
  for (const one of Object.values(files)) one.end();
  writeFileSync(join(out, "pages.json"), JSON.stringify(pages));
}
