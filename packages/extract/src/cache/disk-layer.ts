/** The cache's second layer: values on disk, bounded by bytes, the one used longest ago goes first. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { type Clock, MillraceError } from "@millrace/core";
import { CACHE_ENTRY_OVERHEAD_BYTES, CACHE_TOUCHES_MAX } from "../limits.ts";
import { splitKey } from "./cache-key.ts";
import { damagedFile, type FileFault, faultOf, openCacheFile, removeCacheFile } from "./disk-file.ts";
import type { EntryFacts, EntryTimes, PurgeSelector } from "./entry.ts";
import type { PackedValue } from "./packed-value.ts";

export type DiskLayerOptions = {
  /** The database file; its folder is made. */
  readonly path: string;
  /** Sum of the values, each with its overhead. */
  readonly bytesMax: number;
  /** Size the file itself may reach. */
  readonly fileBytesMax: number;
  readonly clock: Clock;
  /** Told of every fault; a call that met one did nothing or found nothing. */
  readonly warn: (warning: MillraceError) => void;
};

export type StoredEntry = { readonly times: EntryTimes; readonly facts: StoredFacts; readonly packed: PackedValue };
export type StoredFacts = EntryFacts & { readonly tags: readonly string[] };

type Row = {
  readonly stored_at: number;
  readonly fresh_until: number;
  readonly stale_until: number;
  readonly raw_bytes: number;
  readonly is_packed: number;
  readonly checksum: number;
  readonly facts: string;
  readonly data: Uint8Array;
};

/** What a full disk makes room for before the write is tried once more. */
const FULL_KEEP_SHARE = 0.9;
/** Largest code point: past every address that starts with the prefix before it. */
const LAST_CHAR = "\u{10ffff}";

/**
 * Never throws but from `purge`: a fault is told to `warn`, counted, and the call behaves as if nothing were stored. A damaged file is
 * deleted and begun anew. Invariant: after each write the sum of the entries is at most `bytesMax`, and what went was used longest ago.
 */
export class DiskLayer {
  readonly #options: DiskLayerOptions;
  readonly #statements = new Map<string, StatementSync>();
  readonly #touches = new Map<string, number>();
  #db: DatabaseSync | undefined;
  #lastUse = 0;
  #lastFault: FileFault | undefined;
  faults = 0;
  evictions = 0;

  constructor(options: DiskLayerOptions) {
    this.#options = options;
    this.#guard(undefined, () => this.#open());
  }

  get(key: string): StoredEntry | undefined {
    const { url, hash } = splitKey(key);
    const found = this.#guard(undefined, () => {
      const query = `SELECT stored_at, fresh_until, stale_until, raw_bytes, is_packed, checksum, facts, data
        FROM entries JOIN blobs USING (id) WHERE url = ? AND hash = ?`;
      const row = this.#prepared(query)?.get(url, hash) as Row | undefined;
      return row && entryOf(key, row);
    });
    if (found) this.touch(key);
    return found;
  }

  /** Notes a use in memory; written with the next value, or when there are many. */
  touch(key: string): void {
    this.#touches.set(key, this.#nextUse());
    if (this.#touches.size >= CACHE_TOUCHES_MAX) this.#transact(() => {});
  }

  /** Whether it was written. */
  put(key: string, entry: StoredEntry): boolean {
    const write = () => this.#write(key, entry);
    if (this.#transact(write)) return true;
    if (this.#lastFault !== "full") return false;
    return this.#transact(() => this.#evictTo(this.#totals().bytes * FULL_KEEP_SHARE)) && this.#transact(write);
  }

  /** Gives the entry stored at `storedAtMs` new times and facts and leaves its value; false when another or none is there. */
  renew(key: string, storedAtMs: number, { times, facts }: Omit<StoredEntry, "packed">): boolean {
    const { url, hash } = splitKey(key);
    const find = "SELECT id FROM entries WHERE url = ? AND hash = ? AND stored_at = ?";
    const change = "UPDATE entries SET stored_at = ?, fresh_until = ?, stale_until = ?, facts = ? WHERE id = ?";
    let isFound = false;
    const isDone = this.#transact(() => {
      const found = this.#one<{ id: number } | undefined>(find, url, hash, Math.round(storedAtMs));
      if (!found) return;
      this.#run(change, ...timesOf(times), JSON.stringify(facts), found.id);
      this.#run("DELETE FROM tags WHERE id = ?", found.id);
      this.#tag(found.id, facts.tags);
      isFound = true;
    });
    return isDone && isFound;
  }

  delete(key: string): void {
    const { url, hash } = splitKey(key);
    this.#touches.delete(key);
    this.#transact(() => this.#run("DELETE FROM entries WHERE url = ? AND hash = ?", url, hash));
  }

  /** Removes what `selector` names, addresses already canonical, and gives their keys back. Throws `storage_failed` when it cannot. */
  purge(selector: PurgeSelector): string[] {
    const [where, values] = conditionOf(selector);
    const keys: string[] = [];
    const isDone = this.#transact(() => {
      const removed = this.#prepared(`DELETE FROM entries WHERE ${where} RETURNING hash || ' ' || url AS key`);
      for (const row of removed?.all(...values) ?? []) keys.push(String(row.key));
    });
    if (!isDone && this.#lastFault !== "damaged") {
      throw new MillraceError(
        "storage_failed",
        `${this.#options.path} could not be purged; try again or delete the file`,
      );
    }
    this.#guard(undefined, () => this.#db?.exec("PRAGMA incremental_vacuum"));
    return keys;
  }

  totals(): { readonly bytes: number; readonly entries: number } {
    return this.#guard({ bytes: 0, entries: 0 }, () => (this.#db ? this.#totals() : { bytes: 0, entries: 0 }));
  }

  close(): void {
    if (this.#touches.size > 0) this.#transact(() => {});
    this.#shut();
  }

  #open(): void {
    const { path, fileBytesMax, warn } = this.#options;
    this.#db = openCacheFile(path, fileBytesMax, (message) => {
      this.faults++;
      warn(new MillraceError("storage_failed", message));
    });
    // The order of use goes on where it was, even under a clock that was set back.
    this.#lastUse = this.#one<{ last: number }>("SELECT coalesce(max(used), 0) AS last FROM entries").last;
  }

  #shut(): void {
    this.#statements.clear();
    this.#touches.clear();
    this.#db?.close();
    this.#db = undefined;
  }

  /** All of `work` or nothing, after the noted uses; false when it failed or there is no file. */
  #transact(work: () => void): boolean {
    return this.#guard(false, () => {
      const db = this.#db;
      if (!db) return false;
      db.exec("BEGIN IMMEDIATE");
      try {
        this.#writeTouches();
        work();
        db.exec("COMMIT");
        this.#touches.clear();
        return true;
      } catch (error) {
        if (db.isTransaction) db.exec("ROLLBACK");
        throw error;
      }
    });
  }

  /** What `work` gives, or `fallback` when the file fails. Uses noted meanwhile are dropped when they cannot be written. */
  #guard<T>(fallback: T, work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#report(error);
      return fallback;
    }
  }

  #report(error: unknown): void {
    const { path, warn } = this.#options;
    const fault = faultOf(error);
    this.#lastFault = fault;
    this.faults++;
    if (this.#touches.size >= CACHE_TOUCHES_MAX) this.#touches.clear();
    if (fault === "damaged") {
      warn(new MillraceError("storage_failed", `${path} is damaged; it starts empty`, { cause: error }));
      this.#beginAnew();
    } else if (fault === "full") {
      warn(
        new MillraceError("storage_full", `${path} or its disk is full; free space or raise its limit`, {
          cause: error,
        }),
      );
    } else if (error instanceof MillraceError) warn(error);
    else warn(new MillraceError("storage_failed", `${path} could not be used: ${String(error)}`, { cause: error }));
  }

  #beginAnew(): void {
    try {
      this.#shut();
      removeCacheFile(this.#options.path);
      this.#open();
    } catch (error) {
      this.#db = undefined;
      const { path, warn } = this.#options;
      warn(
        new MillraceError("storage_failed", `${path} cannot be made anew; the cache is in memory only`, {
          cause: error,
        }),
      );
    }
  }

  #write(key: string, { times, facts, packed }: StoredEntry): void {
    const { url, hash } = splitKey(key);
    this.#run("DELETE FROM entries WHERE url = ? AND hash = ?", url, hash);
    const bytes = packed.data.length + url.length + CACHE_ENTRY_OVERHEAD_BYTES;
    const { id } = this.#one<{ id: number }>(
      `INSERT INTO entries (hash, url, used, bytes, raw_bytes, is_packed, checksum, facts, stored_at, fresh_until, stale_until)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      hash,
      url,
      this.#nextUse(),
      bytes,
      packed.rawBytes,
      packed.isPacked ? 1 : 0,
      checksumOf(key, packed.data),
      JSON.stringify(facts),
      ...timesOf(times),
    );
    this.#run("INSERT INTO blobs VALUES (?, ?)", id, packed.data);
    this.#tag(id, facts.tags);
    this.#evictTo(this.#options.bytesMax);
  }

  #tag(id: number, tags: readonly string[]): void {
    for (const tag of tags) this.#run("INSERT OR IGNORE INTO tags VALUES (?, ?)", tag, id);
  }

  #evictTo(bytesMax: number): void {
    while (this.#totals().bytes > bytesMax) {
      const removed = this.#run("DELETE FROM entries WHERE id = (SELECT id FROM entries ORDER BY used, id LIMIT 1)");
      if (removed === 0) throw damagedFile("there are no entries, and yet they have bytes");
      this.evictions++;
    }
  }

  #writeTouches(): void {
    for (const [key, used] of this.#touches) {
      const { url, hash } = splitKey(key);
      this.#run("UPDATE entries SET used = ? WHERE url = ? AND hash = ?", used, url, hash);
    }
  }

  #totals(): { readonly bytes: number; readonly entries: number } {
    return this.#one("SELECT bytes, entries FROM totals");
  }

  /** Microseconds of the clock, each greater than the one before: an order of use even within a millisecond. */
  #nextUse(): number {
    this.#lastUse = Math.max(this.#lastUse + 1, Math.round(this.#options.clock.now()) * 1_000);
    return this.#lastUse;
  }

  #prepared(query: string): StatementSync | undefined {
    let statement = this.#statements.get(query);
    if (!statement && this.#db) {
      statement = this.#db.prepare(query);
      this.#statements.set(query, statement);
    }
    return statement;
  }

  #run(query: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(query)?.run(...values).changes ?? 0);
  }

  #one<R>(query: string, ...values: SQLInputValue[]): R {
    return this.#prepared(query)?.get(...values) as unknown as R;
  }
}

/** Covers the key too: a value that a damaged file gives under another's key is found out. */
function checksumOf(key: string, data: Uint8Array): number {
  return crc32(key, crc32(data));
}

function entryOf(key: string, row: Row): StoredEntry {
  if (checksumOf(key, row.data) !== row.checksum) throw damagedFile(`the value of ${key} does not match its checksum`);
  return {
    times: { storedAtMs: row.stored_at, freshUntilMs: row.fresh_until, staleUntilMs: row.stale_until },
    facts: JSON.parse(row.facts) as StoredFacts,
    packed: { data: row.data, isPacked: row.is_packed === 1, rawBytes: row.raw_bytes },
  };
}

function timesOf({ storedAtMs, freshUntilMs, staleUntilMs }: EntryTimes): [number, number, number] {
  return [Math.round(storedAtMs), Math.round(freshUntilMs), Math.round(staleUntilMs)];
}

function conditionOf(selector: PurgeSelector): readonly [string, SQLInputValue[]] {
  if ("tag" in selector) return ["id IN (SELECT id FROM tags WHERE tag = ?)", [selector.tag]];
  if ("url" in selector) return ["url = ?", [selector.url]];
  if ("prefix" in selector) return ["url >= ? AND url < ?", [selector.prefix, selector.prefix + LAST_CHAR]];
  return ["true", []];
}
