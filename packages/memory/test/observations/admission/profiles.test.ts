import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@millrace/core";
import { LANES } from "@millrace/protocol";
import { createIndex } from "@millrace/vector";
import { createAdmission } from "../../../src/observations/admission/admission.ts";
import { BatchSizer } from "../../../src/observations/admission/batch-sizer.ts";
import { PROFILE_NAMES, PROFILES } from "../../../src/observations/admission/profiles.ts";
import { resolveProfile } from "../../../src/observations/admission/resolve-profile.ts";

const GIB = 1024 ** 3;

test("the profiles have the values that were promised", () => {
  const told = PROFILE_NAMES.map((name) => {
    const { lanes, batch, stealThreshold, idleMs } = PROFILES[name];
    return [name, ...LANES.map((lane) => lanes[lane].countMax), batch.min, batch.max, stealThreshold, idleMs];
  });
  assert.deepEqual(told.slice(0, 4), [
    ["production", 5_000, 50_000, 25_000, 10, 500, 1_000, 1],
    ["low-latency", 1_000, 10_000, 5_000, 5, 50, 500, 0],
    ["high-throughput", 10_000, 100_000, 50_000, 100, 1_000, 5_000, 5],
    ["resource-constrained", 500, 5_000, 2_000, 10, 200, 1_000, 2],
  ]);
  assert.equal(PROFILES["resource-constrained"].workers, 2);
  assert.ok(PROFILES["resource-constrained"].memory.hardBytes < GIB);
  assert.equal(PROFILES.edge.index.m, 8);
  assert.ok(PROFILES.edge.memory.hardBytes < GIB / 2);
});

test("every profile makes an admission, a batch sizer and an index, and its blocks fit one memory within its limit", () => {
  for (const name of PROFILE_NAMES) {
    const profile = resolveProfile(name, {}, 4);
    createAdmission({ limits: profile.limits, clock: systemClock });
    assert.ok(new BatchSizer(profile.batch).next(0) >= 1);
    createIndex({ dims: 768, metric: "cosine", ...profile.index });
    const held = LANES.reduce((sum, lane) => sum + profile.limits.lanes[lane].bytesMax, 0);
    assert.ok(profile.blockBytes >= held && profile.blockBytes < 4 * GIB);
    assert.ok(profile.blockBytes + (profile.index.capacityBytesMax ?? 0) <= profile.limits.memory.hardBytes, name);
    assert.equal(profile.workers, PROFILES[name].workers === "cores" ? 4 : PROFILES[name].workers);
  }
});

test("in multi-tenant seven spaces at their quota do not shed anything of the others", () => {
  const { limits } = resolveProfile("multi-tenant");
  const admission = createAdmission({ limits, clock: systemClock });
  const send = (space: number, lane: "normal" | "low") => {
    admission.admit({ space, session: space, lane, count: 100, bytes: 100 });
  };
  for (let space = 1; space < 8; space++) {
    for (let sent = 0; sent < 5_000; sent += 100) send(space, "normal");
    assert.throws(() => send(space, "normal"), /quotas\.queuedCountMax allows 5000/);
  }
  send(9, "low");
  send(9, "normal");
});

test("profiles cannot be changed by whoever reads them", () => {
  assert.throws(() => Object.assign(PROFILES.edge, { workers: 9 }), TypeError);
  assert.throws(() => Object.assign(PROFILES.production.lanes.high, { countMax: 9 }), TypeError);
});

test("overrides replace one option each", () => {
  const profile = resolveProfile("production", {
    workers: 3,
    lanes: { high: { countMax: 7 }, low: { bytesMax: 9 } },
    batch: { max: 50 },
    quotas: { perSecondMax: 5 },
    index: { m: 12 },
  });
  const { lanes, memory, quotas } = profile.limits;
  assert.equal(profile.workers, 3);
  assert.deepEqual(lanes.high, { countMax: 7, bytesMax: 7 * 4_096 });
  assert.deepEqual(lanes.low, { countMax: 25_000, bytesMax: 9 });
  assert.deepEqual(lanes.normal, PROFILES.production.lanes.normal);
  assert.deepEqual(profile.batch, { ...PROFILES.production.batch, max: 50 });
  assert.deepEqual(quotas, { perSecondMax: 5 });
  assert.deepEqual(profile.index, { m: 12 });
  assert.deepEqual(memory, PROFILES.production.memory);
});

test("an unknown profile or option, and a value out of range, are refused by name", () => {
  assert.throws(
    () => resolveProfile("fast"),
    /"fast"; known are production, low-latency, high-throughput, resource-constrained, multi-tenant, edge/,
  );
  const misspelled: [object, RegExp][] = [
    [{ worker: 2 }, /unknown option "worker"; known are workers,/],
    [{ batch: { maximum: 2 } }, /unknown option "batch\.maximum"; known are batch\.min/],
    [{ lanes: { hgih: {} } }, /unknown option "lanes\.hgih"/],
    [{ lanes: { high: { count: 2 } } }, /unknown option "lanes\.high\.count"/],
    [{ quotas: { rows: 2 } }, /unknown option "quotas\.rows"/],
    [{ batch: 5 }, /batch must be an object of min/],
    [{ batch: { min: 600 } }, /batch\.min is 600/],
    [{ workers: 0 }, /workers is 0/],
    [{ idleMs: -1 }, /idleMs is -1/],
    [{ memory: { hardBytes: GIB } }, /softBytes .* below/],
    [{ lanes: { normal: { bytesMax: 8 * GIB } } }, /bytesMax are .* together/],
  ];
  for (const [overrides, message] of misspelled) {
    assert.throws(() => resolveProfile("production", overrides as never), message);
  }
});
