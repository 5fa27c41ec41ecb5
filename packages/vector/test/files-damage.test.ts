import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { MillraceError } from "@millrace/core";
import type { Mended, RebuiltRow, VectorIndex } from "@millrace/vector";
import fc from "fast-check";
import { decodeHeader, encodeHeader, SEGMENT_HEADER_BYTES } from "../src/files/format.ts";
import { decodeManifest } from "../src/files/manifest.ts";
import { type OpenOptions, openIndexOn } from "../src/files/open-index.ts";
import { layoutOf } from "../src/segment/layout.ts";
import { createIndexOf } from "../src/vector-index.ts";
import { makeData } from "./data-sets.ts";
import { recallOf } from "./exact.ts";
import { MemoryDisk } from "./files-memory-disk.ts";
import { problemsOf } from "./segments-of.ts";

const DIMS = 12;
const DIRECTORY = "/saved";
/** Twelve numbers of up to 4, each within 1/254 of that, times a distance of up to 5. */
const SLACK = 0.15;

/** An index of two segments with graphs, one of them full and one open, some rows removed; saved twice. */
async function makeSaved() {
  const { rows, queries } = makeData("gaussian", { dims: DIMS, rows: 1_900, queries: 4, seed: 9 });
  const disk = new MemoryDisk();
  const options = { dims: DIMS, metric: "l2", segmentRows: 1_024, graphRowsMin: 0 } as const;
  const index = createIndexOf(options, { segments: [], mended: [], disk });
  const model = new Map<number, Float32Array>();
  for (const [at, vector] of rows.entries()) {
    index.add(at * 3, vector);
    model.set(at * 3, vector);
    if (at === 1_500) await index.save(DIRECTORY);
  }
  for (let at = 5; at < 1_900; at += 11) {
    index.remove(at * 3);
    model.delete(at * 3);
  }
  await index.settle();
  const older = disk.files;
  await index.save(DIRECTORY);
  return { index, files: disk.files, older, model, queries };
}

const saved = await makeSaved();
const paths = [...saved.files.keys()].sort();
const [manifestPath = "", copyPath = ""] = paths;

/** Ways in which a file can come to harm. */
type Damage =
  | {
      readonly kind: "flip" | "cut" | "append" | "zero";
      readonly path: string;
      readonly at: number;
      readonly bit: number;
    }
  | { readonly kind: "lose"; readonly path: string }
  | { readonly kind: "swap"; readonly path: string; readonly from: string };

/** Places all over a file, as many near its begin and end as elsewhere. */
function placeIn(path: string): fc.Arbitrary<number> {
  const length = saved.files.get(path)?.length ?? 0;
  const head = fc.nat(SEGMENT_HEADER_BYTES + DIMS * 40);
  return fc.oneof(
    fc.nat(length - 1),
    head,
    fc.nat(2_000).map((back) => length - 1 - back),
  );
}

const damages: fc.Arbitrary<Damage> = fc.constantFrom(...paths).chain((path) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom("flip", "flip", "cut", "append", "zero"),
        path: fc.constant(path),
        at: placeIn(path),
        bit: fc.nat(7),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("lose"), path: fc.constant(path) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("swap"), path: fc.constant(path), from: fc.constantFrom(...paths) }),
    },
  ),
) as fc.Arbitrary<Damage>;

/** The files after the damage; whether any byte is another. */
function harm(files: Map<string, Uint8Array>, damage: Damage): boolean {
  const before = files.get(damage.path) ?? new Uint8Array(0);
  const after = harmed(files, damage, before);
  if (after) files.set(damage.path, after);
  else files.delete(damage.path);
  return !after || Buffer.compare(before, after) !== 0;
}

function harmed(files: Map<string, Uint8Array>, damage: Damage, before: Uint8Array): Uint8Array | undefined {
  if (damage.kind === "lose") return undefined;
  if (damage.kind === "swap") return files.get(damage.from)?.slice();
  const { kind, at, bit } = damage;
  if (kind === "cut") return before.slice(0, at);
  const after = kind === "append" ? new Uint8Array(before.length + 1 + bit) : before.slice();
  if (kind === "append") after.set(before);
  else if (kind === "zero") after.fill(0, at, at + 40);
  else after[at] = (after[at] ?? 0) ^ (1 << bit);
  return after;
}

type Opened = { readonly index?: VectorIndex; readonly refused?: MillraceError; readonly disk: MemoryDisk };

async function open(files: ReadonlyMap<string, Uint8Array>, options: OpenOptions = {}): Promise<Opened> {
  const disk = new MemoryDisk(files);
  try {
    return { index: await openIndexOn(disk, DIRECTORY, options), disk };
  } catch (error) {
    assert.ok(error instanceof MillraceError, String(error));
    return { refused: error, disk };
  }
}

function* replay({ ids }: { readonly ids: Uint32Array }): Iterable<RebuiltRow> {
  // A log tells of rows that are not asked for, and of versions that were replaced.
  yield { id: 1, vector: new Float32Array(DIMS) };
  for (const id of ids) yield { id, vector: new Float32Array(DIMS).fill(9) };
  for (const id of ids) yield { id, vector: saved.model.get(id) ?? assert.fail(`${id} was not there`) };
}

/** Every row there was is there, with its vector, and nothing else is. */
function assertServesAll(index: VectorIndex): void {
  const { model, queries } = saved;
  assert.equal(index.size, model.size);
  for (const query of queries) {
    const found = index.search(query, 10, { recall: "exact" });
    assert.equal(recallOf(found, { rows: model, query, k: 10, metric: "l2", slack: SLACK }), 1);
    for (const [at, id] of found.ids.entries()) {
      const row = model.get(id) ?? assert.fail(`${id} was removed`);
      const exact = -row.reduce((sum, value, i) => sum + (value - (query[i] ?? 0)) ** 2, 0);
      assert.ok(Math.abs(exact - (found.scores[at] ?? 0)) < SLACK, `${exact} and ${found.scores[at]}`);
    }
    assert.ok(index.search(query, 10).ids.every((id) => model.has(id)));
  }
}

/** The very results of the index that was saved. */
function assertSameRows(index: VectorIndex): void {
  for (const query of saved.queries) {
    const options = { recall: "exact" } as const;
    assert.deepEqual(index.search(query, 20, options), saved.index.search(query, 20, options));
  }
}

test("the index that is damaged has two segments with graphs, each with removed rows", () => {
  const { index, files } = saved;
  assert.equal(index.segments.length, 2);
  assert.ok(
    index.segments.every(({ code, dead, linked, rows }) => code.startsWith("graph") && dead > 9 && linked === rows),
  );
  assert.equal(files.size, 4);
  assert.deepEqual(index.mended, []);
});

test("any damage is noticed and mended, with nothing lost where rows are given again", async () => {
  const kinds = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(damages, { minLength: 1, maxLength: 2 }), async (list) => {
      const files = new Map(saved.files);
      const isHarmed = list.map((damage) => harm(files, damage)).includes(true);
      const { index, refused, disk } = await open(files, { rebuild: replay });
      if (refused) {
        const both = [manifestPath, copyPath].every((path) => isOther(files, path));
        assert.ok(both, `refused though one list of segments is whole: ${refused.message}`);
        assert.ok(["storage_failed", "not_found"].includes(refused.code));
        return;
      }
      assert.ok(index);
      if (isHarmed && paths.some((path) => isNoticed(files, path))) assert.ok(index.mended.length > 0);
      for (const { how, missing } of index.mended) {
        kinds.add(how);
        assert.equal(missing, 0);
      }
      assertServesAll(index);
      if (index.mended.every(({ how }) => how !== "rebuilt")) assertSameRows(index);
      assert.deepEqual(problemsOf(index, false), []);
      await assertWholeOnceSaved(index, disk);
    }),
    { numRuns: 60 },
  );
  assert.ok(kinds.has("copied") && kinds.has("linked") && kinds.has("rebuilt"), [...kinds].join());
});

function isOther(files: ReadonlyMap<string, Uint8Array>, path: string): boolean {
  const bytes = files.get(path);
  return !bytes || Buffer.compare(bytes, saved.files.get(path) ?? bytes) !== 0;
}

/** All but a copy of the manifest that is not there (yet), or is the manifest in another place. */
function isNoticed(files: ReadonlyMap<string, Uint8Array>, path: string): boolean {
  return isOther(files, path) && !(path === copyPath && !files.has(path));
}

/** Graphs are built again, and the next save leaves whole files and no others. */
async function assertWholeOnceSaved(index: VectorIndex, disk: MemoryDisk): Promise<void> {
  await index.settle();
  assert.deepEqual(problemsOf(index, true), []);
  assert.ok(index.segments.every(({ linked, rows }) => linked === rows));
  await index.save(DIRECTORY);
  const again = await openIndexOn(disk, DIRECTORY, {});
  assert.deepEqual(again.mended, []);
  assert.equal(disk.files.size, 2 + again.segments.length);
  assertServesAll(again);
}

test("without rebuild, lost rows are refused by name, and nothing is removed", async () => {
  await fc.assert(
    fc.asyncProperty(damages, async (damage) => {
      const files = new Map(saved.files);
      harm(files, damage);
      const { index, refused, disk } = await open(files);
      if (index) {
        assertSameRows(index);
        assert.ok(index.mended.every(({ how }) => how !== "rebuilt"));
        return;
      }
      assert.equal(refused?.code, "storage_failed");
      assert.equal(refused?.retryable, false);
      assert.match(
        refused?.message ?? "",
        new RegExp(`${damage.path.slice(DIRECTORY.length + 1)}.*rows are lost.*rebuild`),
      );
      assert.deepEqual(disk.files, files);
    }),
    { numRuns: 150 },
  );
});

/** Where the parts of a segment file begin. */
function partsOf(path: string): Map<string, { readonly from: number; readonly bytes: number }> {
  const header = decodeHeader((saved.files.get(path) ?? new Uint8Array(0)).subarray(0, SEGMENT_HEADER_BYTES));
  assert.ok(header);
  const { stride, codeStride } = layoutOf(header.shape);
  const { rows } = header;
  const sizes = { mean: stride * 4, flips: stride * 16, ids: rows * 4, codes: rows * codeStride, bytes: rows * stride };
  const parts = new Map([["header", { from: 0, bytes: SEGMENT_HEADER_BYTES }]]);
  let from = SEGMENT_HEADER_BYTES;
  for (const [name, bytes] of Object.entries(sizes)) {
    parts.set(name, { from, bytes });
    from += bytes;
  }
  return parts;
}

test("what is damaged in a segment decides how it is mended", async () => {
  const path = paths.at(-1) ?? "";
  const parts = partsOf(path);
  const length = saved.files.get(path)?.length ?? 0;
  const expected: readonly (readonly [string, number, Mended["how"]])[] = [
    ["header", 100, "copied"],
    ["ids", (parts.get("ids")?.from ?? 0) + 3, "copied"],
    ["mean", (parts.get("mean")?.from ?? 0) + 1, "rebuilt"],
    ["flips", (parts.get("flips")?.from ?? 0) + 1, "rebuilt"],
    ["codes", (parts.get("codes")?.from ?? 0) + 1_000, "rebuilt"],
    ["bytes", (parts.get("bytes")?.from ?? 0) + 1_000, "rebuilt"],
    ["upper", length - 1, "linked"],
  ];
  for (const [part, at, how] of expected) {
    const files = new Map(saved.files);
    harm(files, { kind: "flip", path, at, bit: 3 });
    const { index } = await open(files, { rebuild: replay });
    const file = path.slice(DIRECTORY.length + 1);
    const rows = index?.mended[0]?.rows ?? 0;
    assert.deepEqual(index?.mended, [{ file, part, how, rows, missing: 0 }]);
    assert.ok(rows > 500 && rows < 1_024);
    if (how !== "linked") continue;
    // While it waits to be linked again, it is scanned.
    assert.equal(index.segments.at(-1)?.linked, 0);
    assertServesAll(index);
  }
});

test("rows that rebuild does not give are counted; what it gives wrong is refused", async () => {
  const files = new Map(saved.files);
  harm(files, { kind: "lose", path: paths.at(-1) ?? "" });
  const half = await open(files, { rebuild: (lost) => [...replay(lost)].filter(({ id }) => id % 2 === 0) });
  const [mended] = half.index?.mended ?? [];
  assert.equal(mended?.part, "file");
  assert.ok(mended.missing > 300 && mended.missing < mended.rows);
  assert.equal(half.index?.size, saved.model.size - mended.missing);
  const wrong = await open(files, { rebuild: ({ ids }) => [{ id: ids[0] ?? 0, vector: new Float32Array(3) }] });
  assert.equal(wrong.refused?.code, "dimension_mismatch");
  async function* failing(): AsyncGenerator<RebuiltRow> {
    yield* [];
    throw new MillraceError("gone", "the log is past its retention");
  }
  assert.equal((await open(files, { rebuild: failing })).refused?.code, "gone");
});

test("files of a newer version are refused as such, and a flipped version as damage", async () => {
  const newer = (bytes: Uint8Array): Uint8Array => withWord(bytes, 1, 2, bytes.length);
  const files = new Map(saved.files);
  for (const path of [manifestPath, copyPath]) files.set(path, newer(files.get(path) ?? new Uint8Array(8)));
  const { refused } = await open(files);
  assert.equal(refused?.code, "data_too_new");
  assert.match(refused.message, /version 2; this Millrace reads up to 1/);
  const flipped = new Map(saved.files);
  for (const path of [manifestPath, copyPath]) harm(flipped, { kind: "flip", path, at: 4, bit: 1 });
  assert.equal((await open(flipped)).refused?.code, "storage_failed");
});

/** The bytes with another word and a checksum that is right. */
function withWord(bytes: Uint8Array, word: number, value: number, end: number): Uint8Array {
  const changed = bytes.slice();
  const view = new DataView(changed.buffer);
  view.setUint32(word * 4, value, true);
  view.setUint32(end - 4, crc32(changed.subarray(0, end - 4)), true);
  return changed;
}

const words = fc.oneof(
  fc.nat(300),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.constantFrom(2 ** 20, 2 ** 31, 2 ** 32 - 1),
);

test("no header with a right checksum asks for more than there can be", () => {
  const good = (saved.files.get(paths.at(-1) ?? "") ?? new Uint8Array(0)).slice(0, SEGMENT_HEADER_BYTES);
  assert.deepEqual(encodeHeader(decodeHeader(good) ?? assert.fail()), good);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 2, max: 95 }), words), { minLength: 1, maxLength: 4 }),
      (changes) => {
        const bytes = changes.reduce<Uint8Array>(
          (all, [at, value]) => withWord(all, at, value, SEGMENT_HEADER_BYTES),
          good,
        );
        const header = decodeHeader(bytes);
        if (!header) return;
        const { pages, upperMax } = layoutOf(header.shape);
        assert.ok(pages <= 65_536 && header.rows <= header.shape.capacity);
        const [linked = 0, entry = 0, topLevel = 0, upperUsed = 0] = header.states.subarray(1);
        assert.ok(linked <= header.rows && entry <= linked && topLevel <= 7 && upperUsed <= upperMax);
      },
    ),
    { numRuns: 2_000 },
  );
});

test("a manifest with a right checksum and wrong words is refused or served, and never breaks", async () => {
  const good = saved.files.get(manifestPath) ?? new Uint8Array(0);
  assert.equal(decodeManifest(good)?.entries.length, 2);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 160 }), words, async (at, value) => {
      let bytes = withWord(good, at, value, good.length);
      // The first segment's header has a checksum of its own.
      const header = withWord(bytes.slice(56, 56 + SEGMENT_HEADER_BYTES), 0, 0x5356_524d, SEGMENT_HEADER_BYTES);
      bytes.set(header, 56);
      bytes = withWord(bytes, 0, 0x4d56_524d, bytes.length);
      const files = new Map(saved.files).set(manifestPath, bytes).set(copyPath, bytes);
      const { index } = await open(files, { rebuild: () => [] });
      if (!index) return;
      for (const query of saved.queries) assert.ok(index.search(query, 10).ids.length <= 10);
      await index.settle();
    }),
    { numRuns: 150 },
  );
});

test("older files under the same names are noticed", async () => {
  const { older, files } = saved;
  const path = [...older.keys()].find((one) => one.includes("segment-1-"));
  assert.ok(path);
  const mixed = new Map(files);
  const target = paths.at(-1) ?? "";
  mixed.set(target, older.get(path) ?? new Uint8Array(0));
  const { index } = await open(mixed, { rebuild: replay });
  assert.ok(index);
  assert.ok(index.mended.some(({ how }) => how === "rebuilt"));
  assertServesAll(index);
});
