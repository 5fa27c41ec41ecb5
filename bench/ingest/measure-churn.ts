/** Observations that come and go: a share is removed and as many new ones come, round after round. */
import { MillraceError } from "@millrace/core";
import { shareSet, type VectorSet } from "../vector/measure/vector-set.ts";
import { judgeRun } from "./judge-run.ts";
import { createNoisySource, NoisyVectors } from "./noisy-vectors.ts";
import { runOpenLoop } from "./open-loop.ts";
import { systemPace } from "./pace.ts";
import { Producer } from "./producer.ts";
import type { IngestTarget } from "./target.ts";
import type { Removed } from "./truth/question.ts";

export type ChurnOptions = {
  /** Observations of the one space. */
  readonly rows: number;
  /** Tenths of them that a round removes. */
  readonly tenths: number;
  readonly rounds: number;
  /** Observations a second. */
  readonly rate: number;
  readonly batch: number;
};

export type ChurnFigures = {
  readonly removesPerSecond: number;
  /** New ones, until they were indexed; at most the rate at which they were sent. */
  readonly addsPerSecond: number;
  readonly recallBefore: number;
  readonly recallAfter: number;
  readonly rssBeforeMb: number;
  readonly rssAfterMb: number;
};

const SPACE = "bench-0";
const MB = 1024 * 1024;
/** Of one call. */
const REMOVE_ROWS = 1_000;

/** Rejects with `internal` when a removed observation is found, when one could not be removed, or when one was refused. */
export async function measureChurn(
  target: IngestTarget,
  data: VectorSet,
  options: ChurnOptions,
): Promise<ChurnFigures> {
  const { rows, tenths, rounds } = options;
  const set = shareSet(data);
  const vectors = new NoisyVectors(createNoisySource(set.base, set.dims, 1));
  const producer = await Producer.open(target, {
    ...{ spaces: [SPACE], vectors, choose: () => 0, batch: options.batch, pace: systemPace },
    ...{ lane: "normal", encoding: "f32" },
  });
  const input = { set, vectors, target, spaces: [SPACE], recalls: { questions: [] } };
  await add(producer, rows, options);
  const before = await judgeRun({ ...input, held: producer.held() });
  const rssBeforeMb = target.rssBytes() / MB;
  let [removeMs, addMs] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const gone = rowsOf(rows, { from: round * tenths, to: (round + 1) * tenths });
    removeMs += await timed(() => removeAll(target, gone));
    const sendMs = (gone.length * 1_000) / options.rate;
    addMs += Math.max(sendMs, await timed(() => add(producer, gone.length, options)));
  }
  const removed: Removed = { below: rows, of: 10, first: rounds * tenths };
  const after = await judgeRun({ ...input, held: producer.held(), removed });
  if (after.ghosts > 0) throw new MillraceError("internal", `${after.ghosts} answers were rows that had been removed`);
  const changed = (rounds * tenths * rows) / 10;
  await producer.close();
  return {
    removesPerSecond: (changed * 1_000) / removeMs,
    addsPerSecond: (changed * 1_000) / addMs,
    recallBefore: before.recallAt10 ?? 0,
    recallAfter: after.recallAt10 ?? 0,
    rssBeforeMb,
    rssAfterMb: target.rssBytes() / MB,
  };
}

function rowsOf(rows: number, { from, to }: { readonly from: number; readonly to: number }): number[] {
  return Array.from({ length: rows }, (_, row) => row).filter((row) => row % 10 >= from && row % 10 < to);
}

async function add(producer: Producer, total: number, { rate }: ChurnOptions): Promise<void> {
  await runOpenLoop([producer.flow({ rate, total })], systemPace);
  await producer.indexed();
  if (producer.refused > 0) throw new MillraceError("internal", `${producer.refused} observations were refused`);
}

async function removeAll(target: IngestTarget, rows: readonly number[]): Promise<void> {
  if (!target.remove) throw new MillraceError("invalid_argument", "the target cannot remove observations");
  for (let at = 0; at < rows.length; at += REMOVE_ROWS) {
    const part = rows.slice(at, at + REMOVE_ROWS);
    const removed = await target.remove(SPACE, part);
    if (removed === part.length) continue;
    throw new MillraceError("internal", `${removed} of ${part.length} observations were there to be removed`);
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}
