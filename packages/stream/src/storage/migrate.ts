import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { MillraceError } from "@millrace/core";
import { PAGE_CACHE_KIB, WAL_PAGES_MAX } from "../limits.ts";
import { rowOf } from "./rows.ts";
import { toStorageError } from "./storage-error.ts";
import type { StorageModule } from "./storage-module.ts";

export const DATABASE_FILE = "millrace.db";
const LOCK_FILE = "lock.db";
const PAGE_BYTES = 4096;

/**
 * Holds the data directory for this process until it ends, however it ends: the lock is SQLite's own file lock, which the
 * kernel drops with the process, so `kill -9` leaves no stale lock behind.
 */
export function lockDirectory(directory: string): Disposable {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new MillraceError("storage_failed", `the data directory ${directory} cannot be made: ${String(error)}`, {
      cause: error,
    });
  }
  try {
    const lock = new DatabaseSync(join(directory, LOCK_FILE));
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;");
    return { [Symbol.dispose]: () => lock.close() };
  } catch (error) {
    const failure = toStorageError(error);
    if (failure.code !== "data_in_use") throw failure;
    throw new MillraceError(
      "data_in_use",
      `another process has ${directory} open; stop it, use --url to reach it, or choose another --data`,
      {
        cause: error,
      },
    );
  }
}

/** The one writing connection: every commit is on disk before it is acknowledged (I4), readers are not blocked (WAL). */
export function openWriter(
  directory: string,
  modules: readonly StorageModule[],
  bytesMax: number | undefined,
): DatabaseSync {
  const db = new DatabaseSync(join(directory, DATABASE_FILE));
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY; PRAGMA cache_size = -${PAGE_CACHE_KIB}; PRAGMA busy_timeout = 5000;
    PRAGMA wal_autocheckpoint = ${WAL_PAGES_MAX};`);
  migrate(db, modules);
  if (bytesMax !== undefined) db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytesMax / PAGE_BYTES))}`);
  return db;
}

export function openReader(directory: string): DatabaseSync {
  const db = new DatabaseSync(join(directory, DATABASE_FILE), { readOnly: true });
  db.exec(
    `PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -${PAGE_CACHE_KIB}; PRAGMA busy_timeout = 5000;`,
  );
  return db;
}

function migrate(db: DatabaseSync, modules: readonly StorageModule[]): void {
  db.exec("CREATE TABLE IF NOT EXISTS schema_versions (module TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT");
  const versionOf = db.prepare("SELECT version FROM schema_versions WHERE module = ?");
  const setVersion = db.prepare(
    "INSERT INTO schema_versions VALUES (?, ?) ON CONFLICT (module) DO UPDATE SET version = excluded.version",
  );
  for (const { name, migrations } of modules) {
    const version = rowOf<{ version: number }>(versionOf, name)?.version ?? 0;
    if (version > migrations.length) {
      throw new MillraceError(
        "data_too_new",
        `the data directory holds "${name}" in version ${version}; this Millrace reads up to ${migrations.length}: install a newer Millrace or choose another --data`,
      );
    }
    for (let at = version; at < migrations.length; at++) {
      db.exec("BEGIN IMMEDIATE");
      db.exec(migrations[at] as string);
      setVersion.run(name, at + 1);
      db.exec("COMMIT");
    }
  }
}
