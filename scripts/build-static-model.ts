/**
 * Builds the word table of the built-in embedding model from openly licensed npm packages, each at a pinned version and hash.
 *
 *     node --conditions=source --max-old-space-size=8000 scripts/build-static-model.ts --rebuild [--cache DIR]
 *     node --conditions=source scripts/build-static-model.ts --check
 *
 * `--rebuild` downloads the packages (about 340 MB, kept in DIR), makes the table (about 10 minutes on one core), writes it and
 * its record, and fails when the bytes differ from the record of the same recipe. `--check` takes a second and downloads nothing:
 * it verifies that the table in the tree is the one recorded, and that the recipe (the files of static-model, the tokenizer
 * and the pinned packages) is the one that made it.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { STATIC_MODEL } from "../packages/memory/src/embedding/static-provider.ts";
import { readStaticTable, writeStaticTable } from "../packages/memory/src/embedding/static-table.ts";
import { buildTable, type Sources } from "./static-model/build-table.ts";

type ModelRecord = { readonly model: string; readonly recipe: string; readonly sha256: string; readonly bytes: number };

const root = join(import.meta.dirname, "..");
const parts = join(import.meta.dirname, "static-model");
const assets = join(root, "packages/memory/assets");
const tablePath = join(assets, `${STATIC_MODEL}.bin`);
const recordPath = join(assets, `${STATIC_MODEL}.json`);

const { values } = parseArgs({
  options: { rebuild: { type: "boolean" }, check: { type: "boolean" }, cache: { type: "string" } },
});
if (values.rebuild) await rebuild(values.cache ?? join(tmpdir(), "millrace-static-model"));
else if (values.check) await check();
else {
  console.error("usage: build-static-model.ts --check | --rebuild [--cache DIR]");
  process.exitCode = 2;
}

async function rebuild(cache: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const sources = JSON.parse(await readFile(join(parts, "sources.json"), "utf8")) as Sources;
  const bytes = writeStaticTable(await buildTable(sources, { cache, log: (line) => console.error(line) }));
  const record: ModelRecord = {
    model: STATIC_MODEL,
    recipe: await recipeHash(),
    sha256: hash(bytes),
    bytes: bytes.length,
  };
  const before = await readRecord();
  await writeFile(tablePath, bytes);
  await writeFile(recordPath, `${JSON.stringify(record, null, 2)}\n`);
  console.log(JSON.stringify(record));
  if (before?.recipe === record.recipe && before.sha256 !== record.sha256) {
    console.error(`the same recipe gave ${record.sha256}; the record says ${before.sha256}`);
    process.exitCode = 1;
  }
}

async function check(): Promise<void> {
  const record = await readRecord();
  const bytes = await readFile(tablePath);
  const faults: string[] = [];
  if (record?.sha256 !== hash(bytes)) faults.push(`${STATIC_MODEL}.bin is not the table that was recorded`);
  if (record?.recipe !== (await recipeHash()))
    faults.push("the recipe has changed since the table was made; run --rebuild");
  const { rows, dims } = readStaticTable(bytes, STATIC_MODEL);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
  else console.log(`${STATIC_MODEL}: ${rows} words of ${dims} dims, ${bytes.length} bytes, as recorded`);
}

/** One hash over every file whose change changes the table. */
async function recipeHash(): Promise<string> {
  const embedding = join(root, "packages/memory/src/embedding");
  const files = [
    ...(await readdir(parts)).sort().map((name) => join(parts, name)),
    ...["words.ts", "static-tokens.ts", "static-table.ts"].map((name) => join(embedding, name)),
    join(root, "packages/core/src/rng.ts"),
  ];
  const all = createHash("sha256");
  for (const file of files) all.update(hash(await readFile(file)));
  return all.digest("hex");
}

async function readRecord(): Promise<ModelRecord | undefined> {
  const text = await readFile(recordPath, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ModelRecord);
}

function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
