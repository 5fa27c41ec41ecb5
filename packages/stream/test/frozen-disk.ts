import type { Storage } from "@millrace/stream";

export const freezeModuleUrl = new URL("./freeze-module.ts", import.meta.url);

/** Stops the writing thread of a store opened with `freezeModuleUrl` until `thaw` is called. */
export function freeze(storage: Storage): { thaw: () => Promise<void> } {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const frozen = storage.write("freeze.until", { gate });
  return {
    async thaw() {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      await frozen;
    },
  };
}
