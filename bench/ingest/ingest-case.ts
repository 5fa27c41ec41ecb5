/** A benchmark case whose figures are those of one run of `bench ingest` on real embeddings. */
import { MillraceError } from "@millrace/core";
import { type BenchCase, type CaseOptions, defineCase, type Figure, type Measurement } from "../src/case.ts";
import { optional, present } from "../vector/measure/figure-names.ts";
import { loadSetOrNote } from "../vector/measure/or-note.ts";
import { shareSet } from "../vector/measure/vector-set.ts";
import { batchFor, type EngineSetting } from "./ingest-options.ts";
import type { IngestResult } from "./ingest-result.ts";
import type { IngestRun } from "./run-ingest.ts";

/** Figures that must be reached. */
export type Bars = Partial<Record<keyof typeof FIGURES, number>>;

export type IngestCase = {
  readonly name: string;
  readonly title: string;
  readonly run: Partial<IngestRun>;
  readonly engine?: Partial<EngineSetting>;
  readonly isWire?: boolean;
  readonly bars?: Bars;
};

const FIGURES = {
  indexed: { kind: "throughput" },
  accepted: { kind: "throughput" },
  durable: { kind: "throughput" },
  refused: { kind: "plain", unit: "observations" },
  recall: { kind: "throughput", unit: "recall@10" },
  recallUnderLoad: { kind: "throughput", unit: "recall@10" },
  acceptedP99: { kind: "latency", unit: "ms" },
  durableP50: { kind: "latency", unit: "ms" },
  durableP99: { kind: "latency", unit: "ms" },
  searchableP50: { kind: "latency", unit: "ms" },
  searchableP99: { kind: "latency", unit: "ms" },
  indexedP99: { kind: "latency", unit: "ms" },
  recallP50: { kind: "latency", unit: "ms" },
  recallP99: { kind: "latency", unit: "ms" },
  lateP99: { kind: "plain", unit: "ms" },
  rss: { kind: "latency", unit: "MB" },
  rssAfter: { kind: "latency", unit: "MB" },
  rssGrowth: { kind: "plain", unit: "%" },
  cores: { kind: "plain", unit: "cores" },
} as const satisfies Record<string, Figure>;

/** What a row is measured with unless it says otherwise. */
const RUN: IngestRun = {
  ...{ rate: 100_000, seconds: 4, recalls: 20, spaces: 8, skew: 0, hot: undefined },
  ...{ lane: "normal", batch: 250, encoding: "f32", settleSeconds: 0, seed: 1 },
};

export function ingestCase({ name, title, run, engine = {}, isWire = false, bars = {} }: IngestCase): BenchCase {
  const whole: IngestRun = { ...RUN, ...(run.rate ? { batch: batchFor(run.rate) } : {}), ...run };
  return defineCase({
    name: `ingest/${name}`,
    title,
    unit: "observations/s",
    isSelfWarming: true,
    figures: figuresWith(bars),
    options: { ...plain(whole), ...plain(engine), wire: isWire, set: "bge-768" },
    setup: async () => {
      const set = await loadSetOrNote("bge-768");
      return set && shareSet(set);
    },
    run: async (set) => {
      if (!set) return {};
      const setting = {
        profile: undefined,
        workers: undefined,
        laneCapacity: undefined,
        isGraphForced: false,
        ...engine,
      };
      const parts = {
        run: whole,
        engine: { ...setting, lane: whole.lane },
        isWire,
        directory: undefined,
        isJson: true,
      };
      // Loaded only here: with it comes the engine.
      const { ingestSet } = await import("./ingest-command.ts");
      const { result, problems } = await ingestSet(set, parts);
      if (problems.length > 0) throw new MillraceError("internal", `${name}: ${problems.join("; ")}`);
      return figuresOf(result);
    },
  });
}

/** The whole set of figures of a run; those that it did not have (recalls, settling) left out. */
export function figuresOf(result: IngestResult): Measurement {
  return present({
    indexed: result.indexedPerSecond,
    accepted: result.acceptedPerSecond,
    durable: result.durablePerSecond,
    refused: result.refused,
    recall: result.recallAt10 ?? undefined,
    recallUnderLoad: result.recallAt10UnderLoad ?? undefined,
    acceptedP99: result.acceptedMs.p99 ?? undefined,
    durableP50: result.durableMs.p50 ?? undefined,
    durableP99: result.durableMs.p99 ?? undefined,
    searchableP50: result.searchableMs.p50 ?? undefined,
    searchableP99: result.searchableMs.p99 ?? undefined,
    indexedP99: result.indexedMs.p99 ?? undefined,
    recallP50: result.recallMs.p50 ?? undefined,
    recallP99: result.recallMs.p99 ?? undefined,
    lateP99: result.lateMs.p99 ?? undefined,
    rss: result.rssMb,
    rssAfter: result.rssAfterSettleMb,
    rssGrowth: result.rssGrowthPercent ?? undefined,
    cores: result.cpuCores,
  });
}

function figuresWith(bars: Bars): Record<string, Figure> {
  const withBar = (name: string, figure: Figure): Figure => {
    const bar = bars[name as keyof typeof FIGURES];
    return bar === undefined ? figure : { ...figure, bar };
  };
  return optional(Object.fromEntries(Object.entries(FIGURES).map(([name, figure]) => [name, withBar(name, figure)])));
}

function plain(options: Readonly<Record<string, string | number | boolean | undefined>>): CaseOptions {
  return Object.fromEntries(
    Object.entries(options).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined),
  );
}
