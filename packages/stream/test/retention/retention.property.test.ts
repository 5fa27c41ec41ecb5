import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import fc from "fast-check";
import { STREAM } from "../fixture.ts";
import { assertSound, openRetained, type RetainedLog, seqsOf } from "./fixture.ts";

type Policy = { maxAgeMs?: number; maxBytes?: number; maxFrames?: number };
type Step =
  | { do: "append"; texts: string[] }
  | { do: "wait"; ms: number }
  | { do: "set"; policy: Policy }
  | { do: "sweep" }
  | { do: "reopen" };

const bound = (max: number) => fc.option(fc.integer({ min: 1, max }), { nil: undefined });
const policies = fc
  .record({ maxAgeMs: bound(200), maxBytes: bound(3_000), maxFrames: bound(30) })
  .map((policy) => Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined)) as Policy);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      texts: fc.array(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 12 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 100 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("set" as const), policy: policies }) },
  { weight: 2, arbitrary: fc.constant({ do: "sweep" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "reopen" as const }) },
);

/** The simplest retention there is: drop the oldest while any bound is broken. */
class Oracle {
  frames: { seq: number; ts: number; size: number }[] = [];
  policy: Policy = {};

  trim(nowMs: number): void {
    while (this.frames.length > 1 && this.#isOver(nowMs)) this.frames.shift();
  }

  #isOver(nowMs: number): boolean {
    const { maxAgeMs = Number.POSITIVE_INFINITY, maxBytes, maxFrames } = this.policy;
    const bytes = this.frames.reduce((sum, { size }) => sum + size, 0);
    const oldest = this.frames[0]?.ts ?? nowMs;
    return (
      bytes > (maxBytes ?? bytes) || this.frames.length > (maxFrames ?? this.frames.length) || oldest < nowMs - maxAgeMs
    );
  }
}

/** Does the step to both; the oracle learns the sizes of the frames from the log. */
async function perform(step: Step, log: RetainedLog, oracle: Oracle): Promise<void> {
  const nowMs = log.clock.now();
  if (step.do === "append") {
    const { firstSeq, lastSeq, epoch } = await log.sequencer.append(
      STREAM,
      step.texts.map((text) => ({ type: "log", data: { text } })),
    );
    const after = { epoch, seq: (firstSeq - 1) as never };
    const { frames } = await log.reader.frames(STREAM, firstSeq === 1 ? undefined : after, lastSeq - firstSeq + 1);
    for (const { seq, json } of frames) oracle.frames.push({ seq, ts: nowMs, size: json.length });
  } else if (step.do === "wait") log.clock.advance(step.ms);
  else if (step.do === "set" && oracle.frames.length > 0) {
    oracle.policy = step.policy;
    await log.retention.set(STREAM, step.policy);
    oracle.trim(nowMs);
  } else if (step.do === "sweep") {
    await log.retention.sweep();
    oracle.trim(nowMs);
  }
}

test("whatever is appended, waited, set and reopened, the log holds what the simplest retention would", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 3, maxLength: 25 }), async (program) => {
      const clock = new ManualClock();
      const oracle = new Oracle();
      let log = await openRetained({ clock, isKept: true });
      try {
        for (const step of program) {
          if (step.do === "reopen") {
            await log.close();
            log = await openRetained({ clock, isKept: true, directory: log.directory });
          } else await perform(step, log, oracle);
          const seqs = oracle.frames.map(({ seq }) => seq);
          assert.deepEqual(await seqsOf(log), seqs);
        }
        assert.deepEqual(log.errors, []);
        await assertSound(log.directory);
      } finally {
        await log.close();
        rmSync(log.directory, { recursive: true, force: true });
      }
    }),
    { numRuns: 25 },
  );
});
