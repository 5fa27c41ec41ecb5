import type { Contender } from "./contender.ts";
import { type Spent, spend } from "./spend.ts";
import type { VectorSet } from "./vector-set.ts";

/** Rows of one call of `add`: a batch as a stream of embeddings brings it. */
export const BATCH_ROWS = 256;

export type InsertOptions = {
  /** Rows of one call. Default 256. */
  readonly batchRows?: number;
  /** Id of the first row; the others count up from it. Default 0. */
  readonly firstId?: number;
  /** Only the first so many rows. Default: all. */
  readonly count?: number;
};

export type InsertRate = Spent & {
  readonly rows: number;
  /** Rows by the clock, until all are indexed. */
  readonly perSecond: number;
  /** Rows by processor time, whichever threads did the work. */
  readonly perCore: number;
};

type Rows = Pick<VectorSet, "base" | "dims">;

/** Adds rows and waits until all are indexed. */
export async function insertRows(contender: Contender, rows: Rows, options: InsertOptions = {}): Promise<InsertRate> {
  const count = options.count ?? rows.base.length / rows.dims;
  const spent = await spend(async () => {
    await addRows(contender, rows, options);
    await contender.finish();
  });
  return { ...spent, rows: count, perSecond: count / spent.seconds, perCore: count / spent.cpuSeconds };
}

/** Adds rows, batch after batch, without waiting until they are indexed. */
export async function addRows(contender: Contender, { base, dims }: Rows, options: InsertOptions = {}): Promise<void> {
  const { batchRows = BATCH_ROWS, firstId = 0, count = base.length / dims } = options;
  const ids = Uint32Array.from({ length: count }, (_, at) => firstId + at);
  for (let at = 0; at < count; at += batchRows) {
    const end = Math.min(count, at + batchRows);
    const added = contender.add(ids.subarray(at, end), base.subarray(at * dims, end * dims));
    if (added) await added;
  }
}
