import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { renderReport, report } from "../src/report.ts";
import { writeResult } from "../src/result.ts";
import { resultOf } from "./results.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "millrace-report-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const RESULTS = [
  resultOf("a/one", "latency", 12.345),
  resultOf("a/two", "throughput", 1_234_567),
  resultOf("b/one", "plain", 0),
];

test("the same results give the same bytes, whatever the order of their files", () => {
  const [first, second] = [join(root, "first"), join(root, "second")];
  for (const result of RESULTS) writeResult(first, result);
  for (const result of RESULTS.toReversed()) writeResult(second, result);
  report({ results: first, docs: join(root, "docs1") });
  report({ results: second, docs: join(root, "docs2") });
  for (const file of ["benchmarks.md", "benchmarks/a-us.svg", "benchmarks/b-us.svg"]) {
    assert.equal(readFileSync(join(root, "docs1", file), "utf8"), readFileSync(join(root, "docs2", file), "utf8"));
  }
});

test("a check names what differs and writes nothing; a report then leaves nothing to change", () => {
  const [results, docs] = [join(root, "results"), join(root, "docs")];
  for (const result of RESULTS) writeResult(results, result);
  mkdirSync(join(docs, "benchmarks"), { recursive: true });
  writeFileSync(join(docs, "benchmarks/gone.svg"), "<svg/>");
  const expected = ["benchmarks.md", "benchmarks/a-us.svg", "benchmarks/b-us.svg", "benchmarks/gone.svg"];
  assert.deepEqual(report({ results, docs, isCheck: true }).changed, expected);
  assert.deepEqual(report({ results, docs }).changed, expected);
  assert.deepEqual(report({ results, docs, isCheck: true }).changed, []);
  writeResult(results, resultOf("a/one", "latency", 13));
  assert.deepEqual(report({ results, docs, isCheck: true }).changed, ["benchmarks.md", "benchmarks/a-us.svg"]);
});

test("the table gives median, range, unit and whether a bar is met", () => {
  const [plain] = RESULTS;
  assert.ok(plain);
  const withBar = (bar: number) => ({ ...plain, figures: { p99: { ...plain.figures.figure, bar } } }) as typeof plain;
  const text = (bar: number) => renderReport([withBar(bar)]).get("benchmarks.md") ?? "";
  assert.match(text(20), /\| `a\/one` title of a\/one \| p99 \| 12\.3 µs \| 11\.1–13\.6 \| ≤ 20: met \|/);
  assert.match(text(10), /≤ 10: \*\*missed\*\*/);
  assert.match(text(10), /A & B <CPU>, 2 cores, 8 GiB, Linux 6 x64, Node v24\.0\.0, commit 0123456789ab\./);
});

test("a plot of values far apart has a logarithmic scale and says so", () => {
  const far = [resultOf("a/one", "latency", 1), resultOf("a/two", "latency", 1_000)];
  const svg = renderReport(far).get("benchmarks/a-us.svg") ?? "";
  assert.match(svg, /logarithmic/);
  const widths = [...svg.matchAll(/class="bar"[^>]* width="([\d.]+)"/g)].map((match) => Number(match[1]));
  assert.ok(widths.length === 2 && (widths[0] ?? 0) > 20 && (widths[0] ?? 0) < (widths[1] ?? 0) / 2);
});

test("a plot is well-formed text with names escaped", () => {
  const svg = renderReport([resultOf("a/one", "latency", 1, "x<y & z")]).get("benchmarks/a-us.svg") ?? "";
  assert.match(svg, /x&lt;y &amp; z/);
  assert.doesNotMatch(svg, /NaN|undefined/);
  assert.equal(svg.match(/<text/g)?.length, svg.match(/<\/text>/g)?.length);
});
