/** What an engine that was filled does next: it is opened again, and a third of what it holds is replaced. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MillraceError } from "@millrace/core";
import type { IngestRun } from "../ingest/run-ingest.ts";
import { type BenchCase, defineCase, type Measurement } from "../src/case.ts";
import { optional, present } from "../vector/measure/figure-names.ts";
import { loadSetOrNote } from "../vector/measure/or-note.ts";
import { rowOf, shareSet, type VectorSet } from "../vector/measure/vector-set.ts";

const ENGINE = {
  profile: undefined,
  workers: undefined,
  laneCapacity: undefined,
  lane: "normal",
  isGraphForced: false,
} as const;
const RELOAD = { rate: 50_000, seconds: 4, spaces: 8 };
const CHURN = { rows: 40_000, tenths: 3, rounds: 3, rate: 20_000, batch: 200 };

async function inDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), "millrace-ingest-"));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function setup(): Promise<VectorSet | undefined> {
  const set = await loadSetOrNote("bge-768");
  return set && shareSet(set);
}

/** Fills a directory, opens it again, asks every space once. */
async function reload(set: VectorSet, directory: string): Promise<Measurement> {
  const { ingestSet } = await import("../ingest/ingest-command.ts");
  const { openEngineTarget } = await import("../ingest/engine-target.ts");
  const run: IngestRun = {
    ...{ ...RELOAD, recalls: 0, skew: 0, hot: undefined, batch: 125 },
    ...{ lane: "normal", encoding: "f32", settleSeconds: 0, seed: 1 },
  };
  const { result, problems } = await ingestSet(set, { run, engine: ENGINE, isWire: false, directory, isJson: true });
  if (problems.length > 0) throw new MillraceError("internal", problems.join("; "));
  const startMs = performance.now();
  await using target = await openEngineTarget({ ...ENGINE, directory, dims: set.dims, encoding: "f32" });
  const openedMs = performance.now();
  for (let space = 0; space < RELOAD.spaces; space++) {
    const found = await target.recall(`bench-${space}`, rowOf(set.query, space, set.dims), 10);
    if (found.length !== 10)
      throw new MillraceError("internal", `space ${space} answered with ${found.length} of 10 rows`);
  }
  const askedMs = performance.now();
  return {
    rows: result.indexed,
    open: openedMs - startMs,
    firstRecalls: askedMs - openedMs,
    rowsPerSecond: (result.indexed * 1_000) / (openedMs - startMs),
  };
}

export const cases: readonly BenchCase[] = [
  defineCase({
    name: "ingest/reload",
    title: "opening an engine of 200,000 observations in 8 spaces, and the first recall of each",
    unit: "ms",
    isSelfWarming: true,
    figures: optional({
      open: { kind: "latency" },
      firstRecalls: { kind: "latency" },
      rowsPerSecond: { kind: "throughput", unit: "observations/s" },
      rows: { kind: "plain", unit: "observations" },
    }),
    options: { ...RELOAD, set: "bge-768" },
    setup,
    run: (set) => (set ? inDirectory((directory) => reload(set, directory)) : {}),
  }),
  defineCase({
    name: "ingest/churn-30",
    title: "40,000 observations of which 30 % are replaced, three times",
    unit: "observations/s",
    isSelfWarming: true,
    figures: optional({
      removes: { kind: "throughput" },
      adds: { kind: "throughput" },
      recallBefore: { kind: "throughput", unit: "recall@10" },
      recallAfter: { kind: "throughput", unit: "recall@10", bar: 0.95 },
      rssBefore: { kind: "latency", unit: "MB" },
      rssAfter: { kind: "latency", unit: "MB" },
    }),
    options: { ...CHURN, set: "bge-768" },
    setup,
    run: async (set) => {
      if (!set) return {};
      const { measureChurn } = await import("../ingest/measure-churn.ts");
      const { openEngineTarget } = await import("../ingest/engine-target.ts");
      return inDirectory(async (directory) => {
        await using target = await openEngineTarget({ ...ENGINE, directory, dims: set.dims, encoding: "f32" });
        const churn = await measureChurn(target, set, CHURN);
        return present({
          removes: churn.removesPerSecond,
          adds: churn.addsPerSecond,
          recallBefore: churn.recallBefore,
          recallAfter: churn.recallAfter,
          rssBefore: churn.rssBeforeMb,
          rssAfter: churn.rssAfterMb,
        });
      });
    },
  }),
];
