import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { MillraceError } from "@millrace/core";
import { createIndex, type IndexOptions, openReader, type VectorIndex } from "@millrace/vector";
import { LINK_WORK, SCAN_WORK } from "../src/segment/demand.ts";
import { makeData } from "./data-sets.ts";
import { recallOf } from "./exact.ts";
import { problemsOf, segmentsOf } from "./segments-of.ts";

const DIMS = 32;
/** As few rows as get a graph here. */
const GRAPH_ROWS_MIN = 1_024;
const SEGMENT_ROWS = 4_096;

function makeIndex(options: Partial<IndexOptions> = {}): VectorIndex {
  const shape = { graphRowsMin: GRAPH_ROWS_MIN, segmentRows: SEGMENT_ROWS, graphs: "demanded" } as const;
  return createIndex({ dims: DIMS, metric: "cosine", ...shape, ...options });
}

/** Adds rows of random topics under ids from 0. */
function fill(index: VectorIndex, rows: number) {
  const made = makeData("topics", { dims: DIMS, rows, queries: 30, seed: 5 });
  for (const [id, row] of made.rows.entries()) index.add(id, row);
  return made;
}

function linkedOf(index: VectorIndex): number {
  return index.segments.reduce((sum, { linked }) => sum + linked, 0);
}

test("a segment is scanned, and counts as final, until searches have cost as much as its graph", async () => {
  const index = makeIndex();
  const { rows, queries } = fill(index, SEGMENT_ROWS + 500);
  await index.settle();
  assert.equal(linkedOf(index), 0);
  assert.equal(index.indexed, rows.length);
  assert.ok(index.segments.every(({ code, isGraphDue: isDue }) => code.startsWith("scan-") && !isDue));
  let searches = 0;
  while (!index.segments.some(({ isGraphDue: isDue }) => isDue)) {
    for (const query of queries) index.search(query, 10);
    searches += queries.length;
    assert.ok(searches <= LINK_WORK.bytes, `${searches} searches asked for no graph`);
    if (searches === queries.length) await index.settle();
    if (searches === queries.length) assert.equal(linkedOf(index), 0, "thirty searches do not pay for a graph");
  }
  const least = LINK_WORK.signs / SCAN_WORK.bytes;
  assert.ok(searches >= least, `${searches} scans of a segment have paid for its graph; ${least} are to`);
  assert.ok(index.indexed < rows.length, "rows that wait to be linked are not final");
  await index.settle();
  assert.ok(linkedOf(index) >= SEGMENT_ROWS);
  assert.equal(index.indexed, rows.length);
  assert.deepEqual(problemsOf(index, true), []);
  const model = new Map(rows.entries());
  const recalls = queries.map((query) =>
    recallOf(index.search(query, 10), { rows: model, query, k: 10, metric: "cosine", slack: 1e-5 }),
  );
  assert.ok(recalls.reduce((sum, one) => sum + one, 0) / recalls.length >= 0.93);
});

test("scans of other threads' readers count, those for every row or under a narrow filter hardly", () => {
  const index = makeIndex();
  const { queries } = fill(index, 3_000);
  const [query = new Float32Array(DIMS)] = queries;
  const scannedOf = () => segmentsOf(index).reduce((sum, segment) => sum + segment.state("scanned"), 0);
  index.search(query, 10, { recall: "exact" });
  assert.equal(scannedOf(), 0, "who wants all rows needs no graph");
  index.search(query, 10, { filter: (id) => id % 100 === 0 });
  const filtered = scannedOf();
  assert.ok(filtered > 0 && filtered <= (3_000 / 100) * SCAN_WORK.bytes, `${filtered}`);
  const shared = index.share();
  const reader = openReader(shared);
  reader.search(query, 10);
  assert.equal(scannedOf() - filtered, 3_000 * SCAN_WORK.bytes);
  reader.close();
});

test("where more rows than scanRowsMax would be scanned, the oldest full segments get their graphs in turn", async () => {
  const index = makeIndex({ scanRowsMax: 2 * SEGMENT_ROWS });
  fill(index, 4 * SEGMENT_ROWS);
  await index.settle();
  const { segments } = index;
  const scanned = segments.filter(({ linked }) => linked === 0).reduce((sum, { rows }) => sum + rows, 0);
  assert.ok(scanned <= 2 * SEGMENT_ROWS, `${scanned} rows are scanned`);
  assert.ok(scanned > SEGMENT_ROWS, "no more were linked than had to be");
  const firstScanned = segments.findIndex(({ linked }) => linked === 0);
  assert.ok(segments.slice(0, firstScanned).every(({ rows, linked }) => rows === linked));
  assert.ok(segments.slice(firstScanned).every(({ linked }) => linked === 0));
  assert.deepEqual(problemsOf(index, true), []);
});

test("a graph that is asked for is linked by later additions, and by threads without any", async () => {
  for (const workers of [0, 1]) {
    const index = makeIndex({ workers });
    const { rows, queries } = fill(index, SEGMENT_ROWS + 500);
    const none = new Float32Array(DIMS);
    for (let at = 0; at < LINK_WORK.bytes && linkedOf(index) < 1_000; at++) {
      for (const query of queries.slice(0, 4)) index.search(query, 10);
      if (workers === 0) index.add(at % 500, rows[at % 500] ?? none);
    }
    // A thread takes its time; nothing but it links now.
    while (workers > 0 && linkedOf(index) < 1_000) await turn();
    assert.ok(linkedOf(index) >= 1_000, `${linkedOf(index)} rows are linked`);
    await index.settle();
    assert.deepEqual(problemsOf(index, true), []);
    await index.close();
  }
});

test("options of demand that cannot be are refused by name", () => {
  const isRefused = (part: string) => (error: unknown) =>
    error instanceof MillraceError && error.code === "invalid_argument" && error.message.includes(part);
  assert.throws(() => makeIndex({ graphs: "never" as "eager" }), isRefused('graphs is "never"'));
  assert.throws(() => makeIndex({ builds: "given" as "own" }), isRefused('builds is "given"'));
  assert.throws(() => makeIndex({ builds: "offered", workers: 1 }), isRefused("workers is 1"));
  assert.throws(() => makeIndex({ scanRowsMax: -1 }), isRefused("scanRowsMax"));
});
