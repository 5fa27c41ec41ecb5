import { MillraceError } from "@millrace/core";

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** What SQLite threw, as an error a caller can act on; errors that already have a code pass through. */
export function toStorageError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  const { errcode, message } = error as { errcode?: number; message?: string };
  const primary = (errcode ?? 0) & 0xff;
  if (primary === SQLITE_FULL) {
    return new MillraceError(
      "storage_full",
      "the disk or the data directory's size limit is full; free space or raise --data-bytes-max",
      {
        cause: error,
        retryAfterMs: 5_000,
      },
    );
  }
  if (primary === SQLITE_BUSY) {
    return new MillraceError(
      "data_in_use",
      "another process has the data directory open; stop it or use --url to reach it",
      {
        cause: error,
      },
    );
  }
  if (primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB) {
    return new MillraceError(
      "storage_failed",
      "the store is damaged; restore a backup or start with another --data directory",
      {
        cause: error,
        retryable: false,
      },
    );
  }
  return new MillraceError("storage_failed", `the store failed: ${message ?? String(error)}`, { cause: error });
}
