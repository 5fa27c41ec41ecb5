import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import { toSpaceId } from "@millrace/protocol";
import { rendezvous } from "../../src/observations/workers/rendezvous.ts";
import { batchOf, DIMS, nearest, openMemory, vectorOf } from "./fixture.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("another worker takes its share of the spaces and no space moves between the others", () => {
  const spaces = Array.from({ length: 10_000 }, (_, space) => space);
  const before = spaces.map((space) => rendezvous(space, [0, 1, 2, 3]));
  const after = spaces.map((space) => rendezvous(space, [0, 1, 2, 3, 4]));
  const moved = spaces.filter((space) => before[space] !== after[space]);
  assert.ok(moved.every((space) => after[space] === 4));
  assert.ok(Math.abs(moved.length - 2_000) < 200, `${moved.length}`);
  for (const worker of [0, 1, 2, 3]) {
    const share = before.filter((one) => one === worker).length;
    assert.ok(Math.abs(share - 2_500) < 250, `${worker}: ${share}`);
  }
});

test("workers that are killed again and again under load lose nothing, and spaces go to others", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  const { workers } = memory.ingest.ingest;
  const spaces = ["a", "b", "c", "d", "e", "f"].map((name) => toSpaceId(name));
  const sessions = await Promise.all(spaces.map((space) => memory.ingest.open({ space, dims: DIMS })));
  const perSpace = 3_000;
  let kills = 0;
  let atLastKill: readonly number[] = [];
  for (let from = 1; from <= perSpace; from += 50) {
    // No batch meets two of them, however slow the workers: after some it would be given up as what they die of.
    while (sessions.some(({ watermarks }, at) => watermarks.searchable < (atLastKill[at] ?? 0))) await turn();
    for (const session of sessions) {
      for (;;) {
        try {
          session.submit(batchOf(from, 50));
          break;
        } catch (error) {
          assert.ok(error instanceof MillraceError && error.retryable, String(error));
          await turn();
        }
      }
    }
    if (from % 500 === 1) {
      atLastKill = sessions.map(({ watermarks }) => watermarks.accepted);
      await workers.threads[kills++ % 2]?.end();
    }
  }
  await Promise.all(sessions.flatMap((session) => [session.reached("searchable"), session.reached("durable")]));
  assert.equal(kills, 6);
  assert.ok(workers.deaths >= 6 && workers.moves > 0);
  for (const space of spaces) {
    const { live } = await memory.recallVectors(space, vectorOf(1), { k: 1 });
    assert.equal(live, perSpace, `${space}`);
    for (let n = 1; n <= perSpace; n += 97) {
      assert.deepEqual(await nearest(memory, n, 1, space), [`~${(n - 1).toString(36)}`]);
    }
  }
});

test("an idle worker takes a whole space over from one with too much in hand, and order holds", async () => {
  await using opened = await openMemory(undefined, { stealThreshold: 50, batch: { min: 10, max: 100 } });
  const { memory } = opened;
  const { workers } = memory.ingest.ingest;
  // Spaces that one worker has, so that the other is idle.
  const ids = Array.from({ length: 24 }, (_, at) => toSpaceId(`s${at}`));
  const opening = await Promise.all(ids.map((space) => memory.ingest.open({ space, dims: DIMS })));
  const hot = opening.filter(({ space }) => rendezvous(spaceIdOf(memory, space), [0, 1]) === 0);
  assert.ok(hot.length >= 2);
  for (let from = 1; from <= 2_000; from += 50) {
    for (const session of hot) {
      for (;;) {
        try {
          session.submit(batchOf(from, 50));
          break;
        } catch {
          await turn();
        }
      }
    }
  }
  await Promise.all(hot.map((session) => session.reached("searchable")));
  assert.ok(workers.steals > 0);
  for (const { space } of hot) {
    const { live } = await memory.recallVectors(space, vectorOf(1), { k: 1 });
    assert.equal(live, 2_000);
    for (let n = 1; n <= 2_000; n += 191) {
      assert.deepEqual(await nearest(memory, n, 1, space), [`~${(n - 1).toString(36)}`]);
    }
  }
});

function spaceIdOf(
  memory: Awaited<ReturnType<typeof openMemory>>["memory"],
  space: ReturnType<typeof toSpaceId>,
): number {
  return memory.spaceId(space);
}
