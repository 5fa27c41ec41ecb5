/** `consolidate`: what of a space's observations says the same, and what is of one kind. */
import { type Client, type Concept, type Consolidation, MillraceError, toSpaceId } from "@millrace/client";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { LINK_OPTIONS, openEngine } from "./engine-link.ts";
import { cut, formatCount, formatDuration, formatPlural } from "./format.ts";
import type { OptionName } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** How long the engine is asked to wait for the end before it is asked again. */
const WAIT_MS = 2_000;
/** Concepts shown; all are at GET /v1/spaces/{space}/concepts. */
const SHOWN_MAX = 10;
const ID_COLUMNS = 40;

/** Consolidates a space and shows what was found. */
export const consolidateCommand: Command = {
  name: "consolidate",
  summary: "find duplicates and patterns among a space's observations",
  usage: "<space>",
  operands: { min: 1, max: 1 },
  options: ["duplicate", "pattern", "remove-duplicates", ...LINK_OPTIONS, "json", "help"],
  examples: [
    ["millrace consolidate sensors", "of ./.millrace"],
    ["millrace consolidate sensors --duplicate 0.98 --pattern 0.85", "stricter than 0.95 and 0.8"],
    [
      "millrace consolidate sensors --remove-duplicates --url http://127.0.0.1:4100",
      "keep one of each, in a running engine",
    ],
  ],
  notes: [
    "Only observations that no run looked at are compared with what came before them, so that a second run is short. Ctrl-C leaves the run going on in a running engine.",
  ],
  run: consolidate,
};

async function consolidate(context: CommandContext): Promise<ExitCode> {
  const { terminal, options, operands, signal } = context;
  const space = toSpaceId(operands[0]);
  const duplicate = toShare("duplicate", options.duplicate);
  const pattern = toShare("pattern", options.pattern);
  const request = {
    ...(duplicate === undefined ? {} : { duplicate }),
    ...(pattern === undefined ? {} : { pattern }),
    removeDuplicates: options["remove-duplicates"],
  };
  await using link = await openEngine(context, { mustExist: true });
  const handle = link.client.space(space);
  let run = await handle.consolidate(request, { signal, waitMs: WAIT_MS });
  while (run.state === "running") {
    if (terminal.isInteractive) terminal.redraw(progressOf(run));
    run = await handle.consolidation({ signal, waitMs: WAIT_MS });
  }
  if (terminal.isInteractive) terminal.redraw("");
  if (options.json) terminal.json(run);
  else await show(terminal, link.client, run);
  return run.state === "done" ? 0 : 1;
}

function toShare(name: OptionName, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const share = /^[01]?(\.\d{1,6})?$/.test(text) && text !== "" ? Number(text) : Number.NaN;
  if (share >= 0.5 && share <= 1) return share;
  const shown = JSON.stringify(text.slice(0, 40));
  throw new MillraceError("invalid_argument", `--${name} is ${shown}; it must be a number from 0.5 to 1, such as 0.95`);
}

async function show(terminal: Terminal, client: Client, run: Consolidation): Promise<void> {
  const { out, err, style } = terminal;
  if (run.state !== "done") {
    err(`The consolidation of ${run.space} ${run.error ? `failed: ${run.error.message}` : `was ${run.state}`}`);
    return;
  }
  const { concepts, next } = await client.space(run.space).concepts({ limit: SHOWN_MAX });
  for (const concept of concepts) out(lineOf(terminal, concept));
  if (next !== undefined) out(style("dim", `… more at ${client.url}/v1/spaces/${run.space}/concepts?after=${next}`));
  const found = `${formatPlural(run.duplicates, "duplicate")} and ${formatPlural(run.patterns, "pattern")}`;
  const removed = run.removed === 0 ? "" : `, ${formatPlural(run.removed, "observation")} removed`;
  const left = run.left === 0 ? "" : ` (${formatCount(run.left)} left for another run)`;
  const looked = `${formatPlural(run.looked, "new observation")} looked at in ${formatDuration(run.elapsedMs)}${left}`;
  out(`${style("bold", found)} in space ${run.space}${removed}; ${looked}.`);
}

function lineOf({ style }: Terminal, { kind, representative, members, count }: Concept): string {
  const others = members.filter((id) => id !== representative).slice(0, 3);
  const shown = others.map((id) => cut(id, ID_COLUMNS)).join(", ");
  const more = count - 1 > others.length ? `, and ${formatCount(count - 1 - others.length)} more` : "";
  return `${style("dim", kind.padEnd(9))}  ${style("bold", cut(representative, ID_COLUMNS))}  ${shown}${more}`;
}

function progressOf({ looked, total }: Consolidation): string {
  return `${formatCount(looked)} of ${formatPlural(total, "observation")} looked at …`;
}
