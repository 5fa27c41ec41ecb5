import { fileURLToPath } from "node:url";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";

/** Paths of the processes a run starts: .ts files when run from source, .js files once built. */
export const generatorPath = pathOf(`./generator.${extension}`);
export const peerPath = (name: string): string => pathOf(`../peers/${name}-server.${extension}`);
/** The command whose `serve` is measured. The same place from load/ and from dist/load/ would not be, so it is only run from source. */
export const millracePath = pathOf("../../packages/cli/src/main.ts");

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
