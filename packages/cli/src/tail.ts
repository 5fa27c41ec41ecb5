import { type Frame, formatCursor, parseCursor, type SubscriptionStatus, toStreamId } from "@millrace/client";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { type EngineLink, LINK_OPTIONS, openEngine } from "./engine-link.ts";
import { cut, formatDuration, formatTime } from "./format.ts";
import { INVOCATION } from "./invocation.ts";
import type { Terminal } from "./terminal.ts";

const SEQ_COLUMNS = 6;
const TYPE_COLUMNS = 18;
const JOB_ENDS: ReadonlySet<string> = new Set(["job.done", "job.error", "job.interrupted"]);

/** Follows a stream, one line a frame. */
export const tailCommand: Command = {
  name: "tail",
  summary: "follow a stream, frame by frame",
  usage: "<stream>",
  operands: { min: 1, max: 1 },
  options: [...LINK_OPTIONS, "after", "limit", "json", "help"],
  examples: [
    ["millrace tail job:01k7… --url http://127.0.0.1:4100", "a job, to its end"],
    ["millrace tail my-chat --after k3f9:120 --url http://127.0.0.1:4100", "go on where the last one stopped"],
    ["millrace tail space:docs --limit 10 --json", "ten frames of ./.millrace, one JSON object a line"],
  ],
  notes: [
    "A lost connection is opened again and goes on after the last frame: none is missed or shown twice. Ctrl-C prints the cursor to go on from.",
    "Without --url it shows what the data directory holds and ends: nothing is added meanwhile.",
  ],
  run: tail,
};

async function tail(context: CommandContext): Promise<ExitCode> {
  const { operands, options, terminal, signal } = context;
  const stream = toStreamId(operands[0]);
  if (options.after !== undefined) parseCursor(options.after);
  await using link = await openEngine(context, { mustExist: true });
  const frames = link.isEmbedded ? stored(link, stream, context) : followed(link, stream, context);
  const print = options.json ? terminal.json : (frame: Frame) => printFrame(terminal, frame);
  let cursor = options.after;
  let count = 0;
  for await (const frame of frames) {
    print(frame);
    cursor = formatCursor(frame);
    if (++count === options.limit || isEnd(frame)) break;
  }
  if (signal.aborted && !options.json) sayCursor(terminal, `${INVOCATION} tail ${stream}${link.reach}`, cursor);
  else if (signal.aborted) terminal.err(JSON.stringify({ cursor: cursor ?? null }));
  return 0;
}

function isEnd({ stream, type }: Frame): boolean {
  return (stream.startsWith("job:") && JOB_ENDS.has(type)) || type === "extract.summary";
}

function followed(
  { client }: EngineLink,
  stream: string,
  { options, terminal, signal }: CommandContext,
): AsyncIterable<Frame> {
  return client.stream(stream).subscribe({
    after: options.after,
    signal,
    onStatus: (status) => sayStatus(terminal, status),
    onGap: ({ reason, first }) => {
      const why = reason === "epoch" ? "the stream was made anew" : "older frames are past retention";
      terminal.err(terminal.styleErr("yellow", `— gap: ${why}; going on at ${first} —`));
    },
  });
}

/** What is there, page by page. */
async function* stored(
  { client }: EngineLink,
  stream: string,
  { options, signal }: CommandContext,
): AsyncGenerator<Frame> {
  for (let after = options.after; !signal.aborted; ) {
    const page = await client.stream(stream).frames({ after, limit: Math.min(1_000, options.limit ?? 1_000), signal });
    yield* page.frames;
    after = page.cursor;
    if (!page.more) return;
  }
}

function printFrame({ out, style, columns }: Terminal, { seq, ts, type, id, data }: Frame): void {
  const room = Math.max(20, columns - SEQ_COLUMNS - TYPE_COLUMNS - 17 - id.length);
  const text = cut(JSON.stringify(data) ?? "", room);
  const shown = style(colourOf(type), type.padEnd(TYPE_COLUMNS));
  out(`${String(seq).padStart(SEQ_COLUMNS)} ${style("dim", formatTime(ts))} ${shown} ${id} ${style("dim", text)}`);
}

function colourOf(type: string): "red" | "green" | "yellow" | "cyan" {
  if (/\.(failed|error)$/.test(type)) return "red";
  if (/\.(interrupted|removed)$/.test(type)) return "yellow";
  return /\.(done|stored)$/.test(type) ? "green" : "cyan";
}

function sayStatus({ err, styleErr }: Terminal, status: SubscriptionStatus): void {
  if (status.state !== "waiting") return;
  err(styleErr("yellow", `— ${status.error.message}; trying again in ${formatDuration(status.retryInMs)} —`));
}

function sayCursor({ err, styleErr }: Terminal, command: string, cursor: string | undefined): void {
  const place = cursor === undefined ? "" : ` --after ${cursor}`;
  err(`Go on with: ${styleErr("cyan", `${command}${place}`)}`);
}
