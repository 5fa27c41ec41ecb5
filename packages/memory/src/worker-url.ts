/** Where this package's workers and storage module are: .ts files when run from source, .js files once built. */
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

export const indexWorkerUrl = new URL(`./index-worker/index-worker${extension}`, import.meta.url);
export const embedWorkerUrl = new URL(`./embed-worker${extension}`, import.meta.url);
/** Give it to `openStorage({modules})`. */
export const memoryModuleUrl = new URL(`./store/memory-module${extension}`, import.meta.url);
