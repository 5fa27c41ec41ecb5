import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DATABASE_FILE } from "@millrace/stream";

/** Holds SQLite's write lock until it is disposed: the engine's writing thread stands still, for at most the 5 s it waits for a lock. */
export function freezeDisk(directory: string): Disposable {
  const db = new DatabaseSync(join(directory, DATABASE_FILE));
  db.exec("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE");
  return {
    [Symbol.dispose]() {
      db.exec("ROLLBACK");
      db.close();
    },
  };
}
