import type { Operations, StorageModule } from "@millrace/stream";

/** `freeze.until` stops the writing or the reading thread until another thread sets the first number: a disk that does not answer. */
function operations(): Operations {
  return {
    until: ({ gate }: { gate: Int32Array }) => {
      Atomics.wait(gate, 0, 0);
    },
  };
}

export const storageModule: StorageModule = { name: "freeze", migrations: [], writes: operations, reads: operations };
