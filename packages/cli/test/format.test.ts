import assert from "node:assert/strict";
import { test } from "node:test";
import { cut, cutStart, formatBytes, formatCount, formatDuration, formatPlural } from "../src/format.ts";

test("figures are short and have units", () => {
  assert.deepEqual([0, 999, 1_000, 1_536, 104_857_600, 3 * 1024 ** 4].map(formatBytes), [
    "0 B",
    "999 B",
    "1.0 KB",
    "1.5 KB",
    "100 MB",
    "3.0 TB",
  ]);
  assert.deepEqual([0.4, 850, 999.6, 2_449, 59_400, 185_000, 7_800_000].map(formatDuration), [
    "0 ms",
    "850 ms",
    "1.0 s",
    "2.4 s",
    "59 s",
    "3 min 05 s",
    "2 h 10 min",
  ]);
  assert.equal(formatCount(1_234_567), "1,234,567");
  assert.equal(formatPlural(1, "document"), "1 document");
  assert.equal(formatPlural(2, "document"), "2 documents");
  assert.equal(cut("abcdef", 4), "abc…");
  assert.equal(cutStart("abcdef", 4), "…def");
});
