import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, MillraceError, randomBelow } from "@millrace/core";
import { type SpaceId, toSpaceId } from "@millrace/protocol";
import type { IngestSession, Memory } from "../../src/index.ts";
import { idsOf, openFaulty, turn, until } from "./fault-memory.ts";
import { batchOf, DIMS } from "./fixture.ts";

const LOAD_MS = Number(process.env.MILLRACE_WORKER_LOAD_MS ?? 3_000);
const KILL_EVERY_MS = 250;
const COUNT = 25;

const tally = { sent: 0, accepted: 0, refused: 0, dropped: 0 };

/** Sends to a space for as long as the load lasts; its session is taken over now and then, and the space deleted if it may be. */
async function produce(
  memory: Memory,
  name: SpaceId,
  { seed, mayDelete, isOver }: { readonly seed: number; readonly mayDelete: boolean; readonly isOver: () => boolean },
): Promise<{ readonly session: IngestSession; readonly accepted: number }> {
  const rng = createRng(seed);
  const open = () => memory.ingest.open({ space: name, dims: DIMS, session: "p" });
  let session = await open();
  let accepted = 0;
  while (!isOver()) {
    const chance = rng();
    if (mayDelete && chance < 0.01) {
      await memory.removeSpace(name);
      tally.dropped += accepted;
      accepted = 0;
      session = await open();
    } else if (chance < 0.03) {
      const before = session;
      session = await open();
      assert.throws(() => before.submit(batchOf(session.nextSeq, 1)), { code: "conflict" });
      tally.sent++;
      tally.refused++;
    }
    assert.equal(session.nextSeq, accepted + 1);
    tally.sent += COUNT;
    try {
      session.submit(batchOf(session.nextSeq, COUNT, { metaOf: (n) => ({ id: `n${n}` }) }));
      accepted += COUNT;
      tally.accepted += COUNT;
    } catch (error) {
      assert.ok(error instanceof MillraceError && error.retryable, String(error));
      tally.refused += COUNT;
    }
    if (randomBelow(rng, 4) === 0) await turn();
  }
  return { session, accepted };
}

test(`workers killed every ${KILL_EVERY_MS} ms under load, with spaces deleted and sessions taken over: sent = accepted + refused, accepted = searchable`, async () => {
  await using opened = await openFaulty({ overrides: { lanes: { normal: { countMax: 1_500 } } } });
  const { memory } = opened;
  const { ingest } = memory.ingest;
  const startedMs = performance.now();
  const isOver = () => performance.now() - startedMs > LOAD_MS;
  const names = ["a", "b", "c", "d", "e"].map((name) => toSpaceId(name));
  const producing = names.map((name, at) => produce(memory, name, { seed: at + 1, mayDelete: at % 2 === 1, isOver }));
  let kills = 0;
  while (!isOver()) {
    const due = startedMs + (kills + 1) * KILL_EVERY_MS;
    await until(() => performance.now() >= due);
    await ingest.workers.threads[kills++ % 2]?.end();
  }
  const produced = await Promise.all(producing);
  for (const { session } of produced) {
    await session.reached("searchable");
    await session.reached("durable");
  }
  assert.equal(tally.sent, tally.accepted + tally.refused);
  assert.ok(kills >= 8 && tally.refused > 0 && tally.dropped > 0, JSON.stringify({ ...tally, kills }));
  for (const [at, { accepted }] of produced.entries()) {
    const name = names[at];
    assert.ok(name);
    const { live } = await memory.recallVectors(name, new Float32Array(DIMS).fill(1), { k: 1 });
    assert.equal(live, accepted, `${name}`);
    if (accepted <= 10_000) {
      assert.deepEqual(
        await idsOf(memory, name),
        Array.from({ length: accepted }, (_, row) => `n${row + 1}`),
      );
    }
    assert.deepEqual(ingest.letters.of(memory.spaceId(name)), []);
  }
  const { accepted, durable, searchable, dropped } = ingest.counts;
  assert.equal(accepted, tally.accepted);
  assert.equal(durable + dropped, accepted, "what was deleted before it was taken from its lane is neither");
  assert.equal(searchable + dropped, accepted);
  assert.ok((await memory.ingest.drain()).isComplete);
  assert.ok(ingest.admission.lanes.every(({ depth, bytes }) => depth === 0 && bytes === 0));
});

test("a worker killed with batches in hand that are in the log already: each observation is there once", async () => {
  await using opened = await openFaulty();
  const { memory } = opened;
  const { workers } = memory.ingest.ingest;
  const name = toSpaceId("a");
  const dims = 768;
  const session = await memory.ingest.open({ space: name, dims, credits: 100_000 });
  let isAhead = 0;
  for (let round = 0; round < 6; round++) {
    for (let more = 0; more < 4; more++) {
      session.submit(batchOf(session.nextSeq, 500, { dims, metaOf: (n) => ({ id: `n${n}` }) }));
    }
    const { accepted } = session.watermarks;
    await until(() => session.watermarks.durable >= accepted - 500);
    if (session.watermarks.searchable < session.watermarks.durable) isAhead++;
    await Promise.all(workers.threads.map((thread) => thread.end()));
    await session.reached("searchable");
    const question = new Float32Array(dims).fill(1);
    assert.equal((await memory.recallVectors(name, question, { k: 1 })).live, accepted);
  }
  assert.ok(isAhead > 0, "the log was ahead of the index, or nothing is tested");
  const results = await memory.recallVectors(name, new Float32Array(dims).fill(1), { k: 10_000, isFull: true });
  assert.equal(new Set(results.results.map(({ id }) => id)).size, 10_000);
  assert.deepEqual(memory.ingest.ingest.letters.of(memory.spaceId(name)), []);
});
