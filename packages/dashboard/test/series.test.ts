import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HISTORY_MAX } from "../src/limits.ts";
import { areaPath, linePath, Series } from "../src/series.ts";

test("a series keeps its newest values, at most two minutes of them", () => {
  const series = new Series();
  for (let at = 0; at < HISTORY_MAX + 30; at++) series.push(at);
  assert.equal(series.values.length, HISTORY_MAX);
  assert.equal(series.values.at(-1), HISTORY_MAX + 29);
});

test("every point of a line lies in its box, the newest at its right edge", () => {
  const box = { width: 240, height: 36 };
  const values = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1, maxLength: HISTORY_MAX });
  fc.assert(
    fc.property(values, (given) => {
      const points = linePath(given, box)
        .slice(1)
        .split("L")
        .map((point) => point.split(",").map(Number));
      assert.equal(points.length, given.length);
      for (const [x = -1, y = -1] of points)
        assert.ok(x >= 0 && x <= box.width && y >= 0 && y <= box.height, `${x},${y}`);
      assert.equal(points.at(-1)?.[0], box.width);
    }),
  );
  assert.deepEqual([linePath([], box), areaPath([], box)], ["", ""]);
});
