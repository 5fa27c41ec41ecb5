import { MillraceError } from "@millrace/core";
import type { StreamEvent, StreamId } from "@millrace/protocol";
import { createTranslators, type LifecycleRow, Lifecycles } from "@millrace/stream";
import { type BenchCase, defineCase } from "../src/case.ts";
import { nanosecondsPerCall } from "../src/time.ts";

const CALLS = 1_000_000;
const STREAM = "chat:bench" as StreamId;
const APPEND = "some ";
/** Deltas of one message before it ends: a 2,000-token answer. */
const TOKENS = 2_000;

const START: StreamEvent = { type: "llm.start", id: "m", data: { role: "assistant" } };
const PLAIN: readonly StreamEvent[] = [{ type: "log", id: "e", data: { message: "a" } }];
const OWN: readonly StreamEvent[] = [{ type: "x.own", id: "e", data: 1 }];
const UNKNOWN: readonly StreamEvent[] = [{ type: "note", id: "e", data: 1 }];

const translate = defineCase({
  name: "stream/translate",
  title: "translate one event: a frame type, an application's own type, an unknown type",
  unit: "ns",
  figures: {
    plain: { kind: "latency", bar: 50 },
    own: { kind: "latency", bar: 100 },
    unknown: { kind: "latency" },
    plainBytes: { kind: "latency", unit: "B", bar: 1 },
  },
  options: { calls: CALLS },
  setup: () => createTranslators(),
  run: (translators) => ({
    plain: nanosecondsPerCall(CALLS, () => translators.translate(PLAIN, STREAM)),
    own: nanosecondsPerCall(CALLS, () => translators.translate(OWN, STREAM)),
    unknown: nanosecondsPerCall(CALLS / 10, () => translators.translate(UNKNOWN, STREAM)),
    plainBytes: bytesPerCall(CALLS, () => translators.translate(PLAIN, STREAM)),
  }),
});

/** One stream that takes frames as the sequencer gives them. */
class Intake {
  readonly lifecycles = new Lifecycles();
  readonly rows: LifecycleRow[] = [];
  #seq = 0;

  take(events: readonly StreamEvent[]): void {
    for (const event of this.lifecycles.check(events)) this.lifecycles.apply(event, ++this.#seq, this.rows);
    this.lifecycles.settle(this.#seq);
    this.rows.length = 0;
  }
}

/** Deltas of messages of TOKENS tokens each, one append an event; `at` counts deltas. */
function takeDelta(intake: Intake, at: number, withOffset: boolean): void {
  const place = at % TOKENS;
  const id = `m${Math.floor(at / TOKENS)}`;
  if (place === 0) intake.take([{ ...START, id }]);
  const data = withOffset ? { offset: place * APPEND.length, append: APPEND } : { append: APPEND };
  intake.take([{ type: "llm.delta", id, data }]);
  if (place === TOKENS - 1) intake.take([{ type: "llm.final", id, data: {} }]);
}

const checkApply = defineCase({
  name: "stream/lifecycle",
  title: "check, apply and settle one event: no lifecycle, a delta with its offset, a delta without, one after the end",
  unit: "ns",
  figures: {
    plain: { kind: "latency", bar: 100 },
    delta: { kind: "latency", bar: 1_000 },
    filled: { kind: "latency", bar: 1_000 },
    refused: { kind: "latency" },
    plainBytes: { kind: "latency", unit: "B", bar: 1 },
  },
  options: { calls: CALLS, tokens: TOKENS },
  setup: endedIntake,
  run: (ended) => {
    const exact = new Intake();
    const filling = new Intake();
    return {
      plain: nanosecondsPerCall(CALLS, () => exact.take(PLAIN)),
      delta: nanosecondsPerCall(CALLS, (at) => takeDelta(exact, at, true)),
      filled: nanosecondsPerCall(CALLS, (at) => takeDelta(filling, at, false)),
      refused: nanosecondsPerCall(CALLS / 100, () => refuse(ended)),
      plainBytes: bytesPerCall(CALLS, () => exact.take(PLAIN)),
    };
  },
});

function endedIntake(): Intake {
  const intake = new Intake();
  intake.take([START, { type: "llm.final", id: START.id ?? "m", data: {} }]);
  return intake;
}

function refuse(intake: Intake): void {
  try {
    intake.take([{ type: "llm.delta", id: "m", data: { append: APPEND } }]);
  } catch (error) {
    if (error instanceof MillraceError && error.code === "terminal") return;
    throw error;
  }
  throw new Error("a delta after the end was taken");
}

/** Heap bytes a call allocates: the most of many short runs, since a collection within a run hides what was allocated before it. */
function bytesPerCall(count: number, operation: () => void): number {
  const perRun = 10_000;
  let largest = 0;
  for (let run = 0; run < count / perRun; run++) {
    const before = process.memoryUsage().heapUsed;
    for (let at = 0; at < perRun; at++) operation();
    const grown = process.memoryUsage().heapUsed - before;
    // The reading itself allocates a little; spread over a run it is below a tenth of a byte a call.
    if (run > 10) largest = Math.max(largest, grown / perRun);
  }
  return largest;
}

export const cases: readonly BenchCase[] = [translate, checkApply];
