import assert from "node:assert/strict";
import { test } from "node:test";
import { Deadline } from "@millrace/core";
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
  using meter = new ProcessMeter();
  const before = meter.allocatedBytes;
  const pauses = meter.gcPauseMicros.count;
  const heap = meter.heapBytes;
  allocate(200_000_000);
  const allocated = meter.allocatedBytes - before;
  // The heap alone shows a fraction: a naive difference of two looks at it would not do.
  assert.ok(meter.heapBytes - heap < 100_000_000, "most of it was collected");
  assert.ok(allocated >= 200_000_000, `${allocated} bytes were counted`);
  assert.ok(allocated < 2_000_000_000, `${allocated} bytes were counted`);
  assert.ok(meter.gcPauseMicros.count > pauses);
  assert.ok(meter.gcPauseMicros.quantile(0.99) > 0);
  assert.ok(meter.allocatedBytesPerSecond > 10_000_000);
});

test("I13: a turn that holds the event loop up is seen as its delay", async () => {
  using meter = new ProcessMeter();
  const deadline = Deadline.after(10_000);
  // The monitor's first look only begins its first interval.
  while (meter.loopDelayMs.max < 200) {
    deadline.check("waiting for the monitor to tell of the delay");
    holdUp(300);
    await turns();
  }
  const { p50, p99, max } = meter.loopDelayMs;
  assert.ok(max < 5_000 && p50 <= p99 && p99 <= max, `p50 ${p50} ms, p99 ${p99} ms, at most ${max} ms`);
});

function holdUp(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

/** A few turns of the event loop with time for its timers. */
function turns(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
