/** The command: `run`, `list`, `compare`, `report`, `streams`, `index`, `ingest`, `extract`. See bench/README.md. */
import { parseArgs } from "node:util";
import { MillraceError } from "@millrace/core";
import { EXTRACT_USAGE } from "../extract/extract-options.ts";
import { INGEST_USAGE } from "../ingest/ingest-options.ts";
import { STREAMS_USAGE } from "../load/load-options.ts";
import { runStreamsCommand } from "../load/streams-command.ts";
import { runIndexCommand } from "../vector/index-command.ts";
import { INDEX_USAGE } from "../vector/index-options.ts";
import { type Comparison, compareResults } from "./compare.ts";
import { findCases } from "./find-cases.ts";
import { formatNumber, formatTable } from "./format.ts";
import { RESULTS_DIRECTORY, report } from "./report.ts";
import { type BenchResult, readResults } from "./result.ts";
import { runCases } from "./run-cases.ts";

const USAGE = `bench run [REGEX] [--repeats N] [--warmup N] [--out DIR] [--baseline COMMAND] [--json]
bench list [--json]
bench compare OLD NEW [--json]     exit 1 on a regression
bench report [--check]             exit 1 when the docs differ from bench/results
${STREAMS_USAGE}
${INDEX_USAGE}
${INGEST_USAGE}
${EXTRACT_USAGE}`;

const FLAGS = {
  repeats: { type: "string" },
  warmup: { type: "string" },
  out: { type: "string" },
  baseline: { type: "string" },
  json: { type: "boolean", default: false },
  check: { type: "boolean", default: false },
} as const;

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: FLAGS, allowPositionals: true });
  } catch (cause) {
    throw new MillraceError("invalid_argument", `${cause instanceof Error ? cause.message : cause}\n${USAGE}`, {
      cause,
    });
  }
}

/** Returns the exit code. */
async function main(args: string[]): Promise<number> {
  if (args[0] === "streams") return runStreamsCommand(args.slice(1));
  if (args[0] === "index") return runIndexCommand(args.slice(1));
  // Loaded only here: with it comes the engine.
  if (args[0] === "ingest") return (await import("../ingest/ingest-command.ts")).runIngestCommand(args.slice(1));
  if (args[0] === "extract") return (await import("../extract/extract-command.ts")).runExtractCommand(args.slice(1));
  const { values, positionals } = parse(args);
  const [command, first, second] = positionals;
  switch (command) {
    case "run":
      return run(first, values);
    case "list":
      return list(values.json);
    case "compare": {
      if (first === undefined || second === undefined) break;
      const comparison = compareResults(readResults(first), readResults(second));
      console.log(values.json ? JSON.stringify(comparison) : describeComparison(comparison));
      return comparison.regressions > 0 ? 1 : 0;
    }
    case "report": {
      const { changed } = report({ isCheck: values.check });
      for (const path of changed) console.log(`${values.check ? "differs" : "wrote"}: docs/${path}`);
      return values.check && changed.length > 0 ? 1 : 0;
    }
  }
  throw new MillraceError("invalid_argument", USAGE);
}

async function run(pattern: string | undefined, values: ReturnType<typeof parse>["values"]): Promise<number> {
  const { repeats, warmup, baseline, json } = values;
  const results = await runCases({
    out: values.out ?? RESULTS_DIRECTORY,
    onRun: (name, repeat) => console.error(`${name} run ${repeat}`),
    ...(pattern === undefined ? {} : { pattern }),
    ...(repeats === undefined ? {} : { repeats: Number(repeats) }),
    ...(warmup === undefined ? {} : { warmup: Number(warmup) }),
    ...(baseline === undefined ? {} : { baseline }),
  });
  console.log(json ? JSON.stringify(results) : describeResults(results));
  return 0;
}

async function list(json: boolean): Promise<number> {
  const cases = (await findCases()).map(({ name, title, unit, options }) => ({ name, title, unit, options }));
  console.log(json ? JSON.stringify(cases) : formatTable(cases.map(({ name, title }) => [`${name}  ${title}`])));
  return 0;
}

function describeResults(results: readonly BenchResult[]): string {
  const head = ["case", "figure", "median", "min", "max", "baseline", "ratio"];
  const rows = results.flatMap((result) =>
    Object.entries(result.figures).map(([name, { median, min, max, unit }]) => {
      const base = result.baseline?.figures[name]?.median;
      const against = base === undefined ? ["", ""] : [formatNumber(base), `${formatNumber(median / base)}×`];
      return [result.case, name, `${formatNumber(median)} ${unit}`, formatNumber(min), formatNumber(max), ...against];
    }),
  );
  return formatTable([head, ...rows]);
}

function describeComparison({ figures, regressions, missing, warnings }: Comparison): string {
  const rows = figures.map((figure) => [
    `${figure.case} ${figure.figure}`,
    `${formatNumber(figure.old)} ${figure.unit}`,
    figure.new === undefined ? "–" : formatNumber(figure.new),
    figure.ratio === undefined ? "–" : `${figure.ratio.toFixed(2)}×`,
    figure.verdict,
  ]);
  const summary = `${regressions} regressions, ${missing} missing of ${figures.length} figures`;
  return [formatTable([["figure", "old", "new", "ratio", "verdict"], ...rows]), ...warnings, summary].join("\n");
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof MillraceError ? error.message : error);
  process.exitCode = 2;
}
