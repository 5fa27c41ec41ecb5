import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "@millrace/core";
import { fitLogistic, type Row } from "../../scripts/gate/fit-logistic.ts";
import { drawReliability, reliabilityOf } from "../../scripts/gate/reliability.ts";

/** Rows drawn from known coefficients. */
function drawRows(count: number, truth: readonly number[]): Row[] {
  const rng = createRng(7);
  return Array.from({ length: count }, () => {
    const features = truth.slice(1).map(() => rng() * 4 - 2);
    const score = features.reduce((sum, value, at) => sum + value * (truth[at + 1] ?? 0), truth[0] ?? 0);
    return { features, label: rng() < 1 / (1 + Math.exp(-score)) ? 1 : 0, weight: 1 };
  });
}

test("the fit finds the coefficients that the rows were drawn with", () => {
  const truth = [0.5, 2, -1];
  const { base, coefficients } = fitLogistic(drawRows(20_000, truth), { signs: [0, 0], ridge: 0.1 });
  for (const [at, value] of [base, ...coefficients].entries())
    assert.ok(Math.abs(value - (truth[at] ?? 0)) < 0.1, `${value} for ${truth[at]}`);
});

test("a coefficient whose sign is given never has the other", () => {
  const { coefficients } = fitLogistic(drawRows(2_000, [0, 2, -1]), { signs: [-1, -1], ridge: 0.1 });
  assert.equal(coefficients[0], 0);
  assert.ok((coefficients[1] ?? 0) < 0);
});

test("a weight counts as so many rows", () => {
  const rows = drawRows(500, [0, 1]);
  const weighted = fitLogistic(
    rows.map((row, at) => ({ ...row, weight: at % 2 === 0 ? 2 : 1 })),
    { signs: [0], ridge: 0.1 },
  );
  const repeated = fitLogistic(
    rows.flatMap((row, at) => (at % 2 === 0 ? [row, row] : [row])),
    { signs: [0], ridge: 0.1 },
  );
  assert.ok(Math.abs(weighted.base - repeated.base) < 1e-6);
});

test("Brier and calibration error of four pages, by hand", () => {
  const outcomes = [
    { probability: 0.9, label: 1, weight: 1 },
    { probability: 0.9, label: 0, weight: 1 },
    { probability: 0.1, label: 0, weight: 2 },
  ] as const;
  const { brier, ece, bins } = reliabilityOf(outcomes);
  assert.ok(Math.abs(brier - (0.01 + 0.81 + 2 * 0.01) / 4) < 1e-12);
  assert.ok(Math.abs(ece - (0.5 * 0.4 + 0.5 * 0.1)) < 1e-12);
  assert.deepEqual(
    bins.map(({ count }) => count),
    [1, 2],
  );
  assert.equal(drawReliability({ brier, ece, bins }).match(/<circle/g)?.length, 2);
});
