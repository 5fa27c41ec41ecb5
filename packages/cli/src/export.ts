/** A stream's frames as a file. */
import { open, rename, rm } from "node:fs/promises";
import { parseCursor, type StreamExport, toStreamId } from "@millrace/client";
import { MillraceError } from "@millrace/core";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { LINK_OPTIONS, openEngine } from "./engine-link.ts";
import { formatBytes, formatPlural } from "./format.ts";
import { BAR_EVERY_MS } from "./limits.ts";
import type { Terminal } from "./terminal.ts";

/** Writes the frames of a stream as JSON lines. */
export const exportCommand: Command = {
  name: "export",
  summary: "write a stream's frames as JSON lines",
  usage: "<stream>",
  operands: { min: 1, max: 1 },
  options: [...LINK_OPTIONS, "out", "after", "until", "json", "help"],
  examples: [
    ["millrace export my-chat --out chat.jsonl", "all of it, to a file that appears when it is complete"],
    ["millrace export my-chat --after k3f9:1200 --out more.jsonl", "what came since the last export"],
    ["millrace export space:docs --url http://127.0.0.1:4100 | jq .type", "from a running engine, to another program"],
  ],
  notes: [
    "One frame a line, as it is stored. What is appended meanwhile is not in it; the last line on stderr, or with --json on stdout when there is a file, has the cursor to go on from.",
  ],
  run: exportStream,
};

async function exportStream(context: CommandContext): Promise<ExitCode> {
  const { operands, options, terminal, signal } = context;
  const stream = toStreamId(operands[0]);
  const { after, until, out } = options;
  for (const cursor of [after, until]) if (cursor !== undefined) parseCursor(cursor);
  await using link = await openEngine(context, { mustExist: true });
  const found = await link.client.stream(stream).export({ after, until, signal });
  const body = counted(found, terminal, out !== undefined);
  if (out === undefined) for await (const piece of body) await terminal.write(piece);
  else await writeFile(out, body);
  const { frames } = found;
  if (!options.json) sayDone(terminal, found, out);
  else if (out !== undefined) terminal.json({ stream, after: found.after, until: found.until, frames, file: out });
  return 0;
}

/** The pieces as they are, with a line of progress where one can be seen and nothing else is printed. */
async function* counted(
  { body, frames }: StreamExport,
  terminal: Terminal,
  isShown: boolean,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let drawnMs = performance.now();
  for await (const piece of body) {
    yield piece;
    bytes += piece.length;
    const nowMs = performance.now();
    if (!isShown || !terminal.isInteractive || nowMs - drawnMs < BAR_EVERY_MS) continue;
    drawnMs = nowMs;
    terminal.redraw(`${formatBytes(bytes)} written, of ${formatPlural(frames, "frame")} …`);
  }
  if (isShown && terminal.isInteractive) terminal.redraw("");
}

/** Under another name until it is complete and on disk: a file of this name is never a part of an export. */
async function writeFile(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    const file = await open(part, "wx");
    try {
      for await (const piece of body) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    if (error instanceof MillraceError) throw error;
    const code = (error as NodeJS.ErrnoException).code === "ENOSPC" ? "storage_full" : "storage_failed";
    throw new MillraceError(code, `${path} cannot be written: ${String(error)}`, { cause: error });
  }
}

function sayDone({ err }: Terminal, { after, until, frames }: StreamExport, out: string | undefined): void {
  const where = out === undefined ? "" : ` to ${out}`;
  err(
    `${formatPlural(frames, "frame")} exported${where}, from ${after} to ${until}; go on later with --after ${until}`,
  );
}
