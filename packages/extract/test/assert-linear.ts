import assert from "node:assert/strict";

/** The larger input, as a multiple of the smaller: linear work takes 8 times as long, quadratic work 64 times. */
const LARGER = 8;
const LONGER_MAX = 32;
/** The collector may meet the larger input and not the smaller; one try in proportion is enough. */
const TRIES = 5;
/** What is shorter counts as this: some systems count a thread's time in steps of several milliseconds. */
const MS_MIN = 10;

/** Milliseconds this thread has computed so far: the time in which it waits for a busy machine is not in it. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function msOf(work: () => unknown): number {
  const startedMs = threadMs();
  work();
  return threadMs() - startedMs;
}

/**
 * Asserts that the work grows with its input and no faster, on a machine of any speed: what `prepare` makes for `size` is compared with what
 * it makes for an eighth of it. Give a size at which quadratic work takes long.
 */
export function assertLinear(what: string, size: number, prepare: (size: number) => () => unknown): void {
  const measured: string[] = [];
  for (let tries = 0; tries < TRIES; tries++) {
    const shortMs = Math.max(MS_MIN, msOf(prepare(Math.ceil(size / LARGER))));
    const longMs = msOf(prepare(size));
    if (longMs <= shortMs * LONGER_MAX) return;
    measured.push(`${longMs.toFixed(1)} ms after ${shortMs.toFixed(1)} ms`);
  }
  assert.fail(`${what}: ${LARGER} times the input takes more than ${LONGER_MAX} times as long: ${measured.join(", ")}`);
}
