const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

/** The storage module of jobs, loaded inside the storage threads. */
export const jobsModuleUrl = new URL(`./jobs/jobs-module${extension}`, import.meta.url);
