import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  formatAgo,
  formatBytes,
  formatCount,
  formatDuration,
  formatMs,
  formatPercent,
  formatRate,
  plural,
} from "../src/format.ts";

test("numbers are shown in three figures with a unit", () => {
  assert.deepEqual([0, 1234, 18_211, 999_960, 2_500_000].map(formatCount), [
    "0",
    "1,234",
    "18.2 K",
    "1.00 M",
    "2.50 M",
  ]);
  assert.deepEqual([0, 999, 1000, 412e6].map(formatBytes), ["0 B", "999 B", "1.00 KB", "412 MB"]);
  assert.deepEqual([0, 0.04, 2, 2.46, 1500].map(formatRate), ["0", "<0.1", "2", "2.5", "1,500"]);
  assert.deepEqual([0, 0.0812, 3.14, 420.4, 1250].map(formatMs), ["0 ms", "0.08 ms", "3.1 ms", "420 ms", "1.25 s"]);
  assert.deepEqual([4e3, 185e3, 7_800e3, 360_000e3].map(formatDuration), [
    "4 s",
    "3 min 05 s",
    "2 h 10 min",
    "4 d 4 h",
  ]);
  assert.deepEqual([plural(1, "chunk"), plural(3, "chunk")], ["1 chunk", "3 chunks"]);
  assert.deepEqual([formatAgo(1000, 1500), formatAgo(0, 200_000), formatPercent(0.126)], ["now", "3 min ago", "13 %"]);
});

test("no number is longer than nine characters, whatever its size", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e14, noNaN: true }), (value) => {
      for (const text of [formatCount(value), formatBytes(value), formatRate(value)]) assert.ok(text.length <= 9, text);
    }),
  );
});
