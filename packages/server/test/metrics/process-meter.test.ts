import assert from "node:assert/strict";
import { test } from "node:test";
import { Deadline, ManualClock } from "@millrace/core";
import { heldBytes } from "../../../../test/support/held-bytes.ts";
import { LIMIT_MS } from "../../../../test/support/until.ts";
import { ProcessMeter } from "../../src/metrics/process-meter.ts";

/** Allocates at least so many bytes, most of which the collector takes back on the way. */
function allocate(bytes: number): number {
  const kept: number[][] = [];
  // An array of 1,000 doubles has 8,000 bytes and its head.
  const arrays = Math.ceil(bytes / 8_000);
  for (let at = 0; at < arrays; at++) kept[at % 10] = Array.from({ length: 1_000 }, (_, n) => n + 0.5);
  return kept.length;
}

test("I13: what is allocated is counted although most of it is gone, and its collections are timed", () => {
  const clock = new ManualClock();
  using meter = new ProcessMeter(clock);
  const before = meter.allocatedBytes;
  const pauses = meter.gcPauseMicros.count;
  const held = heldBytes();
  allocate(200_000_000);
  // The heap alone shows a fraction: a naive difference of two looks at it would not do.
  assert.ok(heldBytes() - held < 100_000_000, "most of it was collected");
  const allocated = meter.allocatedBytes - before;
  assert.ok(allocated >= 200_000_000, `${allocated} bytes were counted`);
  assert.ok(allocated < 2_000_000_000, `${allocated} bytes were counted`);
  assert.ok(meter.gcPauseMicros.count > pauses);
  // Within the 5 s that rates look back, of which the clock says that all have passed.
  clock.advance(4_900);
  assert.ok(meter.allocatedBytesPerSecond >= 200_000_000 / 5, `${meter.allocatedBytesPerSecond} a second`);
});

test("I13: a turn that holds the event loop up is seen as its delay", async () => {
  using meter = new ProcessMeter();
  const deadline = Deadline.after(LIMIT_MS);
  const startedMs = performance.now();
  // The monitor's first look only begins its first interval.
  while (meter.loopDelayMs.max < 200) {
    deadline.check("waiting for the monitor to tell of the delay");
    holdUp(300);
    await turns();
  }
  const { p50, p99, max } = meter.loopDelayMs;
  const passedMs = performance.now() - startedMs;
  // The monitor's values have three digits.
  const isPlausible = p50 <= p99 && p99 <= max && max <= passedMs * 1.01;
  assert.ok(isPlausible, `p50 ${p50} ms, p99 ${p99} ms, at most ${max} ms within ${passedMs} ms`);
});

function holdUp(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

/** A few turns of the event loop with time for its timers. */
function turns(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
