import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import fc from "fast-check";
import { Associations } from "../../../src/observations/recall/associations.ts";
import { spread } from "../../../src/observations/recall/spread.ts";

const row = fc.nat(40);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ row, targets: fc.array(row, { maxLength: 34 }) }) },
  { weight: 1, arbitrary: fc.record({ remove: row }) },
);

test("links are as in a list of lists, both ways, 32 a row, whatever is linked and removed", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let links = new Associations();
      const model: number[][] = Array.from({ length: 41 }, () => []);
      const add = (from: number, to: number) => {
        const list = model[from] ?? [];
        if (list.includes(to) || list.length === 32) return false;
        list.unshift(to);
        return true;
      };
      for (const one of steps) {
        if ("remove" in one) {
          links.remove(one.remove);
          for (const target of model[one.remove] ?? [])
            model[target] = (model[target] ?? []).filter((at) => at !== one.remove);
          model[one.remove] = [];
        } else {
          const added = one.targets.filter((target) => {
            const isNew = target !== one.row && add(one.row, target);
            if (isNew) add(target, one.row);
            return isNew;
          });
          assert.equal(links.link(one.row, one.targets), added.length);
        }
        const { state, transfer } = links.toTransferable();
        links = Associations.from(structuredClone({ state }, { transfer: [...transfer] }));
        assert.deepEqual(
          model.map((_, at) => links.of(at)),
          model,
        );
        assert.equal(
          links.links,
          model.reduce((sum, list) => sum + list.length, 0),
        );
      }
    }),
  );
});

test("links of rows that come and go take no more memory than those that are there", () => {
  const links = new Associations();
  for (let round = 0; round < 1_000; round++) {
    for (let at = 0; at < 50; at++) links.link(at, [at + 50, at + 51]);
    for (let at = 0; at < 102; at++) links.remove(at);
  }
  assert.equal(links.links, 0);
  assert.ok(links.bytes < 8_192, `${links.bytes}`);
});

const graph = fc.array(fc.tuple(fc.nat(12), fc.nat(12)), { maxLength: 30 });
const sources = fc.array(fc.record({ row: fc.nat(12), activation: fc.constantFrom(0.1, 0.5, 0.8, 1) }), {
  maxLength: 4,
});

/** Every source walked alone, breadth first. */
function naive(
  links: Associations,
  from: readonly { row: number; activation: number }[],
  { depth, isAllowed }: { depth: number; isAllowed: (row: number) => boolean },
) {
  const best = new Map<number, number>();
  for (const source of from) {
    let front = [source.row];
    const seen = new Set(front);
    for (let hop = 1; hop <= depth; hop++) {
      front = [...new Set(front.flatMap((at) => links.of(at)))].filter((at) => !seen.has(at) && isAllowed(at));
      for (const at of front) {
        seen.add(at);
        best.set(at, Math.max(best.get(at) ?? 0, source.activation / 2 ** hop));
      }
    }
  }
  return [...best]
    .map(([at, activation]) => ({ row: at, activation }))
    .sort((a, b) => b.activation - a.activation || a.row - b.row);
}

test("each row has the most that reaches it from any other source, halved each hop, and no echo of its own", () => {
  fc.assert(
    fc.property(graph, sources, fc.nat(4), fc.nat(12), (edges, from, depth, banned) => {
      const links = new Associations();
      for (const [a, b] of edges) links.link(a, [b]);
      const isAllowed = (at: number) => at !== banned;
      const { reached, isCut } = spread(links, from, { depth, budget: 1_000, isAllowed });
      assert.equal(isCut, false);
      assert.deepEqual(reached, naive(links, from, { depth, isAllowed }));
    }),
    { numRuns: 500 },
  );
});

test("a budget bounds the rows looked at and cuts off the weakest; more of it never takes a row away", () => {
  fc.assert(
    fc.property(graph, sources, fc.nat(12), (edges, from, budget) => {
      const links = new Associations();
      for (const [a, b] of edges) links.link(a, [b]);
      const small = spread(links, from, { depth: 4, budget });
      const large = spread(links, from, { depth: 4, budget: budget + 3 });
      assert.ok(small.visited <= budget);
      const inLarge = new Map(large.reached.map((one) => [one.row, one.activation]));
      for (const one of small.reached) assert.ok((inLarge.get(one.row) ?? 0) >= one.activation);
      if (!small.isCut) assert.deepEqual(small.reached, large.reached);
    }),
  );
});

test("depth, budget and activations out of range are refused", () => {
  const links = new Associations();
  const isRefused = (error: unknown) => error instanceof MillraceError && error.code === "invalid_argument";
  assert.throws(() => spread(links, [], { depth: 5, budget: 1 }), isRefused);
  assert.throws(() => spread(links, [], { depth: 1, budget: 1_001 }), isRefused);
  assert.throws(() => spread(links, [{ row: 1, activation: 1.1 }], { depth: 1, budget: 1 }), isRefused);
  assert.throws(() => spread(links, [{ row: 1, activation: Number.NaN }], { depth: 1, budget: 1 }), isRefused);
});
