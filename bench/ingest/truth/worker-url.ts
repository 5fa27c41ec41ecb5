/** Where the threads of this folder begin: a .ts file when run from source, a .js file once built. */
export const truthWorkerUrl = new URL(
  import.meta.url.endsWith(".ts") ? "./truth-worker.ts" : "./truth-worker.js",
  import.meta.url,
);
