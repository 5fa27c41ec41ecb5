/** One run: warm-up, load, drain, settling, judgement. */
import { setTimeout as sleep } from "node:timers/promises";
import { MillraceError } from "@millrace/core";
import type { Lane, VectorEncoding } from "@millrace/protocol";
import { rowsIn, type VectorSet } from "../vector/measure/vector-set.ts";
import { type IngestResult, percentilesOf, problemsOf, rounded } from "./ingest-result.ts";
import { type JudgedRun, judgeRun } from "./judge-run.ts";
import { MemoryWatch } from "./memory-watch.ts";
import { createNoisySource, NoisyVectors } from "./noisy-vectors.ts";
import { runOpenLoop } from "./open-loop.ts";
import { type Pace, systemPace } from "./pace.ts";
import { Producer } from "./producer.ts";
import { RecallLoad } from "./recall-load.ts";
import { createSpaceChoice } from "./space-choice.ts";
import type { IngestTarget } from "./target.ts";
import { warmUp } from "./warm-up.ts";

const MB = 1024 * 1024;

export type IngestRun = {
  /** Observations a second, and for how long. */
  readonly rate: number;
  readonly seconds: number;
  /** Recalls a second meanwhile. */
  readonly recalls: number;
  readonly spaces: number;
  /** See SpaceChoiceOptions. */
  readonly skew: number;
  readonly hot: number | undefined;
  readonly lane: Lane;
  readonly batch: number;
  readonly encoding: VectorEncoding;
  /** How long memory is watched after the load. */
  readonly settleSeconds: number;
  readonly seed: number;
};

export type RunParts = {
  /** The vectors; its base in memory that threads share. */
  readonly set: VectorSet;
  readonly target: IngestTarget;
  /** Resident memory before the target was opened. */
  readonly rssBeforeBytes: number;
  readonly pace?: Pace;
  /** Told what goes on, for a person. */
  readonly onStage?: (stage: string) => void;
};

/** What a run measured, and why it counts for nothing: no problems when it is sound. */
export type IngestOutcome = { readonly result: IngestResult; readonly problems: readonly string[] };

/** A load at intended times and what became of it. Rejects when the producer cannot offer it or the target fails outright. */
export async function runIngest(run: IngestRun, parts: RunParts): Promise<IngestOutcome> {
  const { set, target, pace = systemPace, onStage = () => {} } = parts;
  const vectors = new NoisyVectors(createNoisySource(set.base, set.dims, run.seed));
  onStage("warming up");
  await warmUp(run, { vectors, target, pace });
  using memory = new MemoryWatch(() => target.rssBytes());
  const spaces = Array.from({ length: run.spaces }, (_, at) => `bench-${at}`);
  const choose = createSpaceChoice(run);
  const producer = await Producer.open(target, { ...run, spaces, vectors, choose, pace });
  const { sessions } = producer;
  const recalls = new RecallLoad({ target, spaces, sessions, query: set.query, dims: set.dims, pace });
  onStage(`sending ${run.rate} observations a second for ${run.seconds} s`);
  const load = await runLoad(run, { target, producer, recalls, pace });
  const { peakBytes } = memory;
  onStage(`settling for ${run.settleSeconds} s`);
  const settled = await settle(memory, run.settleSeconds);
  onStage("judging recall");
  const held = producer.held();
  const judged = await judgeRun({ set, vectors, target, spaces, held, recalls });
  const indexed = await countIndexed(producer, { target, spaces });
  await producer.close();
  const passes = Math.ceil(Math.max(...held) / rowsIn(set));
  const memoryFigures = { ...settled, peakBytes, beforeBytes: parts.rssBeforeBytes };
  const result = resultOf({ run, producer, recalls, load, judged, indexed, passes, memory: memoryFigures });
  return { result, problems: [...problemsOf(result), ...load.problems] };
}

type Actors = {
  readonly target: IngestTarget;
  readonly producer: Producer;
  readonly recalls: RecallLoad;
  readonly pace: Pace;
};
type Load = {
  readonly startMs: number;
  /** From the first intended sending to the last. */
  readonly sendMs: number;
  readonly cpuCores: number;
  readonly problems: readonly string[];
};

async function runLoad(run: IngestRun, { target, producer, recalls, pace }: Actors): Promise<Load> {
  const cpuMicros = target.cpuMicros();
  const total = Math.round(run.rate * run.seconds);
  const flows = [producer.flow({ rate: run.rate, total })];
  if (run.recalls > 0) flows.push(recalls.flow(run.recalls, run.seconds));
  const startMs = await runOpenLoop(flows, pace);
  const spentMs = pace.nowMs() - startMs;
  const cpuCores = (target.cpuMicros() - cpuMicros) / 1_000 / spentMs;
  const problems: string[] = [];
  await producer.indexed().catch((error: unknown) => problems.push(MillraceError.from(error).message));
  await recalls.settled();
  producer.flush();
  return {
    startMs,
    // The last batch has its share of the time too.
    sendMs: Math.max(spentMs, run.seconds * 1_000),
    cpuCores,
    problems,
  };
}

type Settled = { readonly endBytes: number; readonly growth: number | undefined };

async function settle(memory: MemoryWatch, seconds: number): Promise<Settled> {
  memory.reset();
  const beginBytes = memory.look();
  await sleep(seconds * 1_000);
  const endBytes = memory.look();
  return { endBytes, growth: seconds === 0 ? undefined : memory.peakBytes / beginBytes - 1 };
}

type Spaces = { readonly target: IngestTarget; readonly spaces: readonly string[] };

/** What the sessions say is indexed without what was put aside; where rows can be counted, no more than there are. */
async function countIndexed(producer: Producer, { target, spaces }: Spaces): Promise<number> {
  const told = producer.reached("indexed") - producer.deadLetters;
  if (!target.rows) return told;
  let rows = 0;
  for (const space of spaces) rows += await target.rows(space);
  return Math.min(told, rows);
}

type Measured = {
  readonly run: IngestRun;
  readonly producer: Producer;
  readonly recalls: RecallLoad;
  readonly load: Load;
  readonly judged: JudgedRun;
  readonly indexed: number;
  readonly passes: number;
  readonly memory: Settled & { readonly peakBytes: number; readonly beforeBytes: number };
};

function resultOf({ run, producer, recalls, load, judged, indexed, passes, memory }: Measured): IngestResult {
  const { sent, accepted, refused, marks, deadLetters } = producer;
  const durable = producer.reached("durable");
  const until = (endMs: number) => Math.max(load.sendMs, endMs - load.startMs) / 1_000;
  const perSecond = (count: number, endMs: number) => rounded(count / until(endMs));
  return {
    ...{ sent, accepted, indexed, refused },
    indexedPerSecond: perSecond(indexed, producer.lastIndexedMs),
    recallAt10: judged.recallAt10 === null ? null : rounded(judged.recallAt10),
    acceptedMs: percentilesOf(producer.acceptedMicros),
    durableMs: percentilesOf(marks.durable),
    searchableMs: percentilesOf(marks.searchable),
    indexedMs: percentilesOf(marks.indexed),
    recallMs: percentilesOf(recalls.micros),
    rssMb: rounded(memory.peakBytes / MB),
    rssAfterSettleMb: rounded(memory.endBytes / MB),
    ...{ durable, searchable: producer.reached("searchable"), deadLetters },
    refusals: Object.fromEntries(producer.refusals),
    offeredPerSecond: rounded(sent / (load.sendMs / 1_000)),
    acceptedPerSecond: rounded(accepted / (load.sendMs / 1_000)),
    durablePerSecond: perSecond(durable, producer.lastDurableMs),
    lateMs: percentilesOf(producer.lateMicros),
    recalls: recalls.answered,
    recallsFailed: recalls.failed,
    recallsPerSecond: rounded(recalls.answered / (load.sendMs / 1_000)),
    recallAt10UnderLoad: judged.underLoad === null ? null : rounded(judged.underLoad),
    ...{ ghosts: judged.ghosts, judged: judged.questions, spaces: run.spaces, passes },
    rssBeforeMb: rounded(memory.beforeBytes / MB),
    rssGrowthPercent: memory.growth === undefined ? null : rounded(memory.growth * 100),
    cpuCores: rounded(load.cpuCores),
    makeMicros: rounded((producer.makeMs * 1_000) / sent),
    submitMicros: rounded((producer.submitMs * 1_000) / sent),
    seconds: run.seconds,
  };
}
