/**
 * Reads real pages with the kernel, its twin and parse5, and counts where they agree: `compare-pages.ts --pages DIR` (DIR/*.html.gz or
 * *.html). The kernel and its twin must agree on all. Against parse5 two things are compared: the tokens, as its tokenizer gives them
 * under its tree builder, and the text of its tree, white space left out.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { type DefaultTreeAdapterTypes, parse } from "parse5";
import { decodeText } from "../../src/decode-text.ts";
import { tokenizeJs } from "../../src/tokenizer/tokenize-js.ts";
import { tokenizeWasm } from "../../src/tokenizer/tokenize-wasm.ts";
import { isSame, linesOfParse5, linesOfTokens, wordsOf } from "./token-text.ts";

function treeText(node: DefaultTreeAdapterTypes.Node): string {
  if (node.nodeName === "#text" && "value" in node) return node.value;
  const inside = "content" in node ? node.content.childNodes : "childNodes" in node ? node.childNodes : [];
  return inside.map(treeText).join("");
}

/** The text of lines that token-text.ts made. */
function lineText(lines: readonly string[]): string {
  return lines.map((line) => (line.startsWith("text ") ? (JSON.parse(line.slice(5)) as string) : "")).join("");
}

function withoutSpace(text: string): string {
  return text.replace(/[\s\0]+/g, "");
}

function sorted(text: string): string {
  return [...text].sort().join("");
}

const { values } = parseArgs({ options: { pages: { type: "string" } } });
if (values.pages === undefined) throw new Error("name the folder of pages: --pages DIR");

const counts = { pages: 0, kernelDiffers: 0, sameTokens: 0, sameText: 0, sameTextElsewhere: 0, otherText: 0 };
for (const name of readdirSync(values.pages).sort()) {
  if (!/\.html(\.gz)?$/.test(name)) continue;
  const bytes = readFileSync(join(values.pages, name));
  const html = decodeText(name.endsWith(".gz") ? gunzipSync(bytes) : bytes, { isHtml: true });
  counts.pages++;
  const words = wordsOf(tokenizeJs(html));
  if (!isSame(words, wordsOf(tokenizeWasm(html)))) {
    counts.kernelDiffers++;
    console.log(`${name}: the kernel differs from its twin`);
  }
  const lines = linesOfTokens(html, tokenizeJs(html));
  const expected = linesOfParse5(html);
  const at = lines.findIndex((line, index) => line !== expected[index]);
  if (at < 0 && lines.length === expected.length) counts.sameTokens++;
  else console.log(`${name}: ours ${lines[at]?.slice(0, 120)} | parse5 ${expected[at]?.slice(0, 120)}`);
  const ours = withoutSpace(lineText(lines));
  const theirs = withoutSpace(treeText(parse(html, { scriptingEnabled: false })));
  if (ours === theirs) counts.sameText++;
  else if (sorted(ours) === sorted(theirs)) counts.sameTextElsewhere++;
  else {
    counts.otherText++;
    console.log(`${name}: text ${ours.length} characters, parse5's tree ${theirs.length}`);
  }
}
console.log(counts);
process.exitCode = counts.kernelDiffers === 0 ? 0 : 1;
