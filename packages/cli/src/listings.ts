/** `spaces` and `streams`: what an engine holds. */
import type { Space, StreamEntry } from "@millrace/client";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { LINK_OPTIONS, openEngine } from "./engine-link.ts";
import { formatBytes, formatCount, formatDate } from "./format.ts";
import { isStreamAction, RETENTION_OPTIONS, runStreamAction } from "./retention.ts";
import { type Column, printTable } from "./table.ts";

const SPACE_COLUMNS: readonly Column<Space>[] = [
  { title: "space", text: ({ name }) => name, style: () => "bold" },
  { title: "documents", text: ({ documents }) => formatCount(documents), align: "right" },
  { title: "passages", text: ({ chunks }) => formatCount(chunks), align: "right" },
  { title: "size", text: ({ bytes }) => formatBytes(bytes), align: "right" },
  { title: "embedding", text: ({ embedding }) => `${embedding.provider} ${embedding.model} (${embedding.dims})` },
  { title: "made", text: ({ createdMs }) => formatDate(createdMs) },
];

const STREAM_COLUMNS: readonly Column<StreamEntry>[] = [
  { title: "stream", text: ({ stream }) => stream, style: () => "bold" },
  { title: "frames", text: ({ frames }) => formatCount(frames), align: "right" },
  { title: "size", text: ({ bytes }) => formatBytes(bytes), align: "right" },
  { title: "newest", text: ({ epoch, head }) => `${epoch}:${head}`, style: () => "dim" },
];

/** Lists the spaces. */
export const spacesCommand: Command = {
  name: "spaces",
  summary: "list the spaces and what they hold",
  usage: "",
  operands: { min: 0, max: 0 },
  options: [...LINK_OPTIONS, "json", "help"],
  examples: [
    ["millrace spaces", "of ./.millrace"],
    ["millrace spaces --url http://127.0.0.1:4100 --json", "of a running engine, as {spaces: [...]}"],
  ],
  run: spaces,
};

/** Lists the streams. */
export const streamsCommand: Command = {
  name: "streams",
  summary: "list the streams; say what is kept of one, or delete it",
  usage: "[prefix | retain STREAM | delete STREAM]",
  operands: { min: 0, max: 2 },
  options: [...LINK_OPTIONS, "limit", ...RETENTION_OPTIONS, "json", "help"],
  examples: [
    ["millrace streams", "of ./.millrace"],
    ["millrace streams job: --limit 20 --url http://127.0.0.1:4100", "the 20 newest jobs of a running engine"],
    [
      "millrace streams retain my-chat --max-age 7d --max-frames 100000",
      "keep no more than this of a stream, from now on",
    ],
    ["millrace streams retain my-chat", "what is kept of it"],
    ["millrace streams delete my-chat", "delete it with all its frames"],
  ],
  notes: [
    "A stream's newest frame is always kept. Readers behind what was trimmed are told of the gap. The streams of jobs and spaces are the engine's own and cannot be trimmed or deleted here.",
  ],
  run: streams,
};

async function spaces(context: CommandContext): Promise<ExitCode> {
  const { terminal, signal, options } = context;
  await using link = await openEngine(context, { mustExist: true });
  const found = await link.client.spaces.list({ signal });
  if (options.json) terminal.json({ spaces: found });
  else if (found.length === 0) terminal.err("There is no space yet; the first add makes one: millrace add DIR");
  else printTable(terminal, found, SPACE_COLUMNS);
  return 0;
}

async function streams(context: CommandContext): Promise<ExitCode> {
  const { terminal, signal, options, operands } = context;
  if (isStreamAction(operands)) return runStreamAction(context);
  await using link = await openEngine(context, { mustExist: true });
  const found = await link.client.streams.list({ prefix: operands[0], limit: options.limit, signal });
  if (options.json) terminal.json({ streams: found });
  else if (found.length === 0) terminal.err("There is no such stream yet.");
  else printTable(terminal, found, STREAM_COLUMNS);
  return 0;
}
