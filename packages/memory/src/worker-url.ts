/** Where this package's workers and storage module are: .ts files when run from source, .js files once built. */
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

export const indexWorkerUrl = new URL(`./index-worker/index-worker${extension}`, import.meta.url);
export const embedWorkerUrl = new URL(`./embed-worker${extension}`, import.meta.url);
export const spaceWorkerUrl = new URL(`./observations/workers/space-worker${extension}`, import.meta.url);
export const observationLogWorkerUrl = new URL(
  `./observations/log/observation-log-worker${extension}`,
  import.meta.url,
);
/** The same for the full text of observations. */
export const observationsModuleUrl = new URL(`./observations/text/text-module${extension}`, import.meta.url);
/** The same for what consolidation finds; after the module of the memory, whose spaces it names. */
export const consolidationModuleUrl = new URL(
  `./observations/consolidation/consolidation-module${extension}`,
  import.meta.url,
);
/** Give it to `openStorage({modules})`. */
export const memoryModuleUrl = new URL(`./store/memory-module${extension}`, import.meta.url);
