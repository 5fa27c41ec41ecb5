/**
 * The log in SQLite: streams, frames, what is known of producers, and the timeline entities that frames make. Runs inside
 * the storage threads.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { MillraceError } from "@millrace/core";
import type { Entity, Frame } from "@millrace/protocol";
import type { LifecycleRow } from "../lifecycle/entity-table.ts";
import { LIFECYCLE_ENDED_MAX, MESSAGE_IDS_MAX } from "../limits.ts";
import type { ProducerRow } from "../producers.ts";
import { reduceFrame } from "../timeline/reducer.ts";
import { timeProjection } from "./commit-meter.ts";
import { rowOf, rowsOf } from "./rows.ts";
import type { StorageModule } from "./storage-module.ts";

const SCHEMA = `
CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  epoch TEXT NOT NULL,
  first INTEGER NOT NULL DEFAULT 1,
  head INTEGER NOT NULL DEFAULT 0,
  frames INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  changed_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX streams_by_change ON streams (changed_ms DESC);
CREATE TABLE frames (
  stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE producers (
  stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  producer TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (stream, producer)
) STRICT, WITHOUT ROWID;
CREATE TABLE message_ids (
  stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE entities (
  stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  state TEXT NOT NULL,
  props TEXT NOT NULL,
  PRIMARY KEY (stream, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX entities_by_first ON entities (stream, first_seq);
`;

/** How many streams and frames there are, kept by the store itself, however a stream comes, grows or goes: asking costs one row. */
const TOTALS = `
CREATE TABLE log_totals (streams INTEGER NOT NULL, frames INTEGER NOT NULL) STRICT;
INSERT INTO log_totals SELECT count(*), coalesce(sum(frames), 0) FROM streams;
CREATE TRIGGER stream_added AFTER INSERT ON streams BEGIN
  UPDATE log_totals SET streams = streams + 1, frames = frames + new.frames;
END;
CREATE TRIGGER stream_changed AFTER UPDATE OF frames ON streams BEGIN
  UPDATE log_totals SET frames = frames + new.frames - old.frames;
END;
CREATE TRIGGER stream_removed AFTER DELETE ON streams BEGIN
  UPDATE log_totals SET streams = streams - 1, frames = frames - old.frames;
END;
`;

/**
 * Streams whose frames may have been seen before they were durable (`is_open`), and the epochs that were replaced because such frames were
 * lost, with the last frame of each that was kept (decision 0007).
 */
const EPOCHS = `
ALTER TABLE streams ADD COLUMN is_open INTEGER NOT NULL DEFAULT 0;
CREATE INDEX streams_open ON streams (id) WHERE is_open = 1;
CREATE TABLE epochs (
  stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  epoch TEXT NOT NULL,
  up_to INTEGER NOT NULL,
  PRIMARY KEY (stream, epoch)
) STRICT, WITHOUT ROWID;
`;

/** Places of producers that read another log; beyond 2^53, so they are text. And the head at which each producer was last heard. */
const POSITIONS = `
ALTER TABLE producers ADD COLUMN position TEXT;
ALTER TABLE producers ADD COLUMN used_seq INTEGER NOT NULL DEFAULT 0;
`;

/** What is open and what has ended in clients' streams (I7): a row when it opens, the same row when it ends. */
const LIFECYCLES = `
CREATE TABLE lifecycles (
  stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  state TEXT NOT NULL,
  chars INTEGER,
  start_seq INTEGER NOT NULL,
  end_seq INTEGER,
  PRIMARY KEY (stream, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX lifecycles_open ON lifecycles (stream) WHERE state = 'open';
CREATE INDEX lifecycles_ended ON lifecycles (stream, end_seq);
`;

/** An epoch that was replaced: its frames were kept up to `upTo`. */
export type KeptEpoch = { readonly epoch: string; readonly upTo: number };

/** Frames as the sequencer hands them over, one after the other from `firstSeq`: their JSON is what every reader will get, byte for byte. */
export type AppendArgs = {
  readonly stream: string;
  readonly epoch: string;
  readonly nowMs: number;
  readonly firstSeq: number;
  readonly jsons: readonly string[];
  /** From here on frames may be seen before they are durable. */
  readonly opens: boolean;
  /** The epoch that `epoch` replaces. */
  readonly renews?: KeptEpoch;
  /** Places in `jsons` of frames with which the timeline may change. */
  readonly entitiesAt?: readonly number[];
  /** Of what the frames opened or ended, in order. */
  readonly lifecycles?: readonly LifecycleRow[];
  /** One for each frame, when any has one. */
  readonly messageIds?: readonly (string | null)[];
  readonly producer?: ProducerRow;
  /** Producers heard least recently, of which no more is known. */
  readonly forgets?: readonly string[];
};

/** What the sequencer needs to number on: undefined for a stream that has no frame yet. */
export type StreamRow = { id: number; epoch: string; first: number; head: number; frames: number; bytes: number };
export type StreamState = {
  readonly row: StreamRow | undefined;
  /** Oldest first. */
  readonly lineage: readonly KeptEpoch[];
  /** Everything that is open, and the newest that have ended. */
  readonly lifecycles: readonly LifecycleRow[];
  /** Time of the newest frame; 0 without one. */
  readonly lastTs: number;
  readonly producers: readonly ProducerRow[];
  readonly messageIds: readonly { seq: number; message_id: string }[];
};

export type RangeArgs = {
  readonly stream: string;
  /** Frames with a higher seq are read. */
  readonly after: number;
  readonly limit: number;
  readonly bytesMax: number;
};
export type Range = {
  readonly row: StreamRow | undefined;
  readonly lineage: readonly KeptEpoch[];
  readonly rows: readonly { seq: number; json: string }[];
};

export type TimelineArgs = {
  readonly stream: string;
  readonly after: number;
  readonly limit: number;
  readonly bytesMax: number;
};
export type TimelinePage = {
  readonly row: StreamRow | undefined;
  readonly entities: readonly Entity[];
  /** Whether there are entities behind these. */
  readonly hasMore: boolean;
};

export type ListArgs = { readonly prefix: string; readonly limit: number };
export type ListedStream = StreamRow & { readonly name: string };

export type LogWrites = {
  append: (args: AppendArgs) => void;
  remove: (args: { stream: string }) => void;
};
export type LogReads = {
  load: (args: { stream: string }) => StreamState;
  range: (args: RangeArgs) => Range;
  timeline: (args: TimelineArgs) => TimelinePage;
  list: (args: ListArgs) => readonly ListedStream[];
  count: (args: null) => { streams: number; frames: number };
  unended: (args: { after: number; limit: number }) => readonly { id: number; name: string }[];
};

const STREAM_FIELDS = "id, epoch, first, head, frames, bytes";

function writes(db: DatabaseSync): LogWrites {
  const find = db.prepare(`SELECT ${STREAM_FIELDS} FROM streams WHERE name = ?`);
  const create = db.prepare(
    `INSERT INTO streams (name, epoch, changed_ms) VALUES (?, ?, ?) RETURNING ${STREAM_FIELDS}`,
  );
  const advance = db.prepare(
    "UPDATE streams SET head = ?, frames = frames + ?, bytes = bytes + ?, changed_ms = ?, is_open = is_open OR ? WHERE id = ?",
  );
  const renew = db.prepare("UPDATE streams SET epoch = ? WHERE id = ?");
  const keepEpoch = db.prepare("INSERT INTO epochs VALUES (?, ?, ?)");
  const insert = db.prepare("INSERT INTO frames VALUES (?, ?, ?)");
  const setProducer = db.prepare(
    `INSERT INTO producers (stream, producer, epoch, seq, position, used_seq) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq, position = excluded.position, used_seq = excluded.used_seq`,
  );
  const forgetProducer = db.prepare("DELETE FROM producers WHERE stream = ? AND producer = ?");
  const insertMessageId = db.prepare("INSERT INTO message_ids VALUES (?, ?, ?)");
  const trimMessageIds = db.prepare("DELETE FROM message_ids WHERE stream = ? AND seq <= ?");
  const setLifecycle = db.prepare("INSERT OR REPLACE INTO lifecycles VALUES (?, ?, ?, ?, ?, ?, ?)");
  const project = createProjector(db);
  const remove = db.prepare("DELETE FROM streams WHERE name = ?");
  const renewed = (row: StreamRow, renews: KeptEpoch, { stream, epoch }: AppendArgs): StreamRow => {
    // Appends made together all renew: the first one did.
    if (row.epoch === epoch) return row;
    if (row.epoch !== renews.epoch || row.head !== renews.upTo) throw fenced(stream, row, epoch, row.head + 1);
    keepEpoch.run(row.id, renews.epoch, renews.upTo);
    renew.run(epoch, row.id);
    return { ...row, epoch };
  };
  const keepMessageIds = (id: number, firstSeq: number, messageIds: readonly (string | null)[]): void => {
    for (const [at, messageId] of messageIds.entries()) {
      if (messageId !== null) insertMessageId.run(id, firstSeq + at, messageId);
    }
    trimMessageIds.run(id, firstSeq + messageIds.length - 1 - MESSAGE_IDS_MAX);
  };
  const applyTo = (id: number, { lifecycles = [], entitiesAt = [], jsons }: AppendArgs): void => {
    for (const { kind, id: entity, state, chars, startSeq, endSeq } of lifecycles) {
      setLifecycle.run(id, kind, entity, state, chars, startSeq, endSeq);
    }
    for (const at of entitiesAt) project(id, JSON.parse(jsons[at] as string) as Frame);
  };
  return {
    append(args) {
      const { stream, epoch, nowMs, firstSeq, jsons, opens, renews, producer } = args;
      const known = rowOf<StreamRow>(find, stream);
      // Events that became no frames make no stream.
      if (!known && jsons.length === 0) return;
      const found = known ?? (create.get(stream, epoch, nowMs) as StreamRow);
      const row = renews && renewed(found, renews, args);
      // The sequencer numbered these believing that all before them are kept. If they are not, keeping these breaks I1.
      const { id, head } = row ?? found;
      if (firstSeq !== head + 1 || (row ?? found).epoch !== epoch) throw fenced(stream, row ?? found, epoch, firstSeq);
      let bytes = 0;
      for (let at = 0; at < jsons.length; at++) {
        const json = jsons[at] as string;
        insert.run(id, firstSeq + at, json);
        bytes += json.length;
      }
      if (args.lifecycles || args.entitiesAt) timeProjection(() => applyTo(id, args));
      advance.run(head + jsons.length, jsons.length, bytes, nowMs, opens ? 1 : 0, id);
      if (producer) setProducer.run(id, producer.producer, producer.epoch, producer.seq, producer.position, firstSeq);
      for (const forgotten of args.forgets ?? []) forgetProducer.run(id, forgotten);
      if (args.messageIds) keepMessageIds(id, firstSeq, args.messageIds);
    },
    remove: ({ stream }) => void remove.run(stream),
  };
}

function fenced(stream: string, row: StreamRow, epoch: string, seq: number): MillraceError {
  const message = `stream ${stream} is at ${row.epoch}:${row.head}; frame ${epoch}:${seq} does not follow it and was not kept`;
  return new MillraceError("storage_failed", message);
}

/** Applies a frame to the entity it names, in the transaction that appends it: the timeline is never behind its log (I8). */
function createProjector(db: DatabaseSync): (streamId: number, frame: Frame) => void {
  const find = db.prepare(
    "SELECT kind, id, version, first_seq AS firstSeq, state, props FROM entities WHERE stream = ? AND kind = ? AND id = ?",
  );
  const upsert = db.prepare(`INSERT INTO entities VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    version = excluded.version, state = excluded.state, props = excluded.props WHERE excluded.version > version`);
  return (streamId, frame) => {
    const entity = reduceFrame(frame, (kind, id) => readEntity(find, streamId, kind, id));
    if (!entity) return;
    const { kind, id, version, firstSeq, state, props } = entity;
    upsert.run(streamId, kind, id, version, firstSeq, state, JSON.stringify(props));
  };
}

function readEntity(find: StatementSync, streamId: number, kind: string, id: string): Entity | undefined {
  const row = find.get(streamId, kind, id);
  return row && toEntity(row);
}

function toEntity(row: object & { props?: unknown }): Entity {
  return { ...row, props: JSON.parse(String(row.props)) } as Entity;
}

function reads(db: DatabaseSync): LogReads {
  const find = db.prepare(`SELECT ${STREAM_FIELDS} FROM streams WHERE name = ?`);
  const producers = db.prepare(
    "SELECT producer, epoch, seq, position FROM producers WHERE stream = ? ORDER BY used_seq",
  );
  const messageIds = db.prepare("SELECT seq, message_id FROM message_ids WHERE stream = ? ORDER BY seq");
  const lifecycles = db.prepare(`SELECT kind, id, state, chars, start_seq AS startSeq, end_seq AS endSeq FROM lifecycles
    WHERE stream = ?1 AND state = 'open' UNION ALL SELECT * FROM (SELECT kind, id, state, chars, start_seq, end_seq FROM lifecycles
    WHERE stream = ?1 AND end_seq IS NOT NULL ORDER BY end_seq DESC LIMIT ${LIFECYCLE_ENDED_MAX})`);
  const unended = db.prepare(`SELECT s.id, s.name FROM streams s WHERE s.id > ?1 AND
    EXISTS (SELECT 1 FROM lifecycles l WHERE l.stream = s.id AND l.state = 'open' AND l.kind <> 'job') ORDER BY s.id LIMIT ?2`);
  const lineage = db.prepare("SELECT epoch, up_to AS upTo FROM epochs WHERE stream = ? ORDER BY up_to");
  const lastTs = db.prepare("SELECT json_extract(json, '$.ts') AS ts FROM frames WHERE stream = ? AND seq = ?");
  const range = db.prepare("SELECT seq, json FROM frames WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?");
  const entities = db.prepare(
    `SELECT kind, id, version, first_seq AS firstSeq, state, props FROM entities
     WHERE stream = ? AND first_seq > ? ORDER BY first_seq LIMIT ?`,
  );
  const list = db.prepare(
    `SELECT name, ${STREAM_FIELDS} FROM streams WHERE substr(name, 1, length(?1)) = ?1 ORDER BY changed_ms DESC, id DESC LIMIT ?2`,
  );
  const count = db.prepare("SELECT streams, frames FROM log_totals");
  const streamOf = (stream: string) => rowOf<StreamRow>(find, stream);
  return {
    load({ stream }) {
      const row = streamOf(stream);
      if (!row) return { row, lineage: [], lifecycles: [], lastTs: 0, producers: [], messageIds: [] };
      return {
        row,
        lineage: rowsOf(lineage, row.id),
        lifecycles: rowsOf(lifecycles, row.id),
        lastTs: rowOf<{ ts: number }>(lastTs, row.id, row.head)?.ts ?? 0,
        producers: rowsOf(producers, row.id),
        messageIds: rowsOf(messageIds, row.id),
      };
    },
    range({ stream, after, limit, bytesMax }) {
      const row = streamOf(stream);
      const rows: { seq: number; json: string }[] = [];
      let bytes = 0;
      for (const item of row ? range.iterate(row.id, after, limit) : []) {
        const found = item as { seq: number; json: string };
        bytes += found.json.length;
        if (rows.length > 0 && bytes > bytesMax) break;
        rows.push(found);
      }
      return { row, lineage: row ? rowsOf(lineage, row.id) : [], rows };
    },
    timeline({ stream, after, limit, bytesMax }) {
      const row = streamOf(stream);
      const page: Entity[] = [];
      let bytes = 0;
      for (const item of row ? entities.iterate(row.id, after, limit + 1) : []) {
        const found = item as { props: string };
        bytes += found.props.length;
        if (page.length === limit || (page.length > 0 && bytes > bytesMax))
          return { row, entities: page, hasMore: true };
        page.push(toEntity(found));
      }
      return { row, entities: page, hasMore: false };
    },
    list: ({ prefix, limit }) => rowsOf<ListedStream>(list, prefix, limit),
    unended: ({ after, limit }) => rowsOf(unended, after, limit),
    count: () => count.get() as { streams: number; frames: number },
  };
}

/**
 * After an end that was not clean: a stream whose frames were seen before they were durable may have lost some that readers know. It gets a
 * new epoch, so that a cursor beyond what was kept is not read as a place among the frames that come now (I2).
 */
function opening(db: DatabaseSync): void {
  db.exec(`INSERT INTO epochs SELECT id, epoch, head FROM streams WHERE is_open = 1;
    UPDATE streams SET epoch = lower(hex(randomblob(7))), is_open = 0 WHERE is_open = 1;`);
}

/** A clean end: everything that was seen is durable. */
function closing(db: DatabaseSync): void {
  db.exec("UPDATE streams SET is_open = 0 WHERE is_open = 1");
}

export const storageModule: StorageModule = {
  name: "log",
  migrations: [SCHEMA, TOTALS, EPOCHS, LIFECYCLES, POSITIONS],
  writes,
  reads,
  opening,
  closing,
};
