import { unreachable } from "@millrace/core";
import type { FigureKind } from "./case.ts";
import { LATENCY_RATIO_MAX, THROUGHPUT_RATIO_MIN } from "./limits.ts";
import type { BenchResult } from "./result.ts";

export type Verdict = "regression" | "improvement" | "same" | "missing";

export type FigureComparison = {
  readonly case: string;
  readonly figure: string;
  readonly unit: string;
  readonly kind: FigureKind;
  readonly old: number;
  /** Absent when the new results lack the case or the figure. */
  readonly new?: number;
  /** new / old. */
  readonly ratio?: number;
  readonly verdict: Verdict;
};

export type Comparison = {
  readonly figures: readonly FigureComparison[];
  readonly regressions: number;
  readonly missing: number;
  /** What makes the two hard to compare: another machine or runtime. */
  readonly warnings: readonly string[];
};

/**
 * Medians of each figure, new against old. A regression is a throughput below 0.90× or a latency above 1.15× of the old one; the
 * same distance the other way is an improvement. What only the new results have is not compared.
 */
export function compareResults(old: readonly BenchResult[], fresh: readonly BenchResult[]): Comparison {
  const byName = new Map(fresh.map((result) => [result.case, result]));
  const figures = old.flatMap((result) => compareCase(result, byName.get(result.case)));
  const count = (verdict: Verdict) => figures.filter((figure) => figure.verdict === verdict).length;
  return { figures, regressions: count("regression"), missing: count("missing"), warnings: warningsOf(old, byName) };
}

function compareCase(old: BenchResult, fresh: BenchResult | undefined): FigureComparison[] {
  return Object.entries(old.figures).map(([figure, { kind, unit, median }]) => {
    const base = { case: old.case, figure, unit, kind, old: median };
    const now = fresh?.figures[figure]?.median;
    if (now === undefined) return { ...base, verdict: "missing" };
    const ratio = median === now ? 1 : now / median;
    return { ...base, new: now, ratio, verdict: verdictOf(kind, ratio) };
  });
}

function verdictOf(kind: FigureKind, ratio: number): Verdict {
  switch (kind) {
    case "throughput":
      return ratio < THROUGHPUT_RATIO_MIN ? "regression" : ratio > 1 / THROUGHPUT_RATIO_MIN ? "improvement" : "same";
    case "latency":
      return ratio > LATENCY_RATIO_MAX ? "regression" : ratio < 1 / LATENCY_RATIO_MAX ? "improvement" : "same";
    case "plain":
      return "same";
    default:
      return unreachable(kind);
  }
}

function warningsOf(old: readonly BenchResult[], fresh: ReadonlyMap<string, BenchResult>): string[] {
  const warnings = new Set<string>();
  for (const { case: name, machine, options } of old) {
    const now = fresh.get(name);
    if (!now) continue;
    for (const key of ["cpu", "cores", "node"] as const) {
      if (machine[key] !== now.machine[key]) warnings.add(`${key}: ${machine[key]} before, ${now.machine[key]} now`);
    }
    if (JSON.stringify(options) !== JSON.stringify(now.options)) warnings.add(`${name} was run with other options`);
  }
  return [...warnings];
}
