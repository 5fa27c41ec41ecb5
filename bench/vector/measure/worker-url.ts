import { fileURLToPath } from "node:url";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";

/** Threads and processes of the vector measures: .ts files when run from source, .js files once built. */
export const spaceWorkerUrl = new URL(`./space-worker.${extension}`, import.meta.url);
export const readerWorkerUrl = new URL(`./reader-worker.${extension}`, import.meta.url);
export const memoryChildPath = fileURLToPath(new URL(`./memory-child.${extension}`, import.meta.url));
