/**
 * LanceDB in a directory for temporary files: its IVF_HNSW_SQ index (8-bit codes) in one partition, built in `finish`. Its thread pools
 * are held to `threads` by their environment variables, which are read when the package is first loaded: one setting per process.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peerVersion, requirePeer } from "./installed.ts";
import { ownNumbers } from "./own-numbers.ts";
import type { CompletePeerOptions, Peer } from "./peer.ts";

type VectorQuery = {
  ef(effort: number): VectorQuery;
  limit(k: number): VectorQuery;
  select(columns: readonly string[]): VectorQuery;
  distanceType(metric: string): VectorQuery;
  toArrow(): Promise<{ getChild(column: string): Iterable<number> | null }>;
};
type Table = {
  add(rows: unknown): Promise<unknown>;
  createIndex(column: string, options: { config: unknown }): Promise<void>;
  vectorSearch(query: Float32Array): VectorQuery;
  delete(where: string): Promise<unknown>;
  close(): void;
};
type Connection = { createTable(name: string, rows: unknown): Promise<Table>; close(): void };
type LanceModule = {
  connect(path: string): Promise<Connection>;
  readonly Index: { hnswSq(options: Record<string, unknown>): unknown };
};

/** What makes a table of two columns without an object per row. */
type ArrowModule = {
  readonly Field: new (name: string, type: unknown, isNullable: boolean) => unknown;
  readonly FixedSizeList: new (length: number, field: unknown) => unknown;
  readonly Float32: new () => unknown;
  readonly Uint32: new () => unknown;
  readonly Schema: new (fields: readonly unknown[]) => unknown;
  readonly Struct: new (fields: readonly unknown[]) => unknown;
  readonly RecordBatch: new (schema: unknown, data: unknown) => unknown;
  readonly Table: new (schema: unknown, batches: readonly unknown[]) => unknown;
  makeData(options: Record<string, unknown>): unknown;
};

export async function openLance(options: CompletePeerOptions): Promise<Peer> {
  const { dims, metric, m, efConstruction, threads, directory } = options;
  for (const pool of ["LANCE_CPU_THREADS", "RAYON_NUM_THREADS", "TOKIO_WORKER_THREADS"]) {
    process.env[pool] = String(threads);
  }
  const { connect, Index } = requirePeer<LanceModule>("@lancedb/lancedb", directory);
  const arrow = requirePeer<ArrowModule>("apache-arrow", directory);
  const files = mkdtempSync(join(tmpdir(), "millrace-lancedb-"));
  const database = await connect(files);
  let table: Table | undefined;
  let effort = 64;
  return {
    name: "lancedb",
    version: peerVersion("@lancedb/lancedb", directory),
    add: async (ids, vectors) => {
      const rows = arrowTable(arrow, ids, vectors);
      if (table) await table.add(rows);
      else table = await database.createTable("rows", rows);
    },
    finish: async () => {
      const config = Index.hnswSq({ distanceType: metric, numPartitions: 1, m, efConstruction });
      await table?.createIndex("vector", { config });
    },
    setEffort: (value) => {
      effort = value;
    },
    search: async (query, k) => {
      if (!table) return new Uint32Array();
      const search = table.vectorSearch(ownNumbers(query)).distanceType(metric).ef(Math.max(k, effort)).limit(k);
      const found = await search.select(["id", "_distance"]).toArrow();
      return Uint32Array.from(found.getChild("id") ?? []);
    },
    remove: async (id) => {
      await table?.delete(`id = ${id}`);
    },
    close: () => {
      table?.close();
      database.close();
      rmSync(files, { recursive: true, force: true });
    },
  };

  function arrowTable(from: ArrowModule, ids: Uint32Array, vectors: Float32Array): unknown {
    const item = new from.Field("item", new from.Float32(), true);
    const list = new from.FixedSizeList(dims, item);
    const fields = [new from.Field("id", new from.Uint32(), false), new from.Field("vector", list, false)];
    const numbers = from.makeData({ type: new from.Float32(), data: ownNumbers(vectors) });
    const children = [
      from.makeData({ type: new from.Uint32(), data: ids.slice() }),
      from.makeData({ type: list, length: ids.length, nullCount: 0, child: numbers }),
    ];
    const schema = new from.Schema(fields);
    const struct = from.makeData({ type: new from.Struct(fields), length: ids.length, nullCount: 0, children });
    return new from.Table(schema, [new from.RecordBatch(schema, struct)]);
  }
}
