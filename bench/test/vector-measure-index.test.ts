import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MillraceError } from "@millrace/core";
import { readVectorFiles } from "../vector/index-files.ts";
import { readIndexOptions } from "../vector/index-options.ts";
import { smallSet } from "./small-vectors.ts";

const directory = mkdtempSync(join(tmpdir(), "millrace-index-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const cli = join(import.meta.dirname, "../../packages/cli/src/main.ts");
const set = smallSet({ rows: 1_500, queries: 40 });
const file = (name: string) => join(directory, name);

function write(name: string, numbers: Float32Array | Int32Array): string {
  writeFileSync(file(name), new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  return file(name);
}

/** Arguments for the small set, with some replaced or, by undefined, left out. */
function argumentsWith(replaced: Readonly<Record<string, string | undefined>> = {}): string[] {
  const options: Record<string, string | undefined> = {
    base: write("base.f32", set.base),
    query: write("query.f32", set.query),
    truth: write("truth.i32", set.truth),
    dims: "16",
    metric: "cosine",
    ...replaced,
  };
  return Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
}

async function millrace(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ["--conditions=source", "--disable-warning=ExperimentalWarning", cli, ...args]);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

const RUNS: Readonly<Record<string, { readonly more: readonly string[]; readonly indexed: number }>> = {
  "of a file": { more: [], indexed: 1_500 },
  "with builder threads and a graph": { more: ["--workers", "1", "--graph", "--recall", "0.9"], indexed: 1_500 },
  "of three spaces on two threads": { more: ["--spaces", "3", "--workers", "2"], indexed: 4_500 },
};

for (const [label, { more, indexed }] of Object.entries(RUNS)) {
  test(`millrace bench index measures an index ${label}`, async () => {
    const { code, stdout, stderr } = await millrace("bench", "index", ...argumentsWith(), ...more, "--json");
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);
    assert.deepEqual(Object.keys(result), [
      "insertsPerSecond",
      "recallAt10",
      "queriesPerSecond",
      "searchMs",
      "bytesPerVector",
      "buildSeconds",
      "indexed",
    ]);
    assert.deepEqual(Object.keys(result.searchMs), ["p50", "p99"]);
    assert.equal(result.indexed, indexed);
    assert.ok(result.recallAt10 >= 0.85 && result.recallAt10 <= 1, `recall ${result.recallAt10}`);
    assert.ok(result.searchMs.p50 > 0 && result.searchMs.p50 <= result.searchMs.p99, JSON.stringify(result.searchMs));
    assert.ok(Math.abs(result.insertsPerSecond * result.buildSeconds - indexed) < indexed * 0.01, stdout);
    // At least one byte a dimension, and room for a first segment of its least size.
    assert.ok(result.bytesPerVector >= 16 && result.bytesPerVector < 4_096, `${result.bytesPerVector} bytes`);
    assert.ok(result.queriesPerSecond > 0);
  });
}

test("without --json it prints a table for people", async () => {
  const { code, stdout } = await millrace("bench", "index", ...argumentsWith());
  assert.equal(code, 0);
  assert.match(stdout, /^inserts +[\d,]+\/s\n[\s\S]*indexed +1,500 rows\n[\s\S]*recall@10 +[01]\.\d{4}\n/);
});

const refuses = (code: string, pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MillraceError, String(error));
  assert.match(error.message, pattern);
  return error.code === code;
};

const BAD_OPTIONS: readonly (readonly [Readonly<Record<string, string | undefined>>, RegExp])[] = [
  [{ base: undefined }, /--base is missing\nbench index --base/],
  [{ truth: "" }, /--truth is missing/],
  [{ dims: undefined }, /--dims is missing/],
  [{ dims: "1" }, /--dims is 1; it must be a whole number from 2 to 4096/],
  [{ dims: "4097" }, /--dims is 4097/],
  [{ dims: "16.5" }, /--dims is 16.5/],
  [{ dims: "sixteen" }, /--dims is null|--dims is NaN/],
  [{ metric: "euclid" }, /--metric is "euclid"; it must be one of cosine, dot, l2/],
  [{ recall: "0.4" }, /--recall is "0.4"; it must be exact or a number from 0.5 to 0.99/],
  [{ recall: "1" }, /--recall is "1"/],
  [{ recall: "high" }, /--recall is "high"/],
  [{ workers: "-1" }, /'--workers' argument is ambiguous|--workers is -1/],
  [{ workers: "65" }, /--workers is 65; it must be a whole number from 0 to 64/],
  [{ spaces: "0" }, /--spaces is 0; it must be a whole number from 1 to 1024/],
  [{ speed: "9" }, /Unknown option '--speed'[\s\S]*bench index --base/],
];

for (const [replaced, pattern] of BAD_OPTIONS) {
  test(`bench index refuses ${JSON.stringify(replaced)}`, () => {
    assert.throws(() => readIndexOptions(argumentsWith(replaced)), refuses("invalid_argument", pattern));
  });
}

function readWith(replaced: Readonly<Record<string, string>>) {
  return () => readVectorFiles(readIndexOptions(argumentsWith(replaced)));
}

test("a file that is missing, a directory or of another size is refused by name", () => {
  assert.throws(readWith({ base: file("none.f32") }), refuses("not_found", /--base: there is no file .*none\.f32/));
  assert.throws(readWith({ query: directory }), refuses("invalid_argument", /--query .* is not a file/));
  const odd = write("odd.f32", set.base.subarray(0, 16 * 3 + 1));
  assert.throws(
    readWith({ base: odd }),
    refuses(
      "invalid_argument",
      /--base .*odd\.f32 has 196 bytes; it must hold rows of 16 f32 numbers \(--dims 16\), 64 b/,
    ),
  );
  truncateSync(odd, 0);
  assert.throws(readWith({ query: odd }), refuses("invalid_argument", /--query .*odd\.f32 has 0 bytes/));
});

test("a truth of another shape, or with ids that no row has, is refused", () => {
  const ragged = write("ragged.i32", set.truth.subarray(0, 150));
  assert.throws(
    readWith({ truth: ragged }),
    refuses("invalid_argument", /has 600 bytes; it must hold rows of 100 i32 ids/),
  );
  const few = write("few.i32", set.truth.subarray(0, 300));
  assert.throws(readWith({ truth: few }), refuses("invalid_argument", /has 3 rows of 100 ids, --query has 40 vectors/));
  for (const id of [-1, 1_500]) {
    const strange = write("strange.i32", set.truth.with(205, id));
    const pattern = new RegExp(`holds the id ${id} at row 2, position 5; ids are row numbers of --base, 0 to 1499`);
    assert.throws(readWith({ truth: strange }), refuses("invalid_argument", pattern));
  }
});

test("files are read as they were written", () => {
  const read = readVectorFiles(readIndexOptions(argumentsWith()));
  assert.deepEqual([...read.base], [...set.base]);
  assert.deepEqual([...read.query], [...set.query]);
  assert.deepEqual([...read.truth], [...set.truth]);
});

test("what cannot be measured ends with exit code 2 and the reason on stderr", async () => {
  const { code, stderr } = await millrace("bench", "index", ...argumentsWith({ truth: file("none.i32") }));
  assert.equal(code, 2);
  assert.match(stderr, /^--truth: there is no file/);
  const notFinite = write("nan.f32", set.base.with(20, Number.NaN));
  const refused = await millrace("bench", "index", ...argumentsWith({ base: notFinite }));
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /vectors\[1\]\[4\] is NaN; every number of a vector must be finite/);
});
