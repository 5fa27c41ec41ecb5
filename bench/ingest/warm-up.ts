/** Some observations and recalls before the measurement, in spaces that are removed again: code is compiled, threads are up. */
import { WARM_UP_ROWS, WARM_UP_SPACES } from "./limits.ts";
import type { NoisyVectors } from "./noisy-vectors.ts";
import { runOpenLoop } from "./open-loop.ts";
import type { Pace } from "./pace.ts";
import { Producer } from "./producer.ts";
import { K } from "./recall-load.ts";
import type { IngestRun } from "./run-ingest.ts";
import { createSpaceChoice } from "./space-choice.ts";
import type { IngestTarget } from "./target.ts";

/** Below the rate that is measured, so that nothing is refused that need not be. */
const RATE_SHARE = 0.5;
/** Half a second at most, whatever the rate. */
const SECONDS_MAX = 0.5;
const RECALLS = 20;

type Parts = { readonly vectors: NoisyVectors; readonly target: IngestTarget; readonly pace: Pace };

export async function warmUp(run: IngestRun, { vectors, target, pace }: Parts): Promise<void> {
  const spaces = Array.from({ length: WARM_UP_SPACES }, (_, at) => `warm-up-${at}`);
  const choose = createSpaceChoice({ spaces: spaces.length, skew: 0, hot: undefined, seed: run.seed });
  const producer = await Producer.open(target, { ...run, spaces, vectors, choose, pace });
  const rate = run.rate * RATE_SHARE;
  const total = Math.max(1, Math.round(Math.min(WARM_UP_ROWS, rate * SECONDS_MAX)));
  await runOpenLoop([producer.flow({ rate, total })], pace);
  await producer.indexed();
  for (let at = 0; at < RECALLS; at++) {
    await target.recall(spaces[at % spaces.length] ?? "", vectors.vector(0, at % vectors.rows), K);
  }
  await producer.close();
  for (const space of spaces) await target.removeSpace(space);
}
