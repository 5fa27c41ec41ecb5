import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Choice } from "../../src/classify/choose.ts";

/** Expected F1 over two, of keeping the blocks whose flag is set. */
function expected(scores: readonly number[], words: readonly number[], keep: ArrayLike<number>): number {
  let gain = 0;
  let size = 0;
  let wanted = 0;
  scores.forEach((score, at) => {
    wanted += score * (words[at] ?? 0);
    if (keep[at] !== 1) return;
    gain += score * (words[at] ?? 0);
    size += words[at] ?? 0;
  });
  return gain / (size + wanted + 1e-9);
}

test("no choice of blocks has a higher expected F1", () => {
  const choice = new Choice();
  const block = fc.record({ score: fc.integer({ min: 1, max: 99 }), words: fc.integer({ min: 1, max: 50 }) });
  fc.assert(
    fc.property(fc.array(block, { minLength: 1, maxLength: 9 }), (blocks) => {
      const scores = blocks.map(({ score }) => score / 100);
      const words = blocks.map((one) => one.words);
      const keep = choice.read(Float32Array.from(scores), scores.length, (at) => words[at] ?? 0);
      const got = expected(scores, words, keep);
      for (let mask = 0; mask < 1 << blocks.length; mask++) {
        const other = blocks.map((_, at) => (mask >> at) & 1);
        assert.ok(got >= expected(scores, words, other) - 1e-6, `${mask.toString(2)} is better`);
      }
    }),
    { numRuns: 200 },
  );
});

test("doubtful blocks are kept where nothing is sure and dropped where much is", () => {
  const choice = new Choice();
  const even = () => 10;
  assert.deepEqual([...choice.read(Float32Array.of(0.4, 0.4, 0.01), 3, even)], [1, 1, 0]);
  assert.deepEqual([...choice.read(Float32Array.of(0.99, 0.99, 0.99, 0.4), 4, even)], [1, 1, 1, 0]);
});

test("a page with text keeps some of it, a page without keeps nothing", () => {
  const choice = new Choice();
  assert.deepEqual([...choice.read(Float32Array.of(0.001, 0.002), 2, () => 5)].includes(1), true);
  assert.equal(choice.read(new Float32Array(0), 0, () => 0).length, 0);
});
