import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { arch, cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { MillraceError } from "@millrace/core";
import type { CaseOptions, Figure, Measurement } from "./case.ts";

export type Summary = {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** In the order they were run. */
  readonly samples: readonly number[];
};

export type FigureResult = Summary & Required<Pick<Figure, "kind" | "unit">> & { readonly bar?: number };

export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly os: string;
};

/** What one case measured, as it is kept in bench/results. */
export type BenchResult = {
  readonly case: string;
  readonly title: string;
  readonly unit: string;
  readonly figures: Readonly<Record<string, FigureResult>>;
  readonly options: CaseOptions;
  readonly repeats: number;
  readonly warmup: number;
  /** What runs said beside their figures, for example that a peer is missing. */
  readonly notes?: readonly string[];
  /** The same figures by the baseline command, run in turn with these. */
  readonly baseline?: { readonly command: string; readonly figures: Readonly<Record<string, Summary>> };
  readonly machine: Machine;
  readonly commit: string;
  /** Whether tracked files differed from the commit. */
  readonly dirty: boolean;
  readonly startedAt: string;
};

/** Median (mean of the middle two when even), least and greatest of each figure. */
export function summarise(measurements: readonly Measurement[], figure: string): Summary {
  const samples = measurements.map((measurement) => {
    const value = measurement[figure];
    if (value === undefined) throw new MillraceError("internal", `a run did not measure ${figure}`);
    return value;
  });
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
    samples,
  };
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryBytes: totalmem(),
    node: process.version,
    os: `${type()} ${release()} ${arch()}`,
  };
}

/** The commit of this checkout and whether tracked files differ from it; `unknown` outside a checkout. */
export function describeCommit(): { commit: string; dirty: boolean } {
  const git = (...args: string[]) =>
    execFileSync("git", args, {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    return { commit: git("rev-parse", "HEAD"), dirty: git("status", "--porcelain", "--untracked-files=no") !== "" };
  } catch {
    return { commit: "unknown", dirty: true };
  }
}

export function resultFileName(name: string): string {
  return `${name.replaceAll("/", ".")}.json`;
}

export function writeResult(directory: string, result: BenchResult): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, resultFileName(result.case)), `${JSON.stringify(result, undefined, 2)}\n`);
}

/** The results of a directory, or of one file, in order of case name. `not_found` when there are none. */
export function readResults(path: string): BenchResult[] {
  const files = listFiles(path);
  if (files.length === 0) throw new MillraceError("not_found", `${path} holds no result; run "bench run" first`);
  const results = files.map((file) => parseResult(file));
  return results.sort((a, b) => (a.case < b.case ? -1 : 1));
}

function listFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((file) => file.endsWith(".json"))
      .map((file) => join(path, file));
  } catch (cause) {
    throw new MillraceError("not_found", `${path} cannot be read; give a directory of results or one result`, {
      cause,
    });
  }
}

function parseResult(file: string): BenchResult {
  let parsed: Partial<BenchResult> | null = null;
  try {
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // Said below.
  }
  if (typeof parsed?.case === "string" && typeof parsed.figures === "object") return parsed as BenchResult;
  throw new MillraceError("invalid_argument", `${file} is not a benchmark result`);
}
