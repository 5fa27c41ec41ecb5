/** Where this package's worker is: a .ts file when run from source, a .js file once built. */
export const storageWorkerUrl = new URL(
  `./storage/storage-worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);

/** The log's own storage module, loaded inside the storage threads. */
export const logModuleUrl = new URL(
  `./storage/log-module${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);

/** The storage module of retention. */
export const retentionModuleUrl = new URL(
  `./retention/retention-module${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);

/** The thread that verifies a store. */
export const verifyWorkerUrl = new URL(
  `./verify/verify-worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);
