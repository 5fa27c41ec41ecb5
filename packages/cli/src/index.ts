/** The `millrace` command. */
export { type RunOptions, run } from "./run.ts";
export { createTerminal, type Terminal } from "./terminal.ts";
