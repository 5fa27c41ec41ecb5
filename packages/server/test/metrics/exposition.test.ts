import assert from "node:assert/strict";
import { test } from "node:test";
import { Histogram } from "@millrace/core";
import fc from "fast-check";
import { counts, crossed, durations, labelled } from "../../src/metrics/exposition.ts";

test("a label's value is escaped, so that what a client sent cannot add a line or end a label", () => {
  const line = /^x\{type="((?:[^"\\\n]|\\\\|\\"|\\n)*)"\} 1$/;
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("a", '"', "\\", "\n", "}", " ", "é") }), (value) => {
      const text = labelled("x", { type: "gauge", help: "h", label: "type" }, [[value, 1]]);
      const [, , sample, end, ...more] = text.split("\n");
      assert.deepEqual([end, more], ["", []]);
      const [, shown = ""] = line.exec(sample ?? "") ?? assert.fail(`${JSON.stringify(sample)} is no sample`);
      assert.equal(
        shown.replace(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign)),
        value,
      );
    }),
  );
});

test("several labels stand in their order, each value escaped", () => {
  const form = { type: "counter", help: "h", labels: ["cache", "layer"] } as const;
  const text = crossed("x_total", form, [
    [["pages", "memory"], 1],
    [['a"b', "disk"], 2],
  ]);
  const samples = 'x_total{cache="pages",layer="memory"} 1\nx_total{cache="a\\"b",layer="disk"} 2\n';
  assert.equal(text, `# HELP x_total h\n# TYPE x_total counter\n${samples}`);
});

test("buckets are cumulative, in seconds, and end with the count", () => {
  const micros = new Histogram();
  for (const value of [3, 30, 300, 3_000_000]) micros.record(value);
  const text = durations("x_seconds", "h", micros, [0.00001, 0.001, 1]);
  assert.match(text, /^# TYPE x_seconds histogram$/m);
  const seen = [...text.matchAll(/le="([^"]+)"\} (\d+)/g)].map(([, bound, count]) => [bound, Number(count)]);
  assert.deepEqual(seen, [
    ["0.00001", 1],
    ["0.001", 3],
    ["1", 3],
    ["+Inf", 4],
  ]);
  assert.match(text, /^x_seconds_sum 3\.000333$/m);
  assert.match(text, /^x_seconds_count 4$/m);
});

test("a histogram of counts keeps its unit", () => {
  const rows = new Histogram();
  rows.record(7);
  const text = counts("x_rows", "h", rows);
  assert.match(text, /^x_rows_bucket\{le="5"\} 0\nx_rows_bucket\{le="10"\} 1$/m);
  assert.match(text, /^x_rows_sum 7$/m);
});
