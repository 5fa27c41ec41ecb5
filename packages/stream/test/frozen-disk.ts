import type { Storage } from "@millrace/stream";

export const freezeModuleUrl = new URL("./freeze-module.ts", import.meta.url);

/** Stops a thread of a store opened with `freezeModuleUrl` until `thaw` is called. */
export function freeze(storage: Storage, thread: "write" | "read" = "write"): { thaw: () => Promise<void> } {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const frozen = storage[thread]("freeze.until", { gate });
  return {
    async thaw() {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      await frozen;
    },
  };
}
