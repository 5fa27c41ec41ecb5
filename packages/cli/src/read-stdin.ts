/** What is piped into a command, up to what one file may hold. */
import { MillraceError } from "@millrace/core";
import type { CommandContext } from "./command.ts";
import { formatBytes } from "./format.ts";
import { FILE_BYTES_MAX } from "./limits.ts";

const STDIN_NAME = "stdin";

/** All of stdin under the name of `--source`; `example` says how something is piped in, for when nothing is. `too_large`, `invalid_argument`. */
export async function readStdin(
  { stdin, options, signal }: CommandContext,
  example: string,
): Promise<{ readonly bytes: Buffer; readonly source: string }> {
  if (stdin.isTTY)
    throw new MillraceError("invalid_argument", `"-" reads from stdin, and nothing is piped into it: ${example}`);
  const source = options.source ?? STDIN_NAME;
  signal.addEventListener("abort", () => stdin.destroy(MillraceError.from(signal.reason)), { once: true });
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of stdin) {
    bytes += part.byteLength;
    checkSize(source, bytes);
    parts.push(part);
  }
  return { bytes: Buffer.concat(parts), source };
}

/** Throws `too_large` for more than one file may hold. */
export function checkSize(name: string, bytes: number): void {
  if (bytes <= FILE_BYTES_MAX) return;
  const text = `${name} has ${formatBytes(bytes)}; at most ${formatBytes(FILE_BYTES_MAX)} of one file are read`;
  throw new MillraceError("too_large", text);
}
