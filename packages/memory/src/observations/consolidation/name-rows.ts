import type { ObservationMeta } from "@millrace/protocol";
import { parseMeta } from "../check-batch.ts";
import { idOf, type SpaceIndex } from "../workers/space-index.ts";
import { READ_TRIES } from "./limits.ts";

type Metas = readonly (ObservationMeta | null)[];

/** The id of each row as clients know it. Each record of the log that has some of them is read once; that is one step. */
export function* nameRows(space: SpaceIndex, rows: Uint32Array): Generator<void, string[]> {
  const names = Array.from(rows, idOf);
  const named = [...rows.keys()].filter((at) => space.columns.hasId(rows[at] ?? 0));
  named.sort((a, b) => (rows[a] ?? 0) - (rows[b] ?? 0));
  let read: { readonly place: number; readonly firstRow: number; readonly metas: Metas } | undefined;
  for (const at of named) {
    const row = rows[at] ?? 0;
    const place = space.records.placeOf(row);
    if (place === undefined) continue;
    if (read?.place !== place) {
      read = { place, ...metasAt(space, place) };
      yield;
    }
    names[at] = read.metas[row - read.firstRow]?.id ?? idOf(row);
  }
  return names;
}

function metasAt({ records, log }: SpaceIndex, place: number): { readonly firstRow: number; readonly metas: Metas } {
  for (let tries = 1; ; tries++) {
    const record = records.record(place);
    const { firstRow, metaBytes } = record;
    try {
      return { firstRow, metas: metaBytes === 0 ? [] : parseMeta(log.readMeta(record)) };
    } catch (error) {
      if (tries === READ_TRIES) throw error;
    }
  }
}
