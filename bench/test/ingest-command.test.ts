import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openEngineTarget } from "../ingest/engine-target.ts";
import { ingestSet, runIngestCommand } from "../ingest/ingest-command.ts";
import { measureChurn } from "../ingest/measure-churn.ts";
import { clusteredSet } from "./ingest-model.ts";

const DIMS = 32;
const directory = mkdtempSync(join(tmpdir(), "millrace-ingest-test-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const set = clusteredSet({ rows: 1_000, dims: DIMS, queries: 20 });
const file = (name: string, numbers: Float32Array | Int32Array) => {
  writeFileSync(join(directory, name), new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  return join(directory, name);
};
const FILES = [
  "--base",
  file("b.f32", set.base),
  "--query",
  file("q.f32", set.query),
  "--truth",
  file("t.i32", set.truth),
];
const ENGINE = {
  profile: undefined,
  workers: undefined,
  laneCapacity: undefined,
  lane: "normal",
  isGraphForced: false,
} as const;

test("the command loads a real engine, prints one line of JSON and adds up", async (context) => {
  const log = context.mock.method(console, "log", () => {});
  const load = ["--dims", `${DIMS}`, "--rate", "2000", "--seconds", "1", "--recalls", "20", "--spaces", "2"];
  const code = await runIngestCommand([...FILES, ...load, "--settle", "0", "--json"]);
  assert.equal(code, 0);
  assert.equal(log.mock.callCount(), 1);
  const result = JSON.parse(String(log.mock.calls[0]?.arguments[0]));
  assert.deepEqual([result.sent, result.indexed + result.refused, result.ghosts], [2_000, 2_000, 0]);
  assert.equal(result.recalls, 20);
  assert.ok(result.recallAt10 > 0.9, `recall ${result.recallAt10}`);
  assert.ok(result.durableMs.p99 > 0 && result.searchableMs.p99 > 0 && result.rssMb > result.rssBeforeMb);
});

test("a file that is sent once is judged by its truth, in shorter encodings too, and its data can be kept", async () => {
  for (const encoding of ["f16", "i8"] as const) {
    const kept = join(directory, `kept-${encoding}`);
    const { result, problems } = await ingestSet(set, {
      run: {
        ...{ rate: 4_000, seconds: 0.25, recalls: 0, spaces: 1, skew: 0, hot: undefined },
        ...{ lane: "normal", batch: 50, encoding, settleSeconds: 0, seed: 1 },
      },
      ...{ engine: ENGINE, isWire: false, directory: kept, isJson: true },
    });
    assert.deepEqual([problems, result.indexed, result.passes, result.judged], [[], 1_000, 1, 20]);
    assert.ok((result.recallAt10 ?? 0) > 0.9, `${encoding}: recall ${result.recallAt10}`);
    assert.ok(existsSync(kept));
  }
});

test("data that is there already is refused, and a profile that there is not", async () => {
  const load = ["--dims", `${DIMS}`, "--rate", "100", "--seconds", "1", "--recalls", "0"];
  await assert.rejects(runIngestCommand([...FILES, ...load, "--data", directory]), { code: "conflict" });
  await assert.rejects(runIngestCommand([...FILES, ...load, "--profile", "huge"]), {
    code: "invalid_argument",
    message: /huge/,
  });
});

test("what is replaced is gone, and what replaced it is found", async () => {
  const churned = join(directory, "churned");
  await using target = await openEngineTarget({ ...ENGINE, directory: churned, dims: DIMS, encoding: "f32" });
  const churn = await measureChurn(target, set, { rows: 1_000, tenths: 3, rounds: 2, rate: 4_000, batch: 50 });
  assert.ok(churn.recallBefore > 0.9 && churn.recallAfter > 0.9, `${churn.recallBefore} ${churn.recallAfter}`);
  assert.ok(churn.removesPerSecond > 0 && churn.addsPerSecond > 0 && churn.addsPerSecond <= 4_000);
});
