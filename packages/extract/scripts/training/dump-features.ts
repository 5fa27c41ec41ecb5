/**
 * Later steps of training: features of every block. `--assign` names, for each page in order, which of the lexicons it is read with
 * (a page is never read with one that was learned from it); with `--scores`, the second stage's features are written instead.
 *
 *   node --conditions=source packages/extract/scripts/training/dump-features.ts --data DIR --lexicons DIR --assign FILE --out FILE [--scores FILE]
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BlockFeatures } from "../../src/classify/block-features.ts";
import { NamingRow } from "../../src/classify/feature-row.ts";
import { type Lexicon, NAME_BUCKETS, PAGE_BUCKETS, TEXT_BUCKETS } from "../../src/classify/lexicon.ts";
import { PAGE_TYPES } from "../../src/classify/lexicon-scores.ts";
import { PageFacts } from "../../src/classify/page-facts.ts";
import { ScoreFeatures } from "../../src/classify/score-features.ts";
import { readHtml } from "../../src/page/read-html.ts";
import { readCorpus } from "./corpus.ts";
import { NumberFile } from "./number-file.ts";

/** At least as many as either stage has columns. */
const STRIDE = 512;

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    lexicons: { type: "string" },
    assign: { type: "string" },
    scores: { type: "string" },
    out: { type: "string" },
  },
});
const { data, lexicons, assign, out, scores } = values;
if (!data || !lexicons || !assign || !out) throw new Error("give --data, --lexicons, --assign and --out");
dump({ data, lexicons, assign, out, scores });

type Paths = { data: string; lexicons: string; assign: string; out: string; scores: string | undefined };

function dump(paths: Paths): void {
  const names = JSON.parse(readFileSync(paths.assign, "utf8")) as string[];
  const loaded = new Map<string, Lexicon>();
  const lexiconOf = (name: string) => {
    const known = loaded.get(name) ?? readLexicon(join(paths.lexicons, `${name}.f32`));
    loaded.set(name, known);
    return known;
  };
  const given = paths.scores === undefined ? undefined : floats(paths.scores);
  const facts = new PageFacts();
  const row = new NamingRow();
  const first = new BlockFeatures();
  const second = new ScoreFeatures();
  const file = new NumberFile(paths.out, "f32");
  let at = 0;
  let from = 0;
  for (const { html, url } of readCorpus(paths.data)) {
    const page = readHtml(html);
    const { count } = page.blocks;
    facts.read(page, lexiconOf(names[at++] ?? ""), url);
    if (given) second.read(page, facts, { row, from: 0, stride: STRIDE, scores: given.subarray(from, from + count) });
    else first.read(page, facts, { row, stride: STRIDE });
    const { columns } = given ? second : first;
    for (let block = 0; block < count; block++)
      file.addAll(row.values.subarray(block * STRIDE, block * STRIDE + columns));
    from += count;
  }
  file.end();
  writeFileSync(`${paths.out}.json`, JSON.stringify(row.names));
}

function floats(path: string): Float32Array {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** Names, text, one row of page words a type, intercepts: as the training script writes them. */
function readLexicon(path: string): Lexicon {
  const all = Float32Array.from(floats(path));
  let at = 0;
  const take = (count: number) => {
    at += count;
    return all.subarray(at - count, at);
  };
  const name = take(NAME_BUCKETS);
  const text = take(TEXT_BUCKETS);
  const page = PAGE_TYPES.map(() => take(PAGE_BUCKETS));
  return { names: name, text, page, pageBias: take(PAGE_TYPES.length) };
}
