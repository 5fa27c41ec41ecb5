import type { Operations, StorageModule } from "@millrace/stream";

/** `freeze.until` stops the writing thread until another thread sets the first number: a disk that does not answer. */
function writes(): Operations {
  return {
    until: ({ gate }: { gate: Int32Array }) => {
      Atomics.wait(gate, 0, 0);
    },
  };
}

export const storageModule: StorageModule = { name: "freeze", migrations: [], writes, reads: () => ({}) };
