import assert from "node:assert/strict";
import { test } from "node:test";
import { readIngestOptions } from "../ingest/ingest-options.ts";
import { describeResult } from "../ingest/ingest-result.ts";
import { type IngestRun, runIngest } from "../ingest/run-ingest.ts";
import { clusteredSet, ManualPace, type ModelOptions, ModelTarget } from "./ingest-model.ts";

const set = clusteredSet({ rows: 200, dims: 8, queries: 40 });
const RUN: IngestRun = {
  ...{ rate: 1_000, seconds: 1, recalls: 20, spaces: 1, skew: 0, hot: undefined, lane: "normal", batch: 10 },
  ...{ encoding: "f32", settleSeconds: 0, seed: 1 },
};

async function runModel(run: Partial<IngestRun>, options: Partial<ModelOptions> = {}) {
  const pace = new ManualPace();
  const target = new ModelTarget(pace, { dims: 8, ...options });
  const outcome = await runIngest({ ...RUN, ...run }, { set, target, pace, rssBeforeBytes: 50 * 1024 * 1024 });
  return { ...outcome, target };
}

test("the figures of a sound run add up, and exact answers have a recall of 1", async () => {
  const { result, problems } = await runModel({ spaces: 3 });
  assert.deepEqual(problems, []);
  const { sent, accepted, indexed, durable, searchable, refused, recallAt10, recallAt10UnderLoad, recalls } = result;
  assert.deepEqual([sent, accepted, indexed, durable, searchable, refused], [1_000, 1_000, 1_000, 1_000, 1_000, 0]);
  assert.deepEqual([recallAt10, recallAt10UnderLoad, recalls], [1, 1, 20]);
  assert.deepEqual([result.passes, result.spaces, result.judged, result.ghosts], [2, 3, 40, 0]);
  assert.ok(Math.abs(result.indexedPerSecond - 1_000) < 10, `${result.indexedPerSecond}/s`);
  assert.ok((result.indexedMs.p50 ?? 0) >= 0.9 && (result.indexedMs.p99 ?? 99) < 12);
});

test("the JSON begins with the figures that were promised, in their order", async () => {
  const { result } = await runModel({ recalls: 0 });
  assert.deepEqual(Object.keys(result).slice(0, 13), [
    ...["sent", "accepted", "indexed", "refused", "indexedPerSecond", "recallAt10"],
    ...["acceptedMs", "durableMs", "searchableMs", "indexedMs", "recallMs", "rssMb", "rssAfterSettleMb"],
  ]);
  const { acceptedMs, durableMs, searchableMs, indexedMs, recallMs } = JSON.parse(JSON.stringify(result));
  for (const { p50, p99 } of [acceptedMs, durableMs, searchableMs, indexedMs]) {
    assert.ok(Number.isFinite(p50) && p99 >= p50, `${p50} ${p99}`);
  }
  assert.deepEqual(recallMs, { p50: null, p99: null });
  assert.equal(result.rssMb, 100);
  assert.equal(result.rssBeforeMb, 50);
  assert.match(describeResult(result), /^sent +1,000 +1,000\/s/);
});

test("a run fails that has lost one observation, or could not index one", async () => {
  const lost = await runModel({}, { fault: { at: 30, kind: "lost" } });
  assert.equal(lost.result.indexed, 999);
  assert.match(lost.problems[0] ?? "", /sent 1000 is not indexed 999 \+ refused 0: 1 lost/);
  const dead = await runModel({}, { fault: { at: 30, kind: "dead" } });
  assert.match(dead.problems[0] ?? "", /1 lost, 1 on the dead-letter list/);
});

test("refusals are no loss", async () => {
  const { result, problems } = await runModel({}, { capacity: 30, delayMs: 40 });
  assert.deepEqual(problems, []);
  assert.ok(result.refused > 100);
  assert.equal(result.sent, result.indexed + result.refused);
  assert.deepEqual(result.refusals, { overloaded: result.refused });
});

test("answers that name rows which are not there, or the wrong ones, show", async () => {
  const ghosts = await runModel({}, { rowsOff: 100_000 });
  assert.equal(ghosts.result.recallAt10, 0);
  assert.match(ghosts.problems.at(-1) ?? "", /answers were rows that their space does not hold/);
  const wrong = await runModel({}, { rowsOff: 1 });
  assert.ok((wrong.result.recallAt10 ?? 1) < 0.5, `recall ${wrong.result.recallAt10}`);
});

test("a space that holds exactly the file is judged by the file's truth, all queries", async () => {
  const { result } = await runModel({ rate: 200 });
  assert.deepEqual([result.recallAt10, result.judged, result.passes], [1, 40, 1]);
});

const ARGS = "--base b --query q --truth t --dims 768 --rate 100000 --seconds 60 --recalls 100".split(" ");

test("options have their defaults, and are refused by name outside their limits", () => {
  const { run, engine } = readIngestOptions(ARGS);
  assert.deepEqual(run, { ...run, rate: 100_000, seconds: 60, recalls: 100, spaces: 64, batch: 250, lane: "normal" });
  assert.deepEqual(engine, { ...engine, profile: undefined, workers: undefined, isGraphForced: false });
  const refused = (args: string[], message: RegExp) =>
    assert.throws(() => readIngestOptions([...ARGS, ...args]), { code: "invalid_argument", message });
  refused(["--rate", "0"], /--rate is 0; it must be a whole number from 1 to 1000000/);
  refused(["--spaces", "1025"], /--spaces is 1025/);
  refused(["--skew", "-1"], /^--skew is "-1"; it must be a number from 0 to 4|--skew/);
  refused(["--hot", "2", "--spaces", "4"], /--hot is "2"/);
  refused(["--hot", "0.9", "--spaces", "1"], /--hot is 0.9 with one space/);
  refused(["--lane", "urgent"], /--lane is "urgent"; use one of high, normal, low/);
  refused(["--encoding", "f64"], /--encoding is "f64"; use one of f32, f16, i8/);
  refused(["--batch", "1001"], /--batch is 1001/);
  refused(["--wrong"], /--wrong/);
  assert.throws(() => readIngestOptions(ARGS.slice(2)), { message: /--base is missing/ });
});
