import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MillraceError } from "@millrace/core";
import type { Contender } from "./contender.ts";
import { K } from "./search-queries.ts";
import { rowOf, type VectorSet } from "./vector-set.ts";

/** Queries whose answers must be the same after a load. */
const QUERIES = 100;

export type SaveLoad = {
  readonly saveSeconds: number;
  /** Until the first search has answered. The files are in the page cache, having just been written. */
  readonly loadSeconds: number;
  readonly fileBytes: number;
};

/**
 * Saves an index, loads it into `empty`, and compares the answers of both. `internal` when they differ. Undefined when the contender
 * cannot be saved.
 */
export async function measureSaveLoad(
  contender: Contender,
  empty: Contender,
  set: VectorSet,
): Promise<SaveLoad | undefined> {
  if (!contender.save || !empty.load) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "millrace-save-"));
  const path = join(directory, "index");
  try {
    const savedMs = performance.now();
    await contender.save(path);
    const saveSeconds = (performance.now() - savedMs) / 1_000;
    const loadedMs = performance.now();
    await empty.load(path);
    await empty.search(rowOf(set.query, 0, set.dims), K);
    const loadSeconds = (performance.now() - loadedMs) / 1_000;
    await compareAnswers(contender, empty, set);
    return { saveSeconds, loadSeconds, fileBytes: bytesBelow(path) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function compareAnswers(saved: Contender, loaded: Contender, set: VectorSet): Promise<void> {
  for (let at = 0; at < Math.min(QUERIES, set.query.length / set.dims); at++) {
    const query = rowOf(set.query, at, set.dims);
    const [before, after] = [await saved.search(query, K), await loaded.search(query, K)];
    if (before.join() === after.join()) continue;
    const message = `${saved.name} answers query ${at} with ${after.join()} after a load; before the save it was ${before.join()}`;
    throw new MillraceError("internal", message);
  }
}

function bytesBelow(path: string): number {
  const found = statSync(path);
  if (!found.isDirectory()) return found.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesBelow(join(path, name)), 0);
}
