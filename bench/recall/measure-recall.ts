/**
 * Recall@10 of the 8-bit scan against exact f32 answers, with the learned mean and without one.
 * `node --conditions=source bench/recall/measure-recall.ts DIR --dims 768` reads base.f32, query.f32 and gt100.i32 (100 ids a query),
 * little-endian and row after row, and prints one JSON object.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { checkInteger, MillraceError } from "@millrace/core";
import { createFlatIndex, DIMS_MAX, DIMS_MIN, encodeVector, type FlatIndex } from "@millrace/vector";

const K = 10;
const TRUTH_IDS = 100;

const { values, positionals } = parseArgs({
  options: { dims: { type: "string", default: "768" } },
  allowPositionals: true,
});
const [directory] = positionals;
if (directory === undefined)
  throw new MillraceError("invalid_argument", "give the directory of base.f32, query.f32, gt100.i32");
const dims = checkInteger("--dims", Number(values.dims), { min: DIMS_MIN, max: DIMS_MAX });

function bytesOf(file: string): ArrayBuffer {
  return Uint8Array.from(readFileSync(join(directory ?? "", file))).buffer;
}

const base = new Float32Array(bytesOf("base.f32"));
const queries = new Float32Array(bytesOf("query.f32"));
const truth = new Int32Array(bytesOf("gt100.i32"));
const rowOf = (vectors: Float32Array, at: number) => vectors.subarray(at * dims, (at + 1) * dims);
const rows = base.length / dims;

function recallOf(index: FlatIndex): { recallAt10: number; queryMs: number } {
  const count = queries.length / dims;
  let hits = 0;
  const started = performance.now();
  for (let at = 0; at < count; at++) {
    const best = new Set(truth.subarray(at * TRUTH_IDS, at * TRUTH_IDS + K));
    for (const id of index.search(rowOf(queries, at), K).ids) if (best.has(id)) hits++;
  }
  return { recallAt10: hits / count / K, queryMs: (performance.now() - started) / count };
}

const learned = createFlatIndex({ dims, metric: "cosine" });
const uncentred = createFlatIndex({ dims, metric: "cosine" });
for (let id = 0; id < rows; id++) {
  const vector = rowOf(base, id);
  learned.add(id, vector);
  uncentred.addEncoded(id, encodeVector(vector, { metric: "cosine" }));
}
const result = {
  rows,
  dims,
  queries: queries.length / dims,
  learned: recallOf(learned),
  uncentred: recallOf(uncentred),
};
console.log(JSON.stringify(result));
