/**
 * The index thread: the vectors of every space, in WASM memory of its own. It reads a space's vectors from the store when the space is
 * first used and is told of every change after its commit. A change may be told twice (once by the store, once by message), never lost.
 */
import { workerData } from "node:worker_threads";
import { MillraceError } from "@millrace/core";
import { openReader, rowsOf } from "@millrace/stream";
import { createIndex, K_MAX, type VectorIndex } from "@millrace/vector";
import { Moved, serveWorker } from "../worker-serve.ts";
import type { HitsReply, PutArgs, SearchArgs, SetPlace, SimilarityArgs } from "./vector-store.ts";

const { directory } = workerData as { directory: string };
const db = openReader(directory);
const liveOf = db.prepare("SELECT 1 FROM spaces WHERE id = ? AND vector_set = ?");
const makingOf = db.prepare("SELECT 1 FROM vector_sets WHERE space = ? AND id = ? AND state = 'making'");
const isSeen = "id NOT IN (SELECT id FROM hidden_chunks)";
const besideChunks = db.prepare(
  `SELECT id, vector FROM chunks WHERE space = ? AND id > ? AND ${isSeen} ORDER BY id LIMIT ?`,
);
const apart = db.prepare(`SELECT chunk AS id, vector FROM vectors WHERE vector_set = ? AND chunk > ?
  AND chunk NOT IN (SELECT id FROM hidden_chunks) ORDER BY chunk LIMIT ?`);

type HeldSet = {
  readonly index: VectorIndex;
  /**
   * Chunks removed while the set was in the making: what is embedded anew is told of when it is stored, which may be after the chunk was
   * removed. Undefined for the only set of a space.
   */
  gone: Set<number> | undefined;
};
/** By space, then by set. */
const spaces = new Map<number, Map<number, HeldSet>>();

/** Rows read at once while loading, to bound what is held twice. */
const LOAD_ROWS = 1_000;

type VectorRow = { id: number; vector: Uint8Array };

/** A space that is gone is not loaded, however late it is asked for: ids of spaces and sets are never used again (AUTOINCREMENT). */
function load({ space, set, dims }: SetPlace): number {
  const isMaking = makingOf.get(space, set) !== undefined;
  if (!isMaking && !liveOf.get(space, set)) throw setGone();
  const index = createIndex({ dims, metric: "cosine" });
  for (let after = 0; ; ) {
    const rows =
      set === 0
        ? rowsOf<VectorRow>(besideChunks, space, after, LOAD_ROWS)
        : rowsOf<VectorRow>(apart, set, after, LOAD_ROWS);
    for (const { id, vector } of rows) {
      index.add(id, new Float32Array(vector.buffer, vector.byteOffset, dims));
    }
    after = rows.at(-1)?.id ?? after;
    if (rows.length < LOAD_ROWS) break;
  }
  const sets = spaces.get(space) ?? new Map<number, HeldSet>();
  spaces.set(space, sets.set(set, { index, gone: isMaking ? new Set() : undefined }));
  return index.size;
}

function heldOf({ space, set }: SetPlace): HeldSet {
  const found = spaces.get(space)?.get(set);
  if (!found) throw setGone();
  return found;
}

function setGone(): MillraceError {
  return new MillraceError("not_found", "the space was deleted, or was given other vectors");
}

function remove(space: number, ids: readonly number[]): void {
  for (const { index, gone } of spaces.get(space)?.values() ?? []) {
    for (const id of ids) {
      index.remove(id);
      gone?.add(id);
    }
  }
}

function drop({ space, set }: { space: number; set?: number }): void {
  const sets = spaces.get(space);
  if (!sets) return;
  for (const [number, held] of sets) {
    held.gone = undefined;
    if (set !== undefined && number !== set) continue;
    sets.delete(number);
    void held.index.close();
  }
  if (sets.size === 0) spaces.delete(space);
}

serveWorker({
  load,
  /** Chunk ids are never used again (AUTOINCREMENT), so an id once removed stays removed however late its addition is told. */
  put(args: PutArgs): void {
    const { space, removed, added, vectors, dims } = args;
    const { index, gone } = heldOf(args);
    remove(space, removed);
    added.forEach((id, at) => {
      if (!index.has(id) && !gone?.has(id)) index.add(id, vectors.subarray(at * dims, (at + 1) * dims));
    });
  },
  search(args: SearchArgs): Moved {
    const { ids, scores } = heldOf(args).index.search(args.query, args.k);
    return new Moved({ ids, scores } satisfies HitsReply, [ids.buffer, scores.buffer] as ArrayBuffer[]);
  },
  /** A scan that lets only the ids through: as exact as a search, and no second way to compute a similarity. */
  similarities(args: SimilarityArgs): Moved {
    const wanted = new Set(args.ids);
    const found = heldOf(args).index.search(args.query, Math.min(K_MAX, Math.max(1, wanted.size)), {
      filter: (id) => wanted.has(id),
      recall: "exact",
    });
    const hits: HitsReply = { ids: found.ids, scores: found.scores };
    return new Moved(hits, [hits.ids.buffer, hits.scores.buffer] as ArrayBuffer[]);
  },
  drop,
  size: (): number =>
    [...spaces.values()].reduce(
      (sum, sets) => [...sets.values()].reduce((inner, { index }) => inner + index.bytes, sum),
      0,
    ),
});
