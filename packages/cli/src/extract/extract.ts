/** One page or file read: Markdown on stdout, or everything that is known of it as JSON. */
import { createClient, type ExtractCallOptions, type PageDocument } from "@millrace/client";
import { MillraceError } from "@millrace/core";
import type { Command, CommandContext, ExitCode } from "../command.ts";
import type { OptionValues } from "../options.ts";
import { loadServer } from "../server-module.ts";
import { printBlocks, printDocument } from "./print-document.ts";
import { type ExtractOperand, readOperand } from "./read-operand.ts";

export const extractCommand: Command = {
  name: "extract",
  summary: "read one page or file: clean Markdown, metadata, links",
  usage: "<url|file|->",
  operands: { min: 1, max: 1 },
  options: [
    "read-mode",
    "select",
    "explain",
    "md",
    "allow-private",
    "ignore-robots",
    "allow-degraded",
    "cache",
    "timeout",
    "source",
    "url",
    "json",
    "help",
  ],
  examples: [
    ["millrace extract https://example.org/guide", "the page's main text as Markdown"],
    ["millrace extract page.html --json", "text, Markdown, title, dates, links, quality and more of a saved page"],
    ['millrace extract https://example.org/ --select "main h2" --select "table.prices"', "what the selectors match"],
    ["millrace extract page.html --explain", "every block with its score: what was kept and what was dropped"],
    ["cat paper.pdf | millrace extract - --source paper.pdf --url http://127.0.0.1:4100", "by a running engine"],
  ],
  notes: [
    "Without --url it runs in this process and keeps nothing. Private and local addresses are refused unless --allow-private is given; a running engine has its own list (serve --allow-address).",
    "What a page lacks is said on stderr. --json prints one object, as POST /v1/extract answers it.",
  ],
  run: extract,
};

async function extract(context: CommandContext): Promise<ExitCode> {
  const { options, terminal } = context;
  checkUsage(context);
  const operand = await readOperand(context);
  const choice: ExtractCallOptions = { ...toChoice(options), signal: context.signal };
  const document = await (options.url === undefined
    ? readHere(operand, choice, options)
    : readThere(options.url, operand, choice));
  if (options.json) terminal.json(document);
  else if (options.explain) printBlocks(terminal, document);
  else printDocument(terminal, document);
  return 0;
}

function checkUsage({ options, given, operands }: CommandContext): void {
  const isWrong = (message: string) => {
    throw new MillraceError("invalid_argument", message);
  };
  if (options.json && options.md) isWrong("--json and --md are both given; give one");
  if (options.url !== undefined && options["allow-private"])
    isWrong("--allow-private is for this process; a running engine has its own list: serve --allow-address");
  if (given.has("cache") && options.url === undefined)
    isWrong("--cache is for a running engine, which keeps pages; add --url, or leave it out");
  if (options.source !== undefined && operands[0] !== "-")
    isWrong('--source names what is read from stdin; use it with "-"');
}

function toChoice(options: OptionValues): ExtractCallOptions {
  const { "read-mode": mode, select, timeout, explain, url, cache } = options;
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(select.length === 0 ? {} : { selectors: [...select] }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(explain ? { explain } : {}),
    ...(options["allow-degraded"] ? { allowDegraded: true } : {}),
    ...(options["ignore-robots"] ? { ignoreRobots: true } : {}),
    ...(url === undefined ? {} : { cache }),
  };
}

async function readThere(url: string, operand: ExtractOperand, choice: ExtractCallOptions): Promise<PageDocument> {
  const client = createClient({ url });
  try {
    return await client.extract(
      "url" in operand ? operand.url : { file: operand.bytes, source: operand.source },
      choice,
    );
  } finally {
    client.close();
  }
}

/** Ranges that hold every address. */
const EVERYWHERE = ["0.0.0.0/0", "::/0"];

async function readHere(
  operand: ExtractOperand,
  choice: ExtractCallOptions,
  options: OptionValues,
): Promise<PageDocument> {
  const { createPageService } = await loadServer();
  await using service = createPageService({ fetching: { allow: options["allow-private"] ? EVERYWHERE : [] } });
  return await service.reader.read(operand, choice);
}
