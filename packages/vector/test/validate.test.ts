import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, type Rng, randomBelow } from "@millrace/core";
import { createIndex, METRICS } from "@millrace/vector";
import fc from "fast-check";
import { HEAD_BYTES, LINK_BYTES, UPPER_BYTES, WORD } from "../src/segment/layout.ts";
import { PROBLEMS_MAX, type ProblemKind } from "../src/segment/problem.ts";
import { Segment } from "../src/segment/segment.ts";
import { validateSegment } from "../src/segment/validate.ts";
import { DATA_SET_NAMES, makeData } from "./data-sets.ts";
import { segmentsOf } from "./segments-of.ts";

/** The largest segment of an index of 1,500 rows with a graph, some of them removed. */
async function makeSegment(): Promise<Segment> {
  const index = createIndex({ dims: 24, metric: "cosine", graphRowsMin: 0, segmentRows: 2_048 });
  const { rows } = makeData("gaussian", { dims: 24, rows: 1_500, queries: 0, seed: 1 });
  for (const [id, row] of rows.entries()) index.add(id, row);
  for (let id = 0; id < 200; id++) index.remove(id * 7);
  await index.settle();
  const [segment] = segmentsOf(index);
  assert.ok(segment && segment.linked > 1_000);
  return segment;
}

/** The same bytes in other memory, to be broken. */
function copyOf(segment: Segment): Segment {
  const pages = segment.memory.buffer.byteLength / 65_536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  new Uint32Array(memory.buffer).set(segment.words.subarray(0, segment.layout.scratchAt / 4));
  return new Segment(memory);
}

/** Word of a row's list on level 0: its count at 0, its links after. */
function linkAt({ layout }: Segment, row: number, place: number): number {
  return (layout.linksAt + row * LINK_BYTES) / 4 + place;
}

/** A linked row that is on an upper level, and the word of its first upper list. */
function upperRow(segment: Segment, rng: Rng): { readonly row: number; readonly list: number } {
  const { words, layout, linked } = segment;
  for (let row = randomBelow(rng, linked); ; row = (row + 1) % linked) {
    const upper = words[layout.upperOfAt / 4 + row] ?? 0;
    const list = (layout.upperAt + (upper >>> 4) * UPPER_BYTES) / 4;
    if ((upper & 15) > 0 && (words[list] ?? 0) > 1) return { row, list };
  }
}

type Break = (segment: Segment, rng: Rng) => void;

/** Each kind of problem, and ways to make it. */
const BREAKS: Record<ProblemKind, readonly Break[]> = {
  header: [
    ({ words }) => (words[WORD.magic] = 1),
    ({ words }) => (words[WORD.linksAt] = 64),
    ({ words }) => (words[WORD.stride] = 16),
    ({ words }) => (words[WORD.capacity] = 2 ** 31),
  ],
  rows: [
    (segment) => segment.setState("rows", segment.capacity + 1),
    (segment) => segment.setState("linked", segment.rows + 1),
    (segment) => segment.setState("linked", -1),
  ],
  alive: [
    (segment) => segment.setState("dead", segment.dead + 1),
    (segment, rng) => flip(segment, segment.rows + randomBelow(rng, 500)),
    (segment, rng) => flip(segment, randomBelow(rng, segment.rows)),
  ],
  id: [
    (segment) => {
      const alive = Array.from({ length: segment.rows }, (_, row) => row).filter((row) => segment.isAlive(row));
      const [a = 0, b = 0] = [alive[5], alive.at(-1)];
      segment.words[segment.layout.idsAt / 4 + a] = segment.idOf(b);
    },
  ],
  entry: [
    (segment) => segment.setState("entry", 0),
    (segment) => segment.setState("entry", segment.linked + 5),
    (segment) => segment.setState("topLevel", segment.state("topLevel") + 1),
    (segment) => segment.setState("topLevel", 0),
  ],
  level: [
    (segment) => segment.setState("upperUsed", segment.state("upperUsed") - 1),
    (segment, rng) => {
      const [a, b] = [upperRow(segment, rng), upperRow(segment, createRng(5))];
      const at = segment.layout.upperOfAt / 4;
      const row = a.row === b.row ? upperRow(segment, createRng(6)).row : a.row;
      segment.words[at + row] = segment.words[at + b.row] ?? 0;
    },
    (segment, rng) => {
      const { list } = upperRow(segment, rng);
      const low = Array.from({ length: segment.linked }, (_, row) => row).find(
        (row) => ((segment.words[segment.layout.upperOfAt / 4 + row] ?? 0) & 15) === 0,
      );
      segment.words[list + 1] = low ?? 0;
    },
  ],
  degree: [
    (segment, rng) => (segment.words[linkAt(segment, randomBelow(rng, segment.linked), 0)] = LINK_BYTES / 4),
    (segment, rng) => (segment.words[linkAt(segment, randomBelow(rng, segment.linked), 0)] = 2 ** 32 - 1),
    (segment, rng) => (segment.words[upperRow(segment, rng).list] = UPPER_BYTES / 4),
  ],
  link: [
    (segment, rng) => (segment.words[linkAt(segment, randomBelow(rng, segment.linked), 1)] = segment.linked),
    (segment, rng) => (segment.words[linkAt(segment, randomBelow(rng, segment.linked), 1)] = 2 ** 32 - 1),
  ],
  self: [
    (segment, rng) => {
      const row = randomBelow(rng, segment.linked);
      segment.words[linkAt(segment, row, 1)] = row;
    },
    (segment, rng) => {
      const { row, list } = upperRow(segment, rng);
      segment.words[list + 1] = row;
    },
  ],
  repeat: [
    (segment, rng) => {
      let row = randomBelow(rng, segment.linked);
      while ((segment.words[linkAt(segment, row, 0)] ?? 0) < 2) row = (row + 1) % segment.linked;
      segment.words[linkAt(segment, row, 2)] = segment.words[linkAt(segment, row, 1)] ?? 0;
    },
  ],
  unreached: [
    (segment) => (segment.words[linkAt(segment, segment.state("entry") - 1, 0)] = 0),
    (segment, rng) => {
      const lost = (segment.state("entry") + randomBelow(rng, segment.linked - 2)) % segment.linked;
      for (let row = 0; row < segment.linked; row++) unlink(segment, row, lost);
    },
  ],
  code: [
    (segment, rng) => change(segment, "bytesAt", randomRow(segment, rng) * segment.layout.stride),
    (segment, rng) => change(segment, "codesAt", randomRow(segment, rng) * segment.layout.codeStride + HEAD_BYTES),
    ...[0, 4, 8, 12].map(
      (head): Break =>
        (segment, rng) => {
          const row = randomRow(segment, rng);
          new Float32Array(segment.memory.buffer)[
            (segment.layout.codesAt + row * segment.layout.codeStride + head) / 4
          ] = 7;
        },
    ),
    (segment, rng) => {
      const row = randomRow(segment, rng);
      new Float32Array(segment.memory.buffer)[(segment.layout.codesAt + row * segment.layout.codeStride) / 4] =
        Number.NaN;
    },
  ],
};

function randomRow(segment: Segment, rng: Rng): number {
  return randomBelow(rng, segment.rows);
}

function flip({ words, layout }: Segment, row: number): void {
  const at = layout.aliveAt / 4 + (row >>> 5);
  words[at] = (words[at] ?? 0) ^ (1 << (row & 31));
}

/** Changes eight bytes so that they surely tell other numbers. */
function change({ memory, layout }: Segment, section: "bytesAt" | "codesAt", offset: number): void {
  const bytes = new Uint8Array(memory.buffer, layout[section] + offset, 3);
  for (const [at, byte] of bytes.entries()) bytes[at] = section === "bytesAt" ? byte + 128 : ~byte;
}

function unlink(segment: Segment, row: number, lost: number): void {
  const { words } = segment;
  const count = words[linkAt(segment, row, 0)] ?? 0;
  for (let place = 1; place <= count; place++) {
    if (words[linkAt(segment, row, place)] !== lost) continue;
    words[linkAt(segment, row, place)] = words[linkAt(segment, row, count)] ?? 0;
    words[linkAt(segment, row, 0)] = count - 1;
    return;
  }
}

test("each invariant that is broken by hand is reported as what it is", async () => {
  const sound = await makeSegment();
  assert.deepEqual(validateSegment(sound), []);
  for (const [kind, ways] of Object.entries(BREAKS)) {
    for (const [way, breakIt] of ways.entries()) {
      for (let seed = 0; seed < 3; seed++) {
        const broken = copyOf(sound);
        breakIt(broken, createRng(seed));
        const problems = validateSegment(broken, { codes: kind === "code" ? broken.rows : 0 });
        const kinds = new Set<string>(problems.map((problem) => problem.kind));
        assert.ok(kinds.has(kind), `${kind} ${way} of seed ${seed} was reported as ${[...kinds]}`);
        assert.ok(problems.length <= PROBLEMS_MAX);
      }
    }
  }
});

test("a segment that tells of more rows than its memory can hold costs no memory for them", async () => {
  const { memory, words } = copyOf(await makeSegment());
  words[WORD.dims] = 0x7fffffff;
  words[WORD.capacity] = 0x7fffffff;
  const before = process.memoryUsage().arrayBuffers;
  const problems = validateSegment(new Segment(memory));
  assert.ok(problems.length > 0);
  assert.ok(process.memoryUsage().arrayBuffers - before < 512 * 1_024 ** 2);
});

test("whatever a segment's memory holds, validating it ends without a crash", async () => {
  const sound = await makeSegment();
  const words = sound.layout.scratchAt / 4;
  const flips = fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), value: fc.integer() }), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(flips, fc.boolean(), (changes, areInHeader) => {
      const broken = copyOf(sound);
      for (const { at, value } of changes) broken.words[Math.floor(at * (areInHeader ? 64 : words - 1))] = value;
      assert.ok(validateSegment(new Segment(broken.memory)).length <= PROBLEMS_MAX);
    }),
    { numRuns: 60 },
  );
});

for (const graphRowsMin of [0, 16_384]) {
  test(`segments of every data set and metric are sound, graphs from ${graphRowsMin} rows on`, async () => {
    for (const name of DATA_SET_NAMES) {
      for (const [at, metric] of METRICS.entries()) {
        const dims = [3, 17, 64][(at + name.length) % 3] ?? 3;
        const index = createIndex({ dims, metric, graphRowsMin, segmentRows: 1_024 });
        const { rows } = makeData(name, { dims, rows: 1_400, queries: 0, seed: at });
        for (const [id, row] of rows.entries()) index.add(id % 1_300, row);
        const before = segmentsOf(index).flatMap((segment) =>
          validateSegment(segment, { isRepaired: false, codes: 32 }),
        );
        assert.deepEqual(before, [], `${name}, ${metric}, ${dims} dimensions, before it settled`);
        await index.settle();
        const after = segmentsOf(index).flatMap((segment) => validateSegment(segment, { codes: 64 }));
        assert.deepEqual(after, [], `${name}, ${metric}, ${dims} dimensions, settled`);
      }
    }
  });
}
