/**
 * Random appends, faults, crashes, cuts, stalls and trims against an oracle: no reader loses, repeats or reorders a frame, and a gap comes exactly
 * when the log was cut or trimmed under it. MILLRACE_SEED repeats a run's steps.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Simulation } from "./simulation.ts";
import { step } from "./steps.ts";

const RUNS = 10;
const STEPS_PER_RUN = 1_000;

/** Says at which step it failed: the whole run would fill pages. */
async function named(what: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    throw new Error(`${what}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

test("I1, I2, I3, I4: 10,000 random steps: readers get the log, whatever the disk, the connections and the process do", async (t) => {
  const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 2 ** 31);
  t.diagnostic(`MILLRACE_SEED=${seed}`);
  const totals: Record<string, number> = {};
  const steps = fc.array(step, { minLength: STEPS_PER_RUN, maxLength: STEPS_PER_RUN, size: "max" });
  const property = fc.asyncProperty(steps, async (run) => {
    await using simulation = new Simulation();
    await simulation.start();
    for (const [at, one] of run.entries()) await named(`step ${at} ${JSON.stringify(one)}`, simulation.run(one));
    await named("the end", simulation.finish());
    for (const [name, count] of Object.entries(simulation.totals)) totals[name] = (totals[name] ?? 0) + count;
  });
  // Threads take part, so a smaller run need not fail alike: no shrinking.
  const { failed, errorInstance } = await fc.check(property, { seed, numRuns: RUNS, endOnFailure: true });
  if (failed) throw errorInstance;
  t.diagnostic(JSON.stringify(totals));
  for (const [name, count] of Object.entries(totals)) assert.ok(count > 0, `${name} must happen`);
});
