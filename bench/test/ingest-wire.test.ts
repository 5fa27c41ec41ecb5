import assert from "node:assert/strict";
import { test } from "node:test";
import { ingestSet } from "../ingest/ingest-command.ts";
import type { IngestRun } from "../ingest/run-ingest.ts";
import { openWireTarget } from "../ingest/wire-target.ts";
import { clusteredSet } from "./ingest-model.ts";

const set = clusteredSet({ rows: 500, dims: 16, queries: 20 });
const ENGINE = { profile: undefined, workers: undefined, laneCapacity: undefined, lane: "normal" } as const;
const RUN: IngestRun = {
  ...{ rate: 2_000, seconds: 0.5, recalls: 20, spaces: 2, skew: 0, hot: undefined },
  ...{ lane: "normal", batch: 50, encoding: "f16", settleSeconds: 0, seed: 1 },
};

test("what the client sends over a WebSocket adds up, is found and measured", async () => {
  const engine = { ...ENGINE, isGraphForced: false };
  const { result, problems } = await ingestSet(set, {
    run: RUN,
    engine,
    isWire: true,
    directory: undefined,
    isJson: true,
  });
  assert.deepEqual(problems, []);
  assert.deepEqual([result.sent, result.indexed, result.refused, result.recalls], [1_000, 1_000, 0, 10]);
  assert.ok((result.recallAt10 ?? 0) > 0.9, `recall ${result.recallAt10}`);
  assert.ok((result.durableMs.p50 ?? 0) > 0 && (result.searchableMs.p99 ?? 0) > 0);
  assert.ok(result.rssMb > 50, `${result.rssMb} MB`);
});

test("memory and processor time are those of the server's process: none once it has ended", async () => {
  const options = { ...ENGINE, isGraphForced: false, dims: 16, encoding: "f32", directory: "" } as const;
  const target = await openWireTarget(options);
  const [rssBytes, cpuMicros] = [target.rssBytes(), target.cpuMicros()];
  await target[Symbol.asyncDispose]();
  assert.ok(rssBytes > 50 * 1024 ** 2 && cpuMicros > 0, `${rssBytes} bytes, ${cpuMicros} µs`);
  assert.deepEqual([target.rssBytes(), target.cpuMicros()], [0, 0]);
});

test("what only an engine in the process can be given is refused", async () => {
  const engine = { ...ENGINE, isGraphForced: true };
  await assert.rejects(ingestSet(set, { run: RUN, engine, isWire: true, directory: undefined, isJson: true }), {
    code: "invalid_argument",
    message: /--graph.*leave them out with --wire/,
  });
});
