/** The file of a cache: opened, checked, and begun anew when it cannot be read. */
import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { MillraceError } from "@millrace/core";

/** Marks a SQLite file as a Millrace page cache: "MpgC". Nothing but such a file is ever deleted, a damaged one aside. */
const APPLICATION_ID = 0x4d706743;
/** Raised with every change of the tables: a cache is not migrated, it starts empty. */
export const SCHEMA_VERSION = 1;
const PAGE_BYTES = 4_096;
/** A writer of another process holds the lock for a millisecond; longer than this a cache does not wait, since the event loop would. */
const BUSY_TIMEOUT_MS = 100;
/** Opening waits longer, once: another process may be making the file on a slow disk, and who gives up then is without a disk for its life. */
const OPEN_BUSY_TIMEOUT_MS = 5_000;
/** Each is in vain only because of one more process that makes the file at the same moment. */
const OPEN_TRIES = 8;
/** Where a checkpoint starts: 4 MB. */
const WAL_PAGES = 1_000;

/** Primary result codes (sqlite.org/rescode.html). */
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** `blobs` is a table of its own so that a new time of use does not rewrite the value; `totals` is kept by triggers, exact for all processes. */
const SCHEMA = `
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY, hash TEXT NOT NULL, url TEXT NOT NULL, used INTEGER NOT NULL, bytes INTEGER NOT NULL,
    stored_at INTEGER NOT NULL, fresh_until INTEGER NOT NULL, stale_until INTEGER NOT NULL,
    raw_bytes INTEGER NOT NULL, is_packed INTEGER NOT NULL, checksum INTEGER NOT NULL, facts TEXT NOT NULL,
    UNIQUE (url, hash)) STRICT;
  CREATE INDEX entries_used ON entries (used, id);
  CREATE TABLE blobs (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
  CREATE TABLE tags (tag TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tag, id)) STRICT, WITHOUT ROWID;
  CREATE INDEX tags_id ON tags (id);
  CREATE TABLE totals (bytes INTEGER NOT NULL, entries INTEGER NOT NULL) STRICT;
  INSERT INTO totals VALUES (0, 0);
  CREATE TRIGGER entry_added AFTER INSERT ON entries BEGIN
    UPDATE totals SET bytes = bytes + NEW.bytes, entries = entries + 1; END;
  CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN
    DELETE FROM blobs WHERE id = OLD.id; DELETE FROM tags WHERE id = OLD.id;
    UPDATE totals SET bytes = bytes - OLD.bytes, entries = entries - 1; END;`;

/** What the file says of itself does not fit together, though SQLite did not notice. */
export function damagedFile(message: string): Error {
  return Object.assign(new Error(message), { errcode: SQLITE_CORRUPT });
}

export type FileFault = "busy" | "full" | "damaged" | "failed";

/** What SQLite's error says about the file. */
export function faultOf(error: unknown): FileFault {
  switch (((error as { errcode?: number }).errcode ?? 0) & 0xff) {
    case SQLITE_BUSY:
      return "busy";
    case SQLITE_FULL:
      return "full";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "damaged";
    default:
      return "failed";
  }
}

/**
 * Opens or makes the file. A damaged one and one of another schema version are deleted first, and `warn` is told. Throws what SQLite
 * throws, and `storage_failed` when the file is a database of another program.
 */
export function openCacheFile(path: string, fileBytesMax: number, warn: (message: string) => void): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true });
  try {
    const db = open(path, fileBytesMax);
    const version = prepareSchema(db);
    if (version === SCHEMA_VERSION) return db;
    db.close();
    warn(`${path} was written in version ${version}, this Millrace uses ${SCHEMA_VERSION}; it starts empty`);
  } catch (error) {
    if (faultOf(error) !== "damaged") throw error;
    warn(`${path} is damaged; it starts empty`);
  }
  removeCacheFile(path);
  const db = open(path, fileBytesMax);
  prepareSchema(db);
  return db;
}

export function removeCacheFile(path: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
}

function open(path: string, fileBytesMax: number): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    db.exec(`PRAGMA busy_timeout = ${OPEN_BUSY_TIMEOUT_MS}`);
    checkOwner(db, path);
    // OFF: the kernel writes when it likes. With NORMAL each checkpoint waits for the disk on the caller's thread, 5 to 30 ms for every 4 MB
    // (measured: docs/extract-cache.md). A killed process loses nothing; a power cut may damage the file, which then starts empty.
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL;`);
    useWal(db);
    db.exec(`PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = ${WAL_PAGES};
      PRAGMA journal_size_limit = ${WAL_PAGES * PAGE_BYTES * 4}; PRAGMA max_page_count = ${Math.floor(fileBytesMax / PAGE_BYTES)};`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * SQLite does not wait where a read lock becomes a write lock, as it does here: two processes that make the file would wait for each other. Who
 * is refused waits for the write lock without a read lock, and looks again: by then the other one has changed the mode.
 */
function useWal(db: DatabaseSync): void {
  for (let tries = 1; ; tries++) {
    try {
      db.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (faultOf(error) !== "busy" || tries === OPEN_TRIES) throw error;
      db.exec("BEGIN IMMEDIATE; ROLLBACK");
    }
  }
}

/** Before anything is set: a database of another program must not even change its journal mode. */
function checkOwner(db: DatabaseSync, path: string): void {
  if (numberOf(db, "SELECT count(*) FROM sqlite_schema") === 0) return;
  if (numberOf(db, "PRAGMA application_id") === APPLICATION_ID) return;
  throw new MillraceError("storage_failed", `${path} is no Millrace cache; name another directory or move the file`);
}

/** Version of the schema found, this one's where there was none. Two processes may come here at once: the lock lets one make the tables. */
function prepareSchema(db: DatabaseSync): number {
  try {
    db.exec("BEGIN IMMEDIATE");
    if (numberOf(db, "SELECT count(*) FROM sqlite_schema") === 0) {
      db.exec(`${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION};`);
    }
    const version = numberOf(db, "PRAGMA user_version");
    db.exec(`COMMIT; PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return version;
  } catch (error) {
    db.close();
    throw error;
  }
}

function numberOf(db: DatabaseSync, query: string): number {
  const row = db.prepare(query).get() ?? {};
  return Number(Object.values(row)[0] ?? 0);
}
