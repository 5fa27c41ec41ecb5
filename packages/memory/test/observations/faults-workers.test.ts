import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, MillraceError, randomBelow } from "@millrace/core";
import { type SpaceId, toSpaceId } from "@millrace/protocol";
import type { IngestSession, Memory } from "../../src/index.ts";
import { idsOf, openFaulty, turn, until } from "./fault-memory.ts";
import { batchOf, DIMS } from "./fixture.ts";

/** Workers killed at least; the load lasts until then, and until every kind of thing has happened. */
const KILLS_MIN = Number(process.env.MILLRACE_WORKER_KILLS ?? 12);
/** Workers killed one after the other before what was accepted by then must have become searchable: fewer than a batch may meet. */
const KILLS_AT_ONCE_MAX = 3;
const COUNT = 25;

/** A space under load. */
type Load = {
  readonly name: SpaceId;
  session: IngestSession;
  accepted: number;
  /** Times that it was deleted. */
  lives: number;
};

const tally = { sent: 0, accepted: 0, refused: 0, dropped: 0 };

/** Sends to a space for as long as the load lasts; its session is taken over now and then, and the space deleted if it may be. */
async function produce(
  memory: Memory,
  load: Load,
  { seed, mayDelete, isOver }: { readonly seed: number; readonly mayDelete: boolean; readonly isOver: () => boolean },
): Promise<void> {
  const rng = createRng(seed);
  const open = () => memory.ingest.open({ space: load.name, dims: DIMS, session: "p" });
  while (!isOver()) {
    const chance = rng();
    if (mayDelete && chance < 0.01) {
      load.lives++;
      await memory.removeSpace(load.name);
      tally.dropped += load.accepted;
      load.accepted = 0;
      load.session = await open();
    } else if (chance < 0.03) {
      const before = load.session;
      load.session = await open();
      assert.throws(() => before.submit(batchOf(load.session.nextSeq, 1)), { code: "conflict" });
      tally.sent++;
      tally.refused++;
    }
    const { session } = load;
    assert.equal(session.nextSeq, load.accepted + 1);
    tally.sent += COUNT;
    try {
      session.submit(batchOf(session.nextSeq, COUNT, { metaOf: (n) => ({ id: `n${n}` }) }));
      load.accepted += COUNT;
      tally.accepted += COUNT;
    } catch (error) {
      assert.ok(error instanceof MillraceError && error.retryable, String(error));
      tally.refused += COUNT;
    }
    if (randomBelow(rng, 4) === 0) await turn();
  }
}

/** Resolves when all that is accepted now is searchable, or deleted, or when the load is over. */
async function caughtUp(loads: readonly Load[], isOver: () => boolean): Promise<void> {
  const marks = loads.map((load) => ({ load, lives: load.lives, accepted: load.accepted }));
  await until(
    () =>
      isOver() ||
      marks.every(
        ({ load, lives, accepted }) => load.lives !== lives || load.session.watermarks.searchable >= accepted,
      ),
  );
}

test("workers killed again and again under load, with spaces deleted and sessions taken over: sent = accepted + refused, accepted = searchable", async () => {
  await using opened = await openFaulty({ overrides: { lanes: { normal: { countMax: 1_500 } } } });
  const { memory } = opened;
  const { ingest } = memory.ingest;
  const names = ["a", "b", "c", "d", "e"].map((name) => toSpaceId(name));
  const loads = await Promise.all(
    names.map(async (name): Promise<Load> => {
      const session = await memory.ingest.open({ space: name, dims: DIMS, session: "p" });
      return { name, session, accepted: 0, lives: 0 };
    }),
  );
  let isOver = false;
  const producing = Promise.all(
    loads.map((load, at) => produce(memory, load, { seed: at + 1, mayDelete: at % 2 === 1, isOver: () => isOver })),
  );
  let kills = 0;
  const kill = async () => {
    const rng = createRng(9);
    while (!isOver && (kills < KILLS_MIN || tally.refused === 0 || tally.dropped === 0)) {
      for (let more = 1 + randomBelow(rng, KILLS_AT_ONCE_MAX); more > 0; more--) {
        await ingest.workers.threads[kills++ % 2]?.end();
        for (let turns = randomBelow(rng, 30); turns > 0; turns--) await turn();
      }
      await caughtUp(loads, () => isOver);
    }
  };
  await Promise.race([kill(), producing]).finally(() => {
    isOver = true;
  });
  await producing;
  for (const { session } of loads) {
    await session.reached("searchable");
    await session.reached("durable");
  }
  assert.equal(tally.sent, tally.accepted + tally.refused);
  for (const { name, accepted } of loads) {
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

/** From now on batches are in the hands of the workers there are, and do not come to them. */
function holdBatches({ threads }: Memory["ingest"]["ingest"]["workers"]): void {
  for (const thread of threads) {
    const tell = thread.tell.bind(thread);
    thread.tell = (order, transfer) => {
      if (order.kind !== "add") tell(order, transfer);
    };
  }
}

test("a worker killed with batches in hand that are in the log already: each observation is there once", async () => {
  await using opened = await openFaulty();
  const { memory } = opened;
  const { workers } = memory.ingest.ingest;
  const name = toSpaceId("a");
  const dims = 768;
  const session = await memory.ingest.open({ space: name, dims, credits: 100_000 });
  for (let round = 0; round < 6; round++) {
    // Every other round all of what it has in hand is in the log and not in the index; else any part of it.
    const isHeld = round % 2 === 0;
    if (isHeld) holdBatches(workers);
    for (let more = 0; more < 4; more++) {
      session.submit(batchOf(session.nextSeq, 500, { dims, metaOf: (n) => ({ id: `n${n}` }) }));
    }
    const { accepted } = session.watermarks;
    await until(() => session.watermarks.durable > accepted - 2_000);
    if (isHeld) assert.equal(session.watermarks.searchable, accepted - 2_000);
    await Promise.all(workers.threads.map((thread) => thread.end()));
    await session.reached("searchable");
    const question = new Float32Array(dims).fill(1);
    assert.equal((await memory.recallVectors(name, question, { k: 1 })).live, accepted);
  }
  const results = await memory.recallVectors(name, new Float32Array(dims).fill(1), { k: 10_000, isFull: true });
  assert.equal(new Set(results.results.map(({ id }) => id)).size, 10_000);
  assert.deepEqual(memory.ingest.ingest.letters.of(memory.spaceId(name)), []);
});
