/** Where this package's worker is: a .ts file when run from source, a .js file once built. */
export const builderWorkerUrl = new URL(
  `./owner/builder-worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);
