/** Rows that come and go: a share of them is removed and added again, round after round. */
import { createRng, MillraceError, randomBelow } from "@millrace/core";
import type { Contender } from "./contender.ts";
import { BATCH_ROWS } from "./insert-rows.ts";
import { type SearchRate, searchQueries, timeSearches } from "./search-queries.ts";
import { spend } from "./spend.ts";
import { rowOf, rowsIn, type VectorSet } from "./vector-set.ts";

export type ChurnOptions = {
  /** Share of the rows that a round removes. Default 0.3. */
  readonly share?: number;
  /** Default 3. */
  readonly rounds?: number;
  /** Bytes the index holds, asked before and after. Default: unknown, 0. */
  readonly bytesOf?: () => number;
};

export type Churn = {
  readonly removesPerSecond: number;
  /** Rows added again, until all were indexed. */
  readonly insertsPerSecond: number;
  readonly before: SearchRate;
  /** After the last round, with the same rows as before. */
  readonly after: SearchRate;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
};

/**
 * Removes a random share of the rows, checks that no search finds one of them, and adds them again under their old ids, so that the
 * truth of the set holds again. The contender must hold the whole set. `internal` when a removed row was found; `invalid_argument`
 * for a contender that cannot remove.
 */
export async function measureChurn(contender: Contender, set: VectorSet, options: ChurnOptions = {}): Promise<Churn> {
  const { share = 0.3, rounds = 3, bytesOf = () => 0 } = options;
  const before = await searchQueries(contender, set);
  const bytesBefore = bytesOf();
  let [changed, removeSeconds, insertSeconds] = [0, 0, 0];
  for (let round = 1; round <= rounds; round++) {
    const ids = chooseIds(rowsIn(set), Math.round(share * rowsIn(set)), round);
    removeSeconds += (await spend(() => removeAll(contender, ids))).seconds;
    await checkGone(contender, set, new Set(ids));
    const copies = gather(set, ids);
    insertSeconds += (await spend(() => addAll(contender, ids, copies))).seconds;
    changed += ids.length;
  }
  return {
    removesPerSecond: changed / removeSeconds,
    insertsPerSecond: changed / insertSeconds,
    before,
    after: await searchQueries(contender, set),
    bytesBefore,
    bytesAfter: bytesOf(),
  };
}

/** `count` distinct row numbers: the beginning of a Fisher–Yates shuffle. */
function chooseIds(rows: number, count: number, seed: number): Uint32Array {
  const rng = createRng(seed);
  const ids = Uint32Array.from({ length: rows }, (_, id) => id);
  for (let at = 0; at < count; at++) {
    const other = at + randomBelow(rng, rows - at);
    [ids[at], ids[other]] = [ids[other] ?? 0, ids[at] ?? 0];
  }
  return ids.slice(0, count);
}

function gather({ base, dims }: VectorSet, ids: Uint32Array): Float32Array {
  const vectors = new Float32Array(ids.length * dims);
  for (const [at, id] of ids.entries()) vectors.set(rowOf(base, id, dims), at * dims);
  return vectors;
}

async function removeAll(contender: Contender, ids: Uint32Array): Promise<void> {
  if (!contender.remove) throw new MillraceError("invalid_argument", `${contender.name} cannot remove rows`);
  for (const id of ids) {
    const removed = contender.remove(id);
    if (removed) await removed;
  }
}

async function addAll(contender: Contender, ids: Uint32Array, vectors: Float32Array): Promise<void> {
  const dims = vectors.length / ids.length;
  for (let at = 0; at < ids.length; at += BATCH_ROWS) {
    const end = Math.min(ids.length, at + BATCH_ROWS);
    await contender.add(ids.subarray(at, end), vectors.subarray(at * dims, end * dims));
  }
  await contender.finish();
}

async function checkGone(contender: Contender, set: VectorSet, removed: ReadonlySet<number>): Promise<void> {
  const { found } = await timeSearches(contender, set);
  for (const [at, ids] of found.entries()) {
    const ghost = ids.find((id) => removed.has(id));
    if (ghost === undefined) continue;
    throw new MillraceError("internal", `${contender.name} answers query ${at} with row ${ghost}, which was removed`);
  }
}
