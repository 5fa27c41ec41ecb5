import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, randomBelow } from "@millrace/core";
import { createIndex } from "@millrace/vector";
import fc from "fast-check";
import { findNeighbours } from "../../../src/observations/consolidation/find-neighbours.ts";
import { groupRows } from "../../../src/observations/consolidation/group-rows.ts";
import { CONCEPT_MEMBERS_LISTED, NEIGHBOURS_MAX } from "../../../src/observations/consolidation/limits.ts";
import type { Grouped, VectorRows } from "../../../src/observations/consolidation/work.ts";

const DIMS = 24;
const AT = { duplicate: 0.95, pattern: 0.8 };
const PATTERNS_AT = 2 ** 32;

/** Rows in a real index, of which more become known as the test goes on. */
class Rows implements VectorRows {
  readonly vectors: readonly Float32Array[];
  readonly gone = new Set<number>();
  rows = 0;
  readonly #index = createIndex({ dims: DIMS, metric: "cosine", builds: "offered" });

  constructor(vectors: readonly Float32Array[]) {
    this.vectors = vectors;
  }

  grow(count: number): void {
    for (const end = Math.min(this.vectors.length, this.rows + count); this.rows < end; this.rows++) {
      this.#index.add(this.rows, this.vectors[this.rows] ?? new Float32Array(DIMS));
    }
  }

  isLive(row: number): boolean {
    return row < this.rows && !this.gone.has(row);
  }

  vector(row: number) {
    return this.#index.vector(row);
  }

  nearest(vector: Float32Array, count: number) {
    return this.#index.search(vector, count);
  }
}

function all<T>(steps: Generator<void, T>): T {
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}

function look(rows: VectorRows, firstRow: number, end: number) {
  return all(findNeighbours(rows, { kind: "look", firstRow, end, floor: AT.pattern }));
}

/** `key: members`, and the representative, of every concept. */
function shown({ keys, starts, members, representatives }: Grouped): string[] {
  return Array.from(keys, (key, at) => {
    const listed = members.subarray(starts[at], starts[at + 1]);
    return `${key}: ${listed.join(" ")} (${representatives[at]})`;
  });
}

function group(rows: VectorRows, pages: readonly Uint32Array[], wantsSurplus = false): Grouped {
  return all(groupRows(rows, { kind: "group", pages, at: AT, nowMs: 0, wantsSurplus }));
}

/** Few directions, each with rows at several distances from it: many pairs at and around both thresholds. */
function vectorsOf(seed: number, size: number): Float32Array[] {
  const rng = createRng(seed);
  const random = () => Float32Array.from({ length: DIMS }, () => rng() - 0.5);
  const centres = Array.from({ length: 6 }, random);
  return Array.from({ length: size }, () => {
    const centre = centres[randomBelow(rng, centres.length)] ?? random();
    const spread = [0, 0.2, 0.6, 3][randomBelow(rng, 4)] ?? 0;
    return random().map((value, at) => (centre[at] ?? 0) + spread * value);
  });
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
  return dot / Math.hypot(...a) / Math.hypot(...b);
}

/** The definition: by flooding over all pairs. Undefined when a pair is too near a threshold to tell. */
function naive({ vectors, gone }: Rows): string[] | undefined {
  const live = [...vectors.keys()].filter((row) => !gone.has(row));
  const similarity = new Map<string, number>();
  for (const a of live) {
    for (const b of live) {
      const value = cosine(vectors[a] as Float32Array, vectors[b] as Float32Array);
      if (a !== b && Math.min(Math.abs(value - AT.duplicate), Math.abs(value - AT.pattern)) < 0.004) return undefined;
      similarity.set(`${a}/${b}`, value);
    }
  }
  const groupsAt = (threshold: number) => {
    const left = new Set(live);
    const groups: number[][] = [];
    for (const first of live) {
      if (!left.delete(first)) continue;
      const found = [first];
      for (const member of found) {
        for (const other of left) {
          if ((similarity.get(`${member}/${other}`) ?? 0) >= threshold && left.delete(other)) found.push(other);
        }
      }
      if (found.length > 1) groups.push(found.sort((a, b) => a - b));
    }
    return groups;
  };
  const duplicates = groupsAt(AT.duplicate).map(String);
  const patterns = groupsAt(AT.pattern).map(String);
  const shownOf = (offset: number) => (members: string) => {
    const [lowest = ""] = members.split(",");
    return `${offset + Number(lowest)}: ${members.replaceAll(",", " ")}`;
  };
  return [
    ...duplicates.map(shownOf(0)),
    ...patterns.filter((members) => !duplicates.includes(members)).map(shownOf(PATTERNS_AT)),
  ];
}

test("concepts are those of the definition, whenever rows are looked at and whichever are removed between", () => {
  const input = fc.record({
    seed: fc.nat(),
    // Fewer than the neighbours that are kept of a row, so that none is left out.
    size: fc.integer({ min: 0, max: NEIGHBOURS_MAX }),
    parts: fc.array(fc.record({ rows: fc.integer({ min: 1, max: 12 }), gone: fc.array(fc.nat(31), { maxLength: 3 }) })),
  });
  let judged = 0;
  fc.assert(
    fc.property(input, ({ seed, size, parts }) => {
      const vectors = vectorsOf(seed, size);
      const byParts = new Rows(vectors);
      const pages: Uint32Array[] = [];
      for (const part of [...parts, { rows: size, gone: [] }]) {
        const from = byParts.rows;
        byParts.grow(part.rows);
        const { until, words } = look(byParts, from, size);
        assert.equal(until, byParts.rows, "no further than there are rows");
        pages.push(words);
        for (const row of part.gone) if (row < byParts.rows) byParts.gone.add(row);
      }
      const atOnce = new Rows(vectors);
      atOnce.grow(size);
      const { words } = look(atOnce, 0, size);
      for (const row of byParts.gone) atOnce.gone.add(row);
      const expected = naive(byParts);
      if (!expected) return;
      judged++;
      const found = shown(group(byParts, pages));
      assert.deepEqual(
        found.map((line) => line.replace(/ \(\d+\)$/, "")),
        expected,
      );
      assert.deepEqual(shown(group(atOnce, [words])), found, "representatives too");
    }),
    { numRuns: 200 },
  );
  assert.ok(judged > 40, `${judged}`);
});

test("a crowd of equals is one concept, with bounded lists", () => {
  const count = 10 * NEIGHBOURS_MAX;
  const rng = createRng(3);
  const one = Float32Array.from({ length: DIMS }, () => rng() - 0.5);
  const rows = new Rows(Array.from({ length: count }, () => one));
  rows.grow(count);
  const { words } = look(rows, 0, count);
  assert.ok(words.length <= count * (2 + 2 * NEIGHBOURS_MAX));
  const { keys, counts, members } = group(rows, [words]);
  assert.deepEqual([[...keys], [...counts]], [[0], [count]]);
  assert.deepEqual(
    [...members],
    Array.from({ length: CONCEPT_MEMBERS_LISTED }, (_, at) => at),
  );
});

test("a concept's digest changes when a member does that is not listed, and pages without a row that is there are told", () => {
  const count = 3 * CONCEPT_MEMBERS_LISTED;
  const rng = createRng(4);
  const one = Float32Array.from({ length: DIMS }, () => rng() - 0.5);
  const rows = new Rows(Array.from({ length: count }, () => one));
  rows.grow(count);
  const pages = [look(rows, 0, 50).words, look(rows, 50, 100).words, look(rows, 100, 150).words];
  const before = group(rows, pages);
  assert.deepEqual(group(rows, pages).digests, before.digests);
  for (let row = 100; row < 150; row++) rows.gone.add(row);
  const after = group(rows, pages);
  assert.deepEqual(after.members, before.members);
  assert.notDeepEqual(after.digests, before.digests);
  assert.deepEqual([before.deadPages, after.deadPages], [[], [2]]);
});

test("no step looks for the neighbours of more than one row", () => {
  const rows = new Rows(vectorsOf(5, 100));
  rows.grow(100);
  let searches = 0;
  const counted: VectorRows = {
    rows: rows.rows,
    isLive: (row) => rows.isLive(row),
    vector: (row) => rows.vector(row),
    nearest: (vector, count) => {
      searches++;
      return rows.nearest(vector, count);
    },
  };
  const steps = findNeighbours(counted, { kind: "look", firstRow: 0, end: 100, floor: 0.8 });
  for (let at = 1; !steps.next().done; at++) assert.equal(searches, at);
  assert.equal(searches, 100);
});
