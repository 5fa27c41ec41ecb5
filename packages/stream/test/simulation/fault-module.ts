import type { DatabaseSync } from "node:sqlite";
import type { Operations, StorageModule } from "@millrace/stream";

const MORE_PAGES_THAN_EVER = 1_073_741_823;

/** Faults of a disk, on the writing thread, in their place among the writes: one that stands still, one that fails, one that is full. */
function writes(db: DatabaseSync): Operations {
  return {
    /** Sets the second number, then stops until another thread sets the first. */
    until: ({ gate }: { gate: Int32Array }) => {
      Atomics.store(gate, 1, 1);
      Atomics.wait(gate, 0, 0);
    },
    failing: ({ isOn }: { isOn: boolean }) => {
      db.exec("DROP TRIGGER IF EXISTS temp.fault");
      if (isOn)
        db.exec(
          "CREATE TEMP TRIGGER fault BEFORE INSERT ON main.frames BEGIN SELECT RAISE(ABORT, 'the disk failed'); END",
        );
    },
    full: ({ isOn }: { isOn: boolean }) => {
      db.exec(`PRAGMA max_page_count = ${isOn ? 1 : MORE_PAGES_THAN_EVER}`);
    },
  };
}

export const storageModule: StorageModule = { name: "fault", migrations: [], writes, reads: () => ({}) };
