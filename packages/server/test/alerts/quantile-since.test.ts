import assert from "node:assert/strict";
import { test } from "node:test";
import { Histogram } from "@millrace/core";
import fc from "fast-check";
import { quantileSince } from "../../src/alerts/quantile-since.ts";

const values = fc.array(fc.integer({ min: 0, max: 2 ** 36 }), { maxLength: 200 });

test("a quantile of what came since is that of the newer values alone, to 1/32", () => {
  fc.assert(
    fc.property(values, values, fc.double({ min: 0, max: 1, noNaN: true }), (before, since, quantile) => {
      const [then, now] = [new Histogram(), new Histogram()];
      for (const value of before) {
        then.record(value);
        now.record(value);
      }
      for (const value of since) now.record(value);
      const found = quantileSince(now, then, quantile);
      if (since.length === 0) return assert.equal(found, 0);
      const sorted = [...since].sort((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil(quantile * since.length)) - 1] ?? 0;
      assert.ok(found <= exact && found >= exact * (31 / 32) - 1, `${found} for ${exact}`);
    }),
    { numRuns: 500 },
  );
});
