import { fileURLToPath } from "node:url";

/** Path of the child's entry, beside this module and with its extension. */
export function runCasePath(): string {
  return fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./run-case.ts" : "./run-case.js", import.meta.url));
}
