/** What the log does not say of durable streams: content types, lifetimes, producers, forks. Runs inside the storage threads. */
import type { DatabaseSync } from "node:sqlite";
import { MillraceError } from "@millrace/core";
import type { StreamId } from "@millrace/protocol";
import { rowOf, rowsOf, type StorageModule } from "@millrace/stream";
import { FORK_DEPTH_MAX } from "./limits.ts";
import { checkUnsealed } from "./native-writes.ts";
import type { OpenedStream, ProducerState, ProducerTriple, Segment, StreamConfig, StreamRecord } from "./record.ts";

const SCHEMA = `
CREATE TABLE durable_streams (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE,
  generation INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  config TEXT NOT NULL,
  ttl_s INTEGER,
  expires_at TEXT,
  expires_ms INTEGER,
  accessed_ms INTEGER NOT NULL,
  due_ms INTEGER GENERATED ALWAYS AS (coalesce(expires_ms, accessed_ms + 1000 * ttl_s)) VIRTUAL,
  is_closed INTEGER NOT NULL DEFAULT 0,
  closed_by TEXT,
  last_seq TEXT,
  source INTEGER REFERENCES durable_streams (id),
  base INTEGER NOT NULL DEFAULT 0,
  forks INTEGER NOT NULL DEFAULT 0,
  is_hidden INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX durable_streams_due ON durable_streams (due_ms) WHERE due_ms IS NOT NULL AND is_hidden = 0;
CREATE TABLE durable_producers (
  stream INTEGER NOT NULL REFERENCES durable_streams (id) ON DELETE CASCADE,
  producer TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  PRIMARY KEY (stream, producer)
) STRICT, WITHOUT ROWID;
CREATE TABLE durable_counter (last_id INTEGER NOT NULL) STRICT;
INSERT INTO durable_counter VALUES (0);
`;

export type CreateArgs = Pick<
  StreamRecord,
  "id" | "path" | "name" | "generation" | "contentType" | "config" | "accessedMs" | "isClosed" | "base"
> & {
  readonly ttlSeconds: number | null;
  readonly expiresAt: string | null;
  readonly expiresMs: number | null;
  readonly source: number | null;
};

/** A change of one stream, in the transaction of its frames when it has some. */
export type AdvanceArgs = {
  readonly id: number;
  /** The version it was decided upon. */
  readonly version: number;
  readonly accessedMs: number;
  readonly lastSeq: string | null;
  readonly closes: boolean;
  readonly closedBy: ProducerTriple | null;
  readonly producer: ProducerState | null;
  /** A producer to forget, because there are too many. */
  readonly forgets: string | null;
};

export type RemoveArgs = {
  /** Streams whose rows go, forks before their sources. */
  readonly ids: readonly number[];
  /** The source that has one fork less and stays. */
  readonly releases: number | null;
};

/** What a deletion must know of a stream's sources. */
export type ChainLink = {
  readonly id: number;
  readonly path: string;
  readonly name: StreamId;
  readonly source: number | null;
  readonly forks: number;
  readonly isHidden: boolean;
};

/** Whether a stream takes no more. */
export type Sealing = { readonly path: string; readonly isClosed: boolean; readonly isHidden: boolean };

export type DurableWrites = {
  create: (args: CreateArgs) => void;
  advance: (args: AdvanceArgs) => void;
  touch: (args: { accesses: readonly (readonly [id: number, accessedMs: number])[] }) => void;
  hide: (args: { id: number }) => void;
  remove: (args: RemoveArgs) => void;
  /** Throws `conflict` when the log's stream of this name is a durable stream that takes no more. */
  admit: (args: { name: string }) => void;
};
export type DurableReads = {
  start: (args: null) => { readonly lastId: number };
  open: (args: { path: string }) => OpenedStream | undefined;
  chain: (args: { id: number }) => readonly ChainLink[];
  /** Path of the stream whose messages the log's stream of this name holds. */
  owner: (args: { name: string }) => string | undefined;
  sealing: (args: { name: string }) => Sealing | undefined;
  due: (args: { nowMs: number; limit: number }) => { readonly paths: readonly string[]; readonly isAnyLeft: boolean };
};

const FIELDS = `id, path, name, generation, content_type AS contentType, config, ttl_s AS ttlSeconds, expires_at AS expiresAt,
  expires_ms AS expiresMs, accessed_ms AS accessedMs, is_closed AS isClosed, closed_by AS closedBy, last_seq AS lastSeq, source, base,
  forks, is_hidden AS isHidden, version`;

function writes(db: DatabaseSync): DurableWrites {
  const create =
    db.prepare(`INSERT INTO durable_streams (id, path, name, generation, content_type, config, ttl_s, expires_at,
    expires_ms, accessed_ms, is_closed, source, base) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const count = db.prepare("UPDATE durable_counter SET last_id = max(last_id, ?)");
  const addFork = db.prepare("UPDATE durable_streams SET forks = forks + 1 WHERE id = ? AND is_hidden = 0");
  const advance = db.prepare(`UPDATE durable_streams SET version = version + 1, accessed_ms = max(accessed_ms, ?),
    last_seq = coalesce(?, last_seq), is_closed = is_closed OR ?, closed_by = coalesce(?, closed_by)
    WHERE id = ? AND version = ? AND is_hidden = 0`);
  const setProducer = db.prepare(`INSERT INTO durable_producers VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    epoch = excluded.epoch, seq = excluded.seq, changed = excluded.changed`);
  const forget = db.prepare("DELETE FROM durable_producers WHERE stream = ? AND producer = ?");
  const touch = db.prepare("UPDATE durable_streams SET accessed_ms = max(accessed_ms, ?) WHERE id = ?");
  const hide = db.prepare("UPDATE durable_streams SET is_hidden = 1 WHERE id = ?");
  const remove = db.prepare("DELETE FROM durable_streams WHERE id = ?");
  const sealingOf = createSealing(db);
  const dropFork = db.prepare("UPDATE durable_streams SET forks = forks - 1 WHERE id = ?");
  return {
    create(row) {
      const { id, path, name, generation, contentType, config, ttlSeconds, expiresAt, expiresMs, source, base } = row;
      const settings = [contentType, JSON.stringify(config), ttlSeconds, expiresAt, expiresMs] as const;
      create.run(id, path, name, generation, ...settings, row.accessedMs, row.isClosed ? 1 : 0, source, base);
      count.run(id);
      if (source !== null && addFork.run(source).changes === 0)
        throw new MillraceError("conflict", `the source of ${path} was deleted meanwhile; fork another stream`);
    },
    advance({ id, version, accessedMs, lastSeq, closes, closedBy, producer, forgets }) {
      const triple = closedBy && JSON.stringify(closedBy);
      // What this was decided upon must be what is kept: otherwise a write before it failed, and this one goes with it.
      if (advance.run(accessedMs, lastSeq, closes ? 1 : 0, triple, id, version).changes === 0) throw moved(id, version);
      if (producer) setProducer.run(id, producer.id, producer.epoch, producer.seq, version);
      if (forgets !== null) forget.run(id, forgets);
    },
    touch({ accesses }) {
      for (const [id, accessedMs] of accesses) touch.run(accessedMs, id);
    },
    hide: ({ id }) => void hide.run(id),
    remove({ ids, releases }) {
      for (const id of ids) remove.run(id);
      if (releases !== null) dropFork.run(releases);
    },
    admit({ name }) {
      const sealing = sealingOf(name);
      if (sealing) checkUnsealed(name, sealing);
    },
  };
}

function createSealing(db: DatabaseSync): (name: string) => Sealing | undefined {
  const find = db.prepare(
    "SELECT path, is_closed AS isClosed, is_hidden AS isHidden FROM durable_streams WHERE name = ?",
  );
  return (name) => {
    const row = rowOf<{ path: string; isClosed: Flag; isHidden: Flag }>(find, name);
    return row && { path: row.path, isClosed: row.isClosed === 1, isHidden: row.isHidden === 1 };
  };
}

function moved(id: number, version: number): MillraceError {
  const message = `stream ${id} is not at version ${version} any more: the write before this one was not kept; send it again`;
  return new MillraceError("storage_failed", message, { retryable: true });
}

function reads(db: DatabaseSync): DurableReads {
  const counter = db.prepare("SELECT last_id AS lastId FROM durable_counter");
  const byPath = db.prepare(`SELECT ${FIELDS} FROM durable_streams WHERE path = ?`);
  const producers = db.prepare(
    "SELECT producer AS id, epoch, seq FROM durable_producers WHERE stream = ? ORDER BY changed, producer",
  );
  const chain = db.prepare(`WITH RECURSIVE up (id, depth) AS (
      VALUES (?1, 0)
      UNION ALL SELECT s.source, depth + 1 FROM up JOIN durable_streams s ON s.id = up.id WHERE s.source IS NOT NULL AND depth < ?2
    ) SELECT s.id, path, name, source, base, forks, is_hidden AS isHidden FROM up JOIN durable_streams s ON s.id = up.id ORDER BY depth`);
  const due = db.prepare(
    "SELECT path FROM durable_streams WHERE due_ms <= ? AND is_hidden = 0 AND due_ms IS NOT NULL ORDER BY due_ms LIMIT ?",
  );
  const anyDue = db.prepare("SELECT 1 FROM durable_streams WHERE due_ms IS NOT NULL AND is_hidden = 0 LIMIT 1");
  const byName = db.prepare("SELECT path FROM durable_streams WHERE name = ?");
  const sealingOf = createSealing(db);
  const chainOf = (id: number) => rowsOf<ChainRow>(chain, id, FORK_DEPTH_MAX + 1);
  return {
    start: () => rowOf<{ lastId: number }>(counter) ?? { lastId: 0 },
    open({ path }) {
      const row = rowOf<RecordRow>(byPath, path);
      if (!row) return undefined;
      const record = toRecord(row);
      return { record, producers: rowsOf(producers, record.id), segments: toSegments(chainOf(record.id)) };
    },
    chain: ({ id }) => chainOf(id).map((row) => ({ ...row, isHidden: row.isHidden === 1 })),
    sealing: ({ name }) => sealingOf(name),
    owner: ({ name }) => rowOf<{ path: string }>(byName, name)?.path,
    due: ({ nowMs, limit }) => ({
      paths: rowsOf<{ path: string }>(due, nowMs, limit).map(({ path }) => path),
      isAnyLeft: anyDue.get() !== undefined,
    }),
  };
}

type Flag = 0 | 1;
type ChainRow = Omit<ChainLink, "isHidden"> & { readonly base: number; readonly isHidden: Flag };
type RecordRow = Omit<StreamRecord, "config" | "isClosed" | "closedBy" | "isHidden"> & {
  readonly config: string;
  readonly isClosed: Flag;
  readonly closedBy: string | null;
  readonly isHidden: Flag;
};

function toRecord(row: RecordRow): StreamRecord {
  const { config, isClosed, closedBy, isHidden, ttlSeconds, expiresAt, expiresMs, lastSeq, source, ...rest } = row;
  return {
    ...rest,
    config: JSON.parse(config) as StreamConfig,
    isClosed: isClosed === 1,
    closedBy: closedBy === null ? undefined : (JSON.parse(closedBy) as ProducerTriple),
    isHidden: isHidden === 1,
    ttlSeconds: ttlSeconds ?? undefined,
    expiresAt: expiresAt ?? undefined,
    expiresMs: expiresMs ?? undefined,
    lastSeq: lastSeq ?? undefined,
    source: source ?? undefined,
  };
}

/** From a stream up to its root, turned into what a read walks: the root first, each as far as the next begins. */
function toSegments(chain: readonly ChainRow[]): readonly Segment[] {
  const segments: Segment[] = [];
  let to = Number.MAX_SAFE_INTEGER;
  for (const { name, base } of chain) {
    if (segments.length === 0 || base < to) segments.unshift({ name, from: base, to });
    to = Math.min(to, base);
  }
  return segments;
}

export const storageModule: StorageModule = { name: "durable", migrations: [SCHEMA], writes, reads };
