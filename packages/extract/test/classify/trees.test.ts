import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scoreRows as scoreRowsFast } from "../../src/classify/score-rows.ts";
import { type Exit, IN_SCORE, LEAF, OUT_SCORE, scoreRows, type Trees } from "../../src/classify/trees.ts";
import { TreesKernel } from "../../src/classify/trees-wasm.ts";

type Node = { readonly column: number; readonly cut: number; readonly left: Node; readonly right: Node } | number;

const leaf = fc.integer({ min: -40, max: 40 }).map((value) => value / 100);
const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.record({
      column: fc.integer({ min: 0, max: 3 }),
      cut: fc.integer({ min: -5, max: 5 }),
      left: tie("node"),
      right: tie("node"),
    }),
  ),
}));

/** Children side by side, as the trainer writes them. */
function flatten(trees: readonly Node[]): Trees {
  const roots: number[] = [];
  const nodes: number[] = [];
  const values: number[] = [];
  for (const tree of trees) {
    const root = nodes.length;
    roots.push(root);
    const queue: [Node, number][] = [[tree, root]];
    nodes.push(0);
    values.push(0);
    for (const [one, at] of queue) {
      if (typeof one === "number") {
        nodes[at] = LEAF;
        values[at] = one;
        continue;
      }
      const left = nodes.length;
      nodes.push(0, 0);
      values.push(0, 0);
      nodes[at] = ((left - root) << 16) | one.column;
      values[at] = one.cut;
      queue.push([one.left, left], [one.right, left + 1]);
    }
  }
  return {
    base: 0.25,
    roots: Int32Array.from(roots),
    nodes: Int32Array.from(nodes),
    values: Float32Array.from(values),
  };
}

function walk(tree: Node, row: readonly number[]): number {
  if (typeof tree === "number") return tree;
  return walk((row[tree.column] ?? 0) <= tree.cut ? tree.left : tree.right, row);
}

test("a row's score is the logistic of the base and the leaves it falls into", () => {
  const rows = fc.array(fc.array(fc.integer({ min: -7, max: 7 }), { minLength: 4, maxLength: 4 }), { maxLength: 5 });
  fc.assert(
    fc.property(fc.array(node, { maxLength: 20 }), rows, (trees, list) => {
      const scores = new Float32Array(list.length);
      scoreRows(flatten(trees), { values: Float32Array.from(list.flat()), count: list.length, stride: 4, scores });
      list.forEach((row, at) => {
        const margin = trees.reduce<number>((sum, tree) => sum + Math.fround(walk(tree, row)), 0.25);
        assert.ok(Math.abs((scores[at] ?? 0) - 1 / (1 + Math.exp(-margin))) < 1e-5);
      });
    }),
  );
});

test("rows that are clearly out or in are let go at an exit, others go on to the end", () => {
  const right = { column: 1, cut: 0, left: 0.01, right: 0.5 };
  const trees = flatten(Array.from({ length: 100 }, () => ({ column: 0, cut: 0, left: -0.5, right })));
  const scores = new Float32Array(3);
  const rows = { values: Float32Array.of(-1, 0, 1, -1, 1, 1), count: 3, stride: 2, scores };
  scoreRows(trees, rows, [{ trees: 10, below: -3, above: 3 }]);
  assert.equal(scores[0], Math.fround(OUT_SCORE));
  assert.ok(Math.abs((scores[1] ?? 0) - 1 / (1 + Math.exp(-1.25))) < 1e-5);
  assert.equal(scores[2], Math.fround(IN_SCORE));
});

test("a row that is sure already keeps its score", () => {
  const scores = Float32Array.of(0.01, 0.5, 0.99);
  const rows = { values: new Float32Array(3), count: 3, stride: 1, scores, sure: 0.05 };
  scoreRows(flatten([1]), rows);
  assert.deepEqual(
    [...scores].map((score) => Math.round(score * 100)),
    [1, 78, 99],
  );
});

test("the kernel gives the same scores as JavaScript, to the last bit, also for rows that are no numbers", () => {
  const value = fc.oneof(fc.integer({ min: -7, max: 7 }), fc.constantFrom(NaN, Infinity, -Infinity, -0));
  const rows = fc.array(fc.array(value, { minLength: 4, maxLength: 4 }), { maxLength: 150 });
  const exits = fc.array(fc.record({ trees: fc.nat(30), below: fc.constant(-0.2), above: fc.constant(0.8) }), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(fc.array(node, { maxLength: 30 }), rows, exits, (list, values, unordered) => {
      const trees = flatten(list);
      const sorted: Exit[] = unordered.toSorted((one, other) => one.trees - other.trees);
      const slow = Float32Array.from(values, (_, at) => (at % 7) / 6);
      const fast = slow.slice();
      const given = { values: Float32Array.from(values.flat()), count: values.length, stride: 4, sure: 0.1 };
      scoreRows(trees, { ...given, scores: slow }, sorted);
      scoreRowsFast(trees, { ...given, scores: fast }, sorted);
      assert.deepEqual(fast, slow);
    }),
  );
});

test("trees with more columns than a node of the kernel can name are walked in JavaScript", () => {
  const trees = flatten([{ column: 20_000, cut: 0, left: -1, right: 1 }]);
  assert.equal(TreesKernel.create(trees, 20_001), undefined);
  const scores = Float32Array.of(0.5);
  scoreRowsFast(trees, { values: new Float32Array(20_001).fill(1), count: 1, stride: 20_001, scores });
  assert.ok((scores[0] ?? 0) > 0.5);
});
