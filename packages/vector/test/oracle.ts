import assert from "node:assert/strict";
import type { SearchResult, VectorIndex } from "@millrace/vector";
import type { Segment } from "../src/segment/segment.ts";
import { similarity } from "./exact.ts";
import { scoreBound } from "./score-bound.ts";

/** What must be in an index, and how a result is compared with it. */
export type Oracle = {
  readonly index: VectorIndex;
  readonly rows: ReadonlyMap<number, Float32Array>;
  /** Its segments now; each look at them takes a reader's place until the event loop has turned. */
  readonly segments: readonly Segment[];
  /** How often a row may have been moved out of a segment without low bytes. */
  readonly moves?: number;
};

/** Makes a function of a row that says how far its score may be from the exact one, in whichever segment it is. */
function boundFor({ segments, moves = 0 }: Oracle, query: Float32Array): (row: Float32Array) => number {
  return (row) => Math.max(...segments.map((segment) => scoreBound(segment, query, row, moves)));
}

/** A result of `allowed` rows of which as many as there are were asked for: its ids are rows, distinct, in order; scores are near. */
export function checkResult(
  oracle: Oracle,
  query: Float32Array,
  k: number,
  { ids, scores }: SearchResult,
  allowed = oracle.rows.size,
): void {
  const { index, rows } = oracle;
  const boundOf = boundFor(oracle, query);
  assert.equal(ids.length, Math.min(k, allowed), "min(k, allowed) results");
  assert.equal(scores.length, ids.length);
  assert.equal(new Set(ids).size, ids.length, "no id twice");
  for (const [at, id] of ids.entries()) {
    const row = rows.get(id);
    assert.ok(row, `id ${id} is a row of the index`);
    const score = scores[at] ?? Number.NaN;
    const exact = similarity(index.metric, query, row);
    const bound = boundOf(row);
    assert.ok(Math.abs(score - exact) <= bound, `${id} scores ${score}; exactly ${exact} ± ${bound}`);
    if (at === 0) continue;
    const before = scores[at - 1] ?? Number.NaN;
    assert.ok(before > score || (before === score && (ids[at - 1] ?? 0) < id), "best first, equals in order of id");
  }
}

/** As checkResult, of an `exact` search: no row left out is better than the worst found by more than its bound. */
export function checkExact(
  oracle: Oracle,
  query: Float32Array,
  k: number,
  filter: (id: number) => boolean = () => true,
): void {
  const { index, rows } = oracle;
  const result = index.search(query, k, { recall: "exact", filter });
  const allowed = [...rows].filter(([id]) => filter(id));
  checkResult(oracle, query, k, result, allowed.length);
  const found = new Set(result.ids);
  assert.ok([...found].every(filter), "only ids that pass");
  const worst = result.scores.at(-1) ?? Number.NEGATIVE_INFINITY;
  const boundOf = boundFor(oracle, query);
  for (const [id, row] of allowed) {
    if (found.has(id)) continue;
    const exact = similarity(index.metric, query, row);
    assert.ok(exact - boundOf(row) <= worst, `${id} at ${exact} was left out; the worst found is ${worst}`);
  }
}
