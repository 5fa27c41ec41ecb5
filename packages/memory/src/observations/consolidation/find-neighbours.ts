import { NEIGHBOURS_MAX } from "./limits.ts";
import { NeighbourWriter } from "./neighbour-list.ts";
import type { Looked, LookWork, VectorRows } from "./work.ts";

/**
 * Looks for what came before each row and is like it. A pair is found from its younger row alone, when both are there: so it makes no
 * difference whether rows are looked at one by one as they come or all at the end. A step is one search.
 */
export function* findNeighbours(rows: VectorRows, { firstRow, end, floor }: LookWork): Generator<void, Looked> {
  const writer = new NeighbourWriter();
  const until = Math.max(firstRow, Math.min(end, rows.rows));
  for (let row = firstRow; row < until; row++) {
    const vector = rows.isLive(row) ? rows.vector(row) : undefined;
    if (!vector) continue;
    const { ids, scores } = rows.nearest(vector, NEIGHBOURS_MAX + 1);
    writer.begin(row);
    for (let at = 0; at < ids.length; at++) {
      const other = ids[at] ?? row;
      const similarity = scores[at] ?? 0;
      if (similarity < floor) break;
      if (other < row && rows.isLive(other)) writer.add(other, similarity);
    }
    yield;
  }
  return { until, words: writer.take() };
}
