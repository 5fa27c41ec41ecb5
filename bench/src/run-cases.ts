import { checkInteger } from "@millrace/core";
import type { BenchCase, Measurement } from "./case.ts";
import { type ChildRun, runBaseline, runChild } from "./child.ts";
import { CASES_DIRECTORY, chooseCases, findCases } from "./find-cases.ts";
import { REPEATS_MAX, WARMUP_MAX } from "./limits.ts";
import { type BenchResult, describeCommit, describeMachine, summarise, writeResult } from "./result.ts";

export type RunOptions = {
  /** Regular expression over case names. Default: all. */
  readonly pattern?: string;
  /** Measured runs of each case, each in its own process. 1–100, default 5. */
  readonly repeats?: number;
  /** Unmeasured runs before each measured one, in the same process. 0–100, default 1. */
  readonly warmup?: number;
  /** Directory to write one JSON file a case into. Default: none is written. */
  readonly out?: string;
  /** A shell command run in turn with each run: `COMMAND NAME --warmup N` must print the same figures (see run-case.ts). */
  readonly baseline?: string;
  /** Default: bench/cases. */
  readonly casesDirectory?: string;
  readonly signal?: AbortSignal;
  /** Told before each run. */
  readonly onRun?: (name: string, repeat: number) => void;
};

/**
 * Runs the chosen cases, one child process at a time. Repeats go round all the cases (A B C A B C …), so that a slow spell of the
 * machine is shared out instead of falling on one case; with a baseline each run is followed by the baseline's.
 */
export async function runCases(options: RunOptions = {}): Promise<BenchResult[]> {
  const repeats = checkInteger("repeats", options.repeats ?? 5, { min: 1, max: REPEATS_MAX });
  const warmup = checkInteger("warmup", options.warmup ?? 1, { min: 0, max: WARMUP_MAX });
  const casesDirectory = options.casesDirectory ?? CASES_DIRECTORY;
  const chosen = chooseCases(await findCases(casesDirectory), options.pattern);
  const origin = { ...describeCommit(), machine: describeMachine(), startedAt: new Date().toISOString() };
  const runs = chosen.map((benchCase) => ({
    benchCase,
    own: [] as Measurement[],
    baseline: [] as Measurement[],
    notes: new Set<string>(),
  }));
  for (let repeat = 1; repeat <= repeats; repeat++) {
    for (const { benchCase, own, baseline, notes } of runs) {
      options.onRun?.(benchCase.name, repeat);
      const run: ChildRun = {
        name: benchCase.name,
        warmup,
        casesDirectory,
        ...(options.signal ? { signal: options.signal } : {}),
      };
      const outcome = await runChild(run);
      own.push(outcome.figures);
      for (const note of outcome.notes) notes.add(note);
      if (options.baseline !== undefined) baseline.push((await runBaseline(options.baseline, run)).figures);
    }
  }
  const results = runs.map(({ benchCase, own, baseline, notes }): BenchResult => {
    const command = options.baseline;
    return {
      ...describe(benchCase, own),
      repeats,
      warmup,
      ...(notes.size === 0 ? {} : { notes: [...notes].sort() }),
      ...(command === undefined ? {} : { baseline: { command, figures: summariseAll(benchCase, baseline) } }),
      ...origin,
    };
  });
  if (options.out !== undefined) for (const result of results) writeResult(options.out, result);
  return results;
}

function describe(benchCase: BenchCase, own: readonly Measurement[]) {
  const { name, title, unit, figures, options } = benchCase;
  // A figure no run could measure is left out; one that some could is summarised over those.
  const measured = Object.entries(figures).flatMap(([figure, { isOptional: _, ...declared }]) => {
    const having = own.filter((measurement) => figure in measurement);
    return having.length === 0 ? [] : [[figure, { unit, ...declared, ...summarise(having, figure) }]];
  });
  return { case: name, title, unit, figures: Object.fromEntries(measured), options };
}

function summariseAll(benchCase: BenchCase, measurements: readonly Measurement[]) {
  const measured = Object.keys(benchCase.figures).filter((figure) => measurements.some((one) => figure in one));
  return Object.fromEntries(
    measured.map((figure) => [
      figure,
      summarise(
        measurements.filter((one) => figure in one),
        figure,
      ),
    ]),
  );
}
