import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DATABASE_FILE } from "@millrace/stream";

/** Longest a commit waits for another writer, by the engine's own setting: a store frozen for longer fails its writes. */
const WAIT_MS = 5_000;

/** Makes every commit of the engine over this directory wait, as for a disk that does not answer, until it is disposed: another writer holds the lock. */
export function freezeStore(directory: string): Disposable {
  const db = new DatabaseSync(join(directory, DATABASE_FILE), { timeout: WAIT_MS });
  db.exec("BEGIN IMMEDIATE");
  return {
    [Symbol.dispose]() {
      db.exec("ROLLBACK");
      db.close();
    },
  };
}
