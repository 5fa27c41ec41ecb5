/**
 * The log in SQLite: streams, frames, what is known of producers, and the timeline entities that frames make. Runs inside
 * the storage threads.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { MillraceError } from "@millrace/core";
import type { Entity, Frame } from "@millrace/protocol";
import { MESSAGE_IDS_MAX } from "../limits.ts";
import { reduceFrame } from "../timeline/reducer.ts";
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

/** One frame as the sequencer hands it over: its JSON is what every reader will get, byte for byte. */
export type FrameRow = {
  readonly seq: number;
  readonly json: string;
  /** Whether the timeline may change with it. */
  readonly makesEntity: boolean;
  readonly messageId: string | undefined;
};

export type AppendArgs = {
  readonly stream: string;
  readonly epoch: string;
  readonly nowMs: number;
  readonly rows: readonly FrameRow[];
  readonly producer?: { readonly id: string; readonly epoch: number; readonly seq: number };
};

/** What the sequencer needs to number on: undefined for a stream that has no frame yet. */
export type StreamRow = { id: number; epoch: string; first: number; head: number; frames: number; bytes: number };
export type StreamState = {
  readonly row: StreamRow | undefined;
  readonly producers: readonly { producer: string; epoch: number; seq: number }[];
  readonly messageIds: readonly { seq: number; message_id: string }[];
};

export type RangeArgs = {
  readonly stream: string;
  /** Frames with a higher seq are read. */
  readonly after: number;
  readonly limit: number;
  readonly bytesMax: number;
};
export type Range = { readonly row: StreamRow | undefined; readonly rows: readonly { seq: number; json: string }[] };

export type TimelineArgs = { readonly stream: string; readonly after: number; readonly limit: number };
export type TimelinePage = { readonly row: StreamRow | undefined; readonly entities: readonly Entity[] };

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
};

const STREAM_FIELDS = "id, epoch, first, head, frames, bytes";

function writes(db: DatabaseSync): LogWrites {
  const find = db.prepare(`SELECT ${STREAM_FIELDS} FROM streams WHERE name = ?`);
  const create = db.prepare(
    `INSERT INTO streams (name, epoch, changed_ms) VALUES (?, ?, ?) RETURNING ${STREAM_FIELDS}`,
  );
  const advance = db.prepare(
    "UPDATE streams SET head = ?, frames = frames + ?, bytes = bytes + ?, changed_ms = ? WHERE id = ?",
  );
  const insert = db.prepare("INSERT INTO frames VALUES (?, ?, ?)");
  const setProducer = db.prepare(
    "INSERT INTO producers VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq",
  );
  const insertMessageId = db.prepare("INSERT INTO message_ids VALUES (?, ?, ?)");
  const trimMessageIds = db.prepare("DELETE FROM message_ids WHERE stream = ? AND seq <= ?");
  const project = createProjector(db);
  const remove = db.prepare("DELETE FROM streams WHERE name = ?");
  return {
    append({ stream, epoch, nowMs, rows, producer }) {
      const row = rowOf<StreamRow>(find, stream) ?? (create.get(stream, epoch, nowMs) as StreamRow);
      let head = row.head;
      let bytes = 0;
      for (const { seq, json, makesEntity, messageId } of rows) {
        // The sequencer numbered these believing that all before them are kept. If they are not, keeping these breaks I1.
        if (seq !== head + 1 || row.epoch !== epoch) throw fenced(stream, row, epoch, seq);
        insert.run(row.id, seq, json);
        if (messageId !== undefined) insertMessageId.run(row.id, seq, messageId);
        if (makesEntity) project(row.id, JSON.parse(json) as Frame);
        head = seq;
        bytes += json.length;
      }
      advance.run(head, rows.length, bytes, nowMs, row.id);
      if (producer) setProducer.run(row.id, producer.id, producer.epoch, producer.seq);
      if (rows.some(({ messageId }) => messageId !== undefined)) trimMessageIds.run(row.id, head - MESSAGE_IDS_MAX);
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
  const producers = db.prepare("SELECT producer, epoch, seq FROM producers WHERE stream = ?");
  const messageIds = db.prepare("SELECT seq, message_id FROM message_ids WHERE stream = ? ORDER BY seq");
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
      if (!row) return { row, producers: [], messageIds: [] };
      return {
        row,
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
      return { row, rows };
    },
    timeline({ stream, after, limit }) {
      const row = streamOf(stream);
      return { row, entities: row ? entities.all(row.id, after, limit).map(toEntity) : [] };
    },
    list: ({ prefix, limit }) => rowsOf<ListedStream>(list, prefix, limit),
    count: () => count.get() as { streams: number; frames: number },
  };
}

export const storageModule: StorageModule = { name: "log", migrations: [SCHEMA, TOTALS], writes, reads };
