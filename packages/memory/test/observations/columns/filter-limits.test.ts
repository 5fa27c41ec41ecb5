import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import { FIELD_VALUES_MAX } from "../../../src/observations/columns/limits.ts";
import { ObservationColumns } from "../../../src/observations/columns/observation-columns.ts";

const nowMs = 0;

function refuses(columns: ObservationColumns, filter: unknown, code: string, message: RegExp): void {
  assert.throws(
    () => columns.filter(filter as never, { nowMs }),
    (error) => error instanceof MillraceError && error.code === code && message.test(error.message),
    String(message),
  );
}

test("every flaw of a filter is refused with the place, the value and what should be there", () => {
  const columns = new ObservationColumns();
  const deep = (levels: number): unknown => {
    let filter: unknown = { x: 1 };
    for (let level = 0; level < levels; level++) filter = { not: filter };
    return filter;
  };
  const cases: readonly [unknown, RegExp][] = [
    [null, /^filter is null; it must be an object/],
    [[], /^filter is a list of 0; it must be an object/],
    [{ and: {} }, /^filter\.and is an object; it must be a list of filters/],
    [{ or: [1] }, /^filter\.or\.0 is 1; it must be an object/],
    [{ x: null }, /^filter\.x is null; .*"exists": false/],
    [{ x: Number.NaN }, /^filter\.x is null; it must be a number/],
    [{ x: [1] }, /^filter\.x is a list of 1; it must be an object/],
    [{ x: {} }, /^filter\.x is an object; it is empty/],
    [{ x: { like: "a%" } }, /^filter\.x\.like is "a%"; it is not known; use in, gt/],
    [{ x: { gt: "1" } }, /^filter\.x\.gt is "1"; it must be a number/],
    [{ x: { in: "a" } }, /^filter\.x\.in is "a"; it must be a list/],
    [{ x: { in: [{}] } }, /^filter\.x\.in\.0 is an object/],
    [{ x: { exists: 1 } }, /^filter\.x\.exists is 1; it must be true or false/],
    [{ when: { since: 1 } }, /^filter\.when\.since is 1; it is not known; use after/],
    [{ when: { between: [1] } }, /^filter\.when\.between is a list of 1; it must be two times/],
    [{ when: { before: "now" } }, /^filter\.when\.before is "now"/],
    [{ confidenceMin: 2 }, /^filter\.confidenceMin is 2; it must be a number from 0 to 1/],
    [{ importanceMin: -1 }, /^filter\.importanceMin is -1/],
    [{ hasText: "yes" }, /^filter\.hasText is "yes"/],
    [{ x: "a".repeat(1_025) }, /has 1025 characters; strings of at most 1024/],
    [{ ["f".repeat(129)]: 1 }, /names a field of 129 characters; fields of at most 128/],
    [{ x: { in: Array.from({ length: 257 }, (_, at) => at) } }, /in has 257 items; at most 256/],
    [{ or: Array.from({ length: 65 }, () => ({ x: 1 })) }, /or has 65 items; at most 64/],
    [{ or: Array.from({ length: 64 }, () => ({ x: { gt: 1, lt: 2 } })) }, /condition 65 of the filter; at most 64/],
    [deep(9), /levels deep in the filter; at most 8/],
    [deep(20_000), /levels deep in the filter; at most 8/],
  ];
  for (const [filter, message] of cases) refuses(columns, filter, "invalid_argument", message);
  assert.equal(columns.filter(deep(7) as never, { nowMs }).count, 0);
});

test("fields past the 64th are refused when a filter names them, and those before still work", () => {
  const columns = new ObservationColumns();
  const payload = Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`f${at}`, at]));
  columns.append(0, { payload }, 0);
  assert.equal(columns.filter({ other: { exists: false } }, { nowMs }).count, 1);
  columns.append(1, { payload: { f63: 1, f64: 1 }, what: "label" }, 0);
  assert.equal(columns.filter({ f63: { exists: true } }, { nowMs }).count, 2);
  assert.equal(columns.filter({ what: "label" }, { nowMs }).count, 1);
  assert.equal(columns.filter({ who: "nobody" }, { nowMs }).count, 0);
  refuses(columns, { f64: 1 }, "too_large", /more than 64 fields, and f64 is not among the first/);
  refuses(columns, { other: { exists: false } }, "too_large", /other/);
  assert.equal(columns.fields.length, 65);
});

test("a field with too many different strings gives its memory back and is refused, never half right", () => {
  const columns = new ObservationColumns();
  for (let row = 0; row < FIELD_VALUES_MAX; row++) columns.append(row, { payload: { key: `value ${row}` } }, 0);
  assert.equal(columns.filter({ key: "value 999999" }, { nowMs }).count, 1);
  columns.append(FIELD_VALUES_MAX, { payload: { key: "value 5" } }, 0);
  assert.equal(columns.filter({ key: "value 5" }, { nowMs }).count, 2);
  const full = columns.bytes;
  columns.append(FIELD_VALUES_MAX + 1, { payload: { key: "one more" } }, 0);
  refuses(columns, { key: "value 5" }, "too_large", /key has more than 1000000 different strings/);
  assert.ok(columns.bytes < full / 2);
  assert.deepEqual(columns.fields, [{ field: "payload.key", rows: 0, strings: 0, bytes: 0, isOverfull: true }]);
});

test("strings too long to compare with are there and equal nothing", () => {
  const columns = new ObservationColumns();
  columns.append(0, { payload: { x: "a".repeat(1_025) } }, 0);
  columns.append(1, { payload: { x: "a".repeat(1_024) } }, 0);
  assert.equal(columns.filter({ x: { exists: true } }, { nowMs }).count, 2);
  assert.equal(columns.filter({ x: "a".repeat(1_024) }, { nowMs }).count, 1);
  assert.equal(columns.filter({ x: { in: ["unknown", "never"] } }, { nowMs }).count, 0);
});
