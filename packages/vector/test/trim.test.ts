import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, randomBelow } from "@millrace/core";
import { createIndex } from "@millrace/vector";
import type { Question } from "../src/segment/question.ts";
import { Segment } from "../src/segment/segment.ts";
import { plainTransform } from "../src/segment/transform.ts";
import { Trim } from "../src/segment/trim.ts";
import { tuneLow } from "../src/segment/tune.ts";
import { validateSegment } from "../src/segment/validate.ts";
import { problemsOf } from "./segments-of.ts";
import { DISTRIBUTIONS } from "./vectors.ts";

const PART_BYTES = 10_000;

function makeSegment({ dims, rows, seed }: { dims: number; rows: number; seed: number }): Segment {
  const segment = Segment.create({ dims, metric: "cosine", capacity: rows, hasLow: true }, plainTransform(dims));
  const engine = segment.engine(0);
  const rng = createRng(seed);
  for (let id = 0; id < rows; id++) {
    engine.input.set(DISTRIBUTIONS.uniform(rng, dims));
    engine.exports.append(id);
  }
  return segment;
}

test("rows removed while a segment is copied stay removed, and the copy is the segment without low bytes", () => {
  for (const seed of [1, 2, 3]) {
    const segment = makeSegment({ dims: 48, rows: 1_500, seed });
    segment.engine(1).exports.linkMany(1_500, 24, 2);
    segment.setState("navigation", 2);
    segment.setState("usesLow", 0);
    const rng = createRng(seed);
    const trim = new Trim(segment, false);
    let parts = 0;
    do {
      const row = randomBelow(rng, 1_500);
      if (segment.isAlive(row)) segment.kill(row);
      parts++;
    } while (trim.step(PART_BYTES));
    assert.ok(parts > 20, `${parts} parts: no step copies more than it may`);
    const copy = trim.finish();
    assert.equal(copy.dead, segment.dead);
    for (let row = 0; row < 1_500; row++) assert.equal(copy.isAlive(row), segment.isAlive(row), `row ${row}`);
    assert.deepEqual(validateSegment(copy, { isRepaired: false }), []);
    assert.equal(copy.shape.hasLow, false);
    const search = (one: Segment) => {
      const engine = one.engine(0);
      engine.input.set(DISTRIBUTIONS.uniform(createRng(9), 48));
      engine.exports.prepareQuery();
      engine.exports.searchGraph(200, 2, one.rows, one.layout.aliveAt);
      const count = engine.exports.finish(50, one.layout.aliveAt);
      return Array.from({ length: count }, (_, at) => [engine.foundRow(at), engine.foundScore(at)]);
    };
    assert.deepEqual(search(copy), search(segment));
  }
});

test("an index removes rows of a segment that it is copying, and ends with what it should hold", async () => {
  const dims = 256;
  const index = createIndex({ dims, metric: "dot", graphRowsMin: 0, segmentRows: 2_048 });
  const rng = createRng(7);
  const ids = new Set<number>();
  for (let id = 0; id < 9_000; id++) {
    index.add(id, DISTRIBUTIONS.uniform(rng, dims));
    ids.add(id);
    const gone = randomBelow(rng, id + 1);
    if (id % 9 === 0) assert.equal(index.remove(gone), ids.delete(gone));
  }
  const check = () => {
    assert.equal(index.size, ids.size);
    const { ids: found } = index.search(DISTRIBUTIONS.uniform(rng, dims), 10_000, { recall: "exact" });
    assert.deepEqual(new Set(found), ids);
  };
  check();
  await index.settle();
  check();
  assert.deepEqual(problemsOf(index, true), []);
});

function question(rows: readonly number[], coarse: readonly number[]): Question {
  const ranking = (list: readonly number[]) => ({ rows: list, last: 0 });
  const query = new Float32Array(320);
  return { query, rows: 5_000, isNew: true, truth: ranking(rows), coarse: ranking(coarse) };
}

test("rows keep no low bytes from when they were seen to change nothing until they are seen to matter", () => {
  const dims = 320;
  const rows = 5_000;
  const room = { dims, metric: "cosine", capacity: 8_192, hasLow: true } as const;
  const segment = Segment.create(room, plainTransform(dims));
  const engine = segment.engine(0);
  const rng = createRng(3);
  const append = (count: number) => {
    for (let at = 0; at < count; at++) {
      engine.input.set(DISTRIBUTIONS.uniform(rng, dims));
      engine.exports.append(segment.rows);
    }
  };
  const lowOf = (row: number) =>
    new Uint8Array(segment.memory.buffer, segment.layout.lowAt + row * segment.layout.stride, dims).some(
      (byte) => byte,
    );
  append(rows);
  const before = segment.bytes;
  const same = Array.from({ length: 20 }, () => question([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]));
  tuneLow(segment, [...same.slice(2), question([1, 2, 3, 4, 5], [1, 2, 9, 8, 5])]);
  assert.equal(segment.state("lowRows"), 0, "two of a hundred differ");
  tuneLow(segment, same);
  append(100);
  assert.ok(lowOf(rows - 1));
  assert.ok(!lowOf(rows) && !lowOf(rows + 99));
  assert.ok(segment.bytes - before < 100 * (dims + 64 + 5) + 1, "what is not kept is not counted");
  tuneLow(segment, [question([1, 2, 3, 4, 5], [1, 9, 8, 7, 6])]);
  append(1);
  assert.ok(lowOf(rows + 100));
  assert.deepEqual(validateSegment(segment, { isRepaired: false }), []);
});

test("what an index adds when a segment is full, learned from or copied is bounded by rows, not by bytes", async () => {
  const index = createIndex({ dims: 64, metric: "cosine", graphRowsMin: 0, segmentRows: 4_096 });
  const rng = createRng(5);
  const rows = Array.from({ length: 10_000 }, () => DISTRIBUTIONS.uniform(rng, 64));
  for (const [id, row] of rows.entries()) {
    const before = index.segments;
    index.add(id, row);
    const after = index.segments;
    // The reserve of a full segment is linked in one go, and a graph that is begun anew loses links.
    const linked = after.reduce((sum, one, at) => sum + Math.max(0, one.linked - (before[at]?.linked ?? 0)), 0);
    assert.ok(linked <= 48 || after.length !== before.length, `${linked} rows linked by addition ${id}`);
    const moved =
      after.reduce((sum, { rows: held }) => sum + held, 0) - before.reduce((sum, { rows: held }) => sum + held, 0);
    assert.ok(moved <= 5, `${moved} rows written by addition ${id}`);
    if (id % 1_000 !== 999) continue;
    const { ids } = index.search(row, 1, { recall: "exact" });
    assert.deepEqual([...ids], [id]);
  }
  await index.settle();
  assert.equal(index.indexed, rows.length);
});
