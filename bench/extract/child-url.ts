import { fileURLToPath } from "node:url";

/** Path of the entry of a peer's process, beside this module and with its extension. */
export function peerChildPath(): string {
  const name = import.meta.url.endsWith(".ts") ? "./peer-child.ts" : "./peer-child.js";
  return fileURLToPath(new URL(name, import.meta.url));
}
