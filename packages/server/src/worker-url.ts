const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

/** The storage module of jobs, loaded inside the storage threads. */
export const jobsModuleUrl = new URL(`./jobs/jobs-module${extension}`, import.meta.url);

/** The storage module of extractions of several sources. */
export const extractModuleUrl = new URL(`./extract/extract-module${extension}`, import.meta.url);

/** The storage modules of durable streams and of the subscriptions to them. */
export const durableModuleUrl = new URL(`./durable-streams/durable-module${extension}`, import.meta.url);
export const subscriptionsModuleUrl = new URL(
  `./durable-streams/subscriptions/subscriptions-module${extension}`,
  import.meta.url,
);
