import { MillraceContender, type MillraceOptions } from "./contender.ts";
import { insertRows } from "./insert-rows.ts";
import { timeSearches } from "./search-queries.ts";
import { rowsIn, type VectorSet } from "./vector-set.ts";

const ROWS = 2_000;
const SECONDS = 0.2;

/**
 * Builds and searches an index of 2,000 rows, with a graph and without, and throws it away: the code that a measurement runs has
 * then been compiled, as that of a process that has run for a second.
 */
export async function warmUp(options: MillraceOptions, set: VectorSet): Promise<void> {
  for (const graphRowsMin of [0, options.graphRowsMin]) {
    const scratch = new MillraceContender({ ...options, ...(graphRowsMin === undefined ? {} : { graphRowsMin }) });
    await insertRows(scratch, set, { count: Math.min(ROWS, rowsIn(set)) });
    await timeSearches(scratch, set, { secondsMax: SECONDS });
    await scratch.close();
  }
}
