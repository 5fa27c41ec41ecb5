import { type Client, MillraceError, type Reembed, type ReembedRequest, toSpaceId } from "@millrace/client";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { EMBEDDING_OPTIONS, LINK_OPTIONS, openEngine } from "./engine-link.ts";
import { formatCount, formatDuration, formatPlural } from "./format.ts";
import { REEMBED_LOOK_MS } from "./limits.ts";
import type { OptionValues } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** Gives a space another model. */
export const reembedCommand: Command = {
  name: "reembed",
  summary: "embed a space's documents with another model",
  usage: "<space>",
  operands: { min: 1, max: 1 },
  options: [...LINK_OPTIONS, ...EMBEDDING_OPTIONS, "json", "help"],
  examples: [
    [
      "millrace reembed docs --embedding openai --embedding-url http://127.0.0.1:11434/v1 --embedding-model nomic-embed-text",
      "by a local service",
    ],
    [
      "millrace reembed docs --embedding static --url http://127.0.0.1:4100",
      "in a running engine, by the built-in model",
    ],
  ],
  notes: [
    "Until it is done the space answers by its old model, and documents can be added and removed. Ctrl-C, a failure or a crash leaves it as it was. A running engine uses the service and the models it was started with.",
    "Spaces that hold observations cannot be given another model.",
    "--json prints {space, state, from, to, total, embedded, elapsedMs, error?}. Exit code 0: the space has that model (or had it, unchanged); 1: it failed, and the space is as it was.",
  ],
  run: reembed,
};

async function reembed(context: CommandContext): Promise<ExitCode> {
  const { operands, options, terminal, signal } = context;
  const space = toSpaceId(operands[0]);
  const embedding = wanted(context);
  await using link = await openEngine(context, { mustExist: true });
  const { client } = link;
  const begun = await client.space(space).reembed(embedding, { signal });
  const end = await follow(client, begun, context);
  if (options.json) terminal.json(end);
  else say(terminal, end);
  if (signal.aborted) return 130;
  return end.state === "done" || end.state === "unchanged" ? 0 : 1;
}

/** An option that is given, for it is not to be the default by accident. */
function wanted({ given, options }: CommandContext): ReembedRequest["embedding"] {
  if (!given.has("embedding")) {
    const text = "reembed with what? say it with --embedding static, openai or transformers";
    throw new MillraceError("invalid_argument", text);
  }
  const provider: OptionValues["embedding"] = options.embedding;
  const model = options["embedding-model"];
  return provider === "static" || model === undefined ? { provider } : { provider, model };
}

/** Settles with the run as it ended; Ctrl-C cancels it. */
async function follow(client: Client, begun: Reembed, { terminal, signal }: CommandContext): Promise<Reembed> {
  const handle = client.space(begun.space);
  let shown = begun;
  try {
    while (shown.state === "running") {
      if (terminal.isInteractive) terminal.redraw(progress(shown));
      shown = await handle.reembedding({ waitMs: REEMBED_LOOK_MS, signal });
    }
    return shown;
  } catch (error) {
    if (!signal.aborted) throw error;
    // It may have ended in this moment.
    return await handle.cancelReembed().catch(() => handle.reembedding());
  } finally {
    if (terminal.isInteractive) terminal.redraw("");
  }
}

function progress({ embedded, total, elapsedMs }: Reembed): string {
  const count = `  ${formatCount(embedded)}/${formatCount(total)} passages`;
  if (embedded === 0 || elapsedMs === 0) return `${count}  starting …`;
  const perSecond = (embedded / elapsedMs) * 1000;
  const left = formatDuration(((total - embedded) / perSecond) * 1000);
  return `${count}  ${formatCount(Math.round(perSecond))}/s  ${left} left`;
}

function say(
  { out, err, style, styleErr }: Terminal,
  { space, state, from, to, embedded, elapsedMs, error }: Reembed,
): void {
  const [before, after] = [from, to].map(({ provider, model, dims }) => `${provider} ${model} (${dims})`);
  const count = `${formatPlural(embedded, "passage")} in ${formatDuration(elapsedMs)}`;
  const why = error ? `: ${error.message} (${error.code})` : "";
  if (state === "unchanged") out(`${space} is embedded by ${after} already; nothing was done`);
  else if (state === "done")
    out(`${style("green", "✓")} ${space} is embedded by ${after} instead of ${before}: ${count}`);
  else err(`${styleErr("red", "✗")} ${state}${why}; ${space} is as it was, embedded by ${before}`);
}
