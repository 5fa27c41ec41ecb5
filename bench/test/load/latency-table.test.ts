import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LatencyTable } from "../../load/latency-table.ts";

test("a quantile is at most one bucket above the exact one, also over the tables of several processes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 2_000_000 }), { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (micros, quantile) => {
        const [own, other] = [new LatencyTable(), new LatencyTable()];
        for (const [at, value] of micros.entries()) (at % 2 ? own : other).record(value);
        own.add(other.toCounts());
        assert.equal(own.count, micros.length);
        const exact = [...micros].sort((a, b) => a - b)[Math.max(1, Math.ceil(quantile * micros.length)) - 1] ?? 0;
        const found = own.quantileMs(quantile) * 1_000;
        assert.ok(found >= exact && found <= exact + (exact < 100_000 ? 10 : 1_000) + 1e-6, `${found} for ${exact}`);
      },
    ),
  );
});

test("what cannot be is bounded: before its sending, or beyond the last bucket", () => {
  const table = new LatencyTable();
  for (const micros of [-5, Number.NaN, 1e12]) table.record(micros);
  assert.equal(table.count, 3);
  assert.equal(table.quantileMs(0.5), 0.01);
  assert.equal(new LatencyTable().quantileMs(0.99), 0);
});
