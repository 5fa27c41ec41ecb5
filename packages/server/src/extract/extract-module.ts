/** Extractions of several sources in SQLite: which run, how they ended. Their results are frames. Runs inside the storage threads. */
import type { DatabaseSync } from "node:sqlite";
import { rowOf, rowsOf, type StorageModule } from "@millrace/stream";

const SCHEMA = `
CREATE TABLE extracts (
  job TEXT PRIMARY KEY,
  total INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  state TEXT NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX extracts_by_end ON extracts (ended_ms);
`;

export type ExtractState = "running" | "done" | "cancelled" | "interrupted";
export type ExtractRow = {
  readonly job: string;
  readonly total: number;
  readonly createdMs: number;
  readonly endedMs: number | null;
  readonly state: ExtractState;
  readonly done: number;
  readonly failed: number;
};
export type BeginArgs = { readonly job: string; readonly total: number; readonly createdMs: number };
export type EndArgs = Pick<ExtractRow, "job" | "state" | "done" | "failed"> & { readonly endedMs: number };

export type ExtractWrites = {
  begin: (args: BeginArgs) => void;
  end: (args: EndArgs) => void;
  forget: (args: { jobs: readonly string[] }) => void;
};
export type ExtractReads = {
  extract: (args: { job: string }) => ExtractRow | undefined;
  running: (args: null) => readonly ExtractRow[];
  /** Ended before `beforeMs`, or older than the newest `keep`; at most `limit`, oldest first. */
  old: (args: { beforeMs: number; keep: number; limit: number }) => readonly string[];
};

const FIELDS = "job, total, created_ms AS createdMs, ended_ms AS endedMs, state, done, failed";

function writes(db: DatabaseSync): ExtractWrites {
  const begin = db.prepare("INSERT INTO extracts (job, total, created_ms, state) VALUES (?, ?, ?, 'running')");
  const end = db.prepare("UPDATE extracts SET state = ?, done = ?, failed = ?, ended_ms = ? WHERE job = ?");
  const forget = db.prepare("DELETE FROM extracts WHERE job = ?");
  return {
    begin: ({ job, total, createdMs }) => void begin.run(job, total, createdMs),
    end: ({ job, state, done, failed, endedMs }) => void end.run(state, done, failed, endedMs, job),
    forget({ jobs }) {
      for (const job of jobs) forget.run(job);
    },
  };
}

function reads(db: DatabaseSync): ExtractReads {
  const extract = db.prepare(`SELECT ${FIELDS} FROM extracts WHERE job = ?`);
  const running = db.prepare(`SELECT ${FIELDS} FROM extracts WHERE ended_ms IS NULL`);
  const old = db.prepare(`SELECT job FROM extracts WHERE ended_ms < max(?1, coalesce(
    (SELECT ended_ms FROM extracts WHERE ended_ms IS NOT NULL ORDER BY ended_ms DESC LIMIT 1 OFFSET ?2), 0) + 1)
    ORDER BY ended_ms LIMIT ?3`);
  return {
    extract: ({ job }) => rowOf<ExtractRow>(extract, job),
    running: () => rowsOf<ExtractRow>(running),
    old: ({ beforeMs, keep, limit }) => rowsOf<{ job: string }>(old, beforeMs, keep, limit).map(({ job }) => job),
  };
}

export const storageModule: StorageModule = { name: "extracts", migrations: [SCHEMA], writes, reads };
