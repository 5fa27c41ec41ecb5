import { type RecallResponse, type RecallResult, toSpaceId } from "@millrace/client";
import type { Command, CommandContext, ExitCode } from "../command.ts";
import { EMBEDDING_OPTIONS, LINK_OPTIONS, openEngine } from "../engine-link.ts";
import { cut, formatDuration, formatPlural } from "../format.ts";
import { PASSAGE_LINES_MAX, TEXT_COLUMNS_MAX } from "../limits.ts";
import type { Terminal } from "../terminal.ts";
import { afterHeadings, setPassage } from "./passage.ts";

const INDENT = "    ";

/** Asks a space a question. */
export const recallCommand: Command = {
  name: "recall",
  summary: "ask a space a question",
  usage: '"<question>"',
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  options: ["space", "k", "mode", ...LINK_OPTIONS, ...EMBEDDING_OPTIONS, "json", "help"],
  examples: [
    ['millrace recall "how does back pressure work?" --space docs', "by meaning and by words, in ./.millrace"],
    ['millrace recall "ERR_STREAM_DESTROYED" --mode text -k 3', "by exact words, three results"],
    [
      'millrace recall "refunds" --json --url http://127.0.0.1:4100',
      "a running engine, as {results: [{text, source, score, …}]}",
    ],
  ],
  notes: [
    "Below each passage stands what each list gave it: its rank there, the measure, its weight, and its share of the score.",
  ],
  run: recall,
};

async function recall(context: CommandContext): Promise<ExitCode> {
  const { options, operands, terminal, signal } = context;
  const space = toSpaceId(options.space);
  await using link = await openEngine(context, { mustExist: true });
  const request = { query: operands.join(" "), k: options.k, mode: options.mode };
  const response = await link.client.space(space).recall(request, { signal });
  if (options.json) terminal.json(response);
  else print(terminal, response);
  return 0;
}

function print(terminal: Terminal, { results, space, chunks, tookMs, mode }: RecallResponse): void {
  const { out, err, style } = terminal;
  if (results.length === 0) {
    err(`Nothing matches in the ${formatPlural(chunks, "passage")} of space ${space}.`);
    return;
  }
  results.forEach((result, at) => {
    printResult(terminal, result, at + 1);
  });
  out(
    style(
      "dim",
      `${formatPlural(results.length, "result")} of ${formatPlural(chunks, "passage")} in space ${space} · ${mode} · ${formatDuration(tookMs)}`,
    ),
  );
}

function printResult(terminal: Terminal, result: RecallResult, place: number): void {
  const { out, style } = terminal;
  const columns = Math.min(terminal.columns, TEXT_COLUMNS_MAX);
  const score = result.score.toFixed(2);
  const path = result.headings.length > 0 ? result.headings : [result.title];
  const heading = cut(path.filter(Boolean).join(" › ") || result.source, columns - INDENT.length - score.length - 2);
  const space = " ".repeat(Math.max(2, columns - INDENT.length - heading.length - score.length));
  out(`${style("cyan", `${String(place).padStart(2)}  `)}${style("bold", heading)}${space}${style("cyan", score)}`);
  const page = result.page === undefined ? "" : `, page ${result.page}`;
  out(`${INDENT}${style("underline", result.source)}${page}`);
  const from = afterHeadings(result.text, result.headings);
  const highlights = result.highlights.map((offsets) => offsets.map((offset) => offset - from));
  const room = { columns: columns - INDENT.length, linesMax: PASSAGE_LINES_MAX };
  const lines = setPassage(result.text.slice(from), highlights, room);
  for (const line of lines) {
    out(INDENT + line.map(({ text, isHit }) => (isHit ? style(["bold", "yellow"], text) : text)).join(""));
  }
  out(style("dim", INDENT + termsOf(result)));
  out();
}

/** `text #1 bm25 7.20 ×0.70 → 0.55 · vector #4 similarity 0.61 ×0.30 → 0.28`. */
function termsOf({ terms: { text, vector } }: RecallResult): string {
  const parts: string[] = [];
  if (text)
    parts.push(`text #${text.rank} bm25 ${text.bm25.toFixed(2)} ×${text.weight.toFixed(2)} → ${text.share.toFixed(2)}`);
  if (vector) {
    const { rank, similarity, weight, share } = vector;
    parts.push(`vector #${rank} similarity ${similarity.toFixed(2)} ×${weight.toFixed(2)} → ${share.toFixed(2)}`);
  }
  return parts.join(" · ");
}
