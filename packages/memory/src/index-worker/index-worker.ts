/**
 * The index thread: the vectors of every space, in WASM memory of its own. It reads a space's vectors from the store when the space is
 * first used and is told of every change after its commit. A change may be told twice (once by the store, once by message), never lost.
 */
import { workerData } from "node:worker_threads";
import { MillraceError } from "@millrace/core";
import { openReader, rowsOf } from "@millrace/stream";
import { createIndex, K_MAX, type VectorIndex } from "@millrace/vector";
import { Moved, serveWorker } from "../worker-serve.ts";
import type { HitsReply, LoadArgs, PutArgs, SearchArgs, SimilarityArgs } from "./vector-store.ts";

const { directory } = workerData as { directory: string };
const db = openReader(directory);
const spaceOf = db.prepare("SELECT 1 FROM spaces WHERE id = ?");
const vectorsOf = db.prepare(
  `SELECT id, vector FROM chunks WHERE space = ? AND id > ? AND id NOT IN (SELECT id FROM hidden_chunks) ORDER BY id LIMIT ?`,
);
const spaces = new Map<number, VectorIndex>();

/** Rows read at once while loading, to bound what is held twice. */
const LOAD_ROWS = 1_000;

type VectorRow = { id: number; vector: Uint8Array };

/** A space that is gone is not loaded, however late it is asked for: ids of spaces are never used again (AUTOINCREMENT). */
function load({ space, dims }: LoadArgs): number {
  if (!spaceOf.get(space)) throw new MillraceError("not_found", "the space was deleted");
  const index = createIndex({ dims, metric: "cosine" });
  for (let after = 0; ; ) {
    const rows = rowsOf<VectorRow>(vectorsOf, space, after, LOAD_ROWS);
    for (const { id, vector } of rows) {
      index.add(id, new Float32Array(vector.buffer, vector.byteOffset, dims));
    }
    after = rows.at(-1)?.id ?? after;
    if (rows.length < LOAD_ROWS) break;
  }
  spaces.set(space, index);
  return index.size;
}

function indexOf(space: number): VectorIndex {
  const found = spaces.get(space);
  if (!found) throw new MillraceError("not_found", "the space was deleted");
  return found;
}

serveWorker({
  load,
  /** Chunk ids are never used again (AUTOINCREMENT), so an id once removed stays removed however late its addition is told. */
  put({ space, removed, added, vectors, dims }: PutArgs): void {
    const index = indexOf(space);
    for (const id of removed) index.remove(id);
    added.forEach((id, at) => {
      if (!index.has(id)) index.add(id, vectors.subarray(at * dims, (at + 1) * dims));
    });
  },
  search({ space, query, k }: SearchArgs): Moved {
    const { ids, scores } = indexOf(space).search(query, k);
    return new Moved({ ids, scores } satisfies HitsReply, [ids.buffer, scores.buffer] as ArrayBuffer[]);
  },
  /** A scan that lets only the ids through: as exact as a search, and no second way to compute a similarity. */
  similarities({ space, query, ids }: SimilarityArgs): Moved {
    const wanted = new Set(ids);
    const found = indexOf(space).search(query, Math.min(K_MAX, Math.max(1, wanted.size)), {
      filter: (id) => wanted.has(id),
      recall: "exact",
    });
    const hits: HitsReply = { ids: found.ids, scores: found.scores };
    return new Moved(hits, [hits.ids.buffer, hits.scores.buffer] as ArrayBuffer[]);
  },
  drop: ({ space }: { space: number }): void => void spaces.delete(space),
  size: (): number => [...spaces.values()].reduce((sum, index) => sum + index.bytes, 0),
});
