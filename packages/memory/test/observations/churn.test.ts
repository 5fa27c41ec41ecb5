/** Random sending, replacing, removing and reclaiming with workers that die and restarts, against a set of ids. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, randomBelow } from "@millrace/core";
import { idsOf, openFaulty, scratch, submitted } from "./fault-memory.ts";
import { batchOf, DIMS, SPACE } from "./fixture.ts";

const ROUNDS = Number(process.env.MILLRACE_CHURN_ROUNDS ?? 3);
const STEPS = 40;
const NAMES = 5_000;
const SENT_MAX = 300;
const REMOVED_AT_ONCE = 1_000;
/** Little enough that files are closed and given back all the time. */
const LOG = { bytesMax: 6_000_000 } as const;

const nameOf = (n: number) => `n${n % NAMES}`;

test(`what is there is what was sent and not removed, whatever was given back, died and began again (${ROUNDS} rounds)`, async () => {
  using directory = scratch();
  const rng = createRng(20);
  const there = new Set<string>();
  let sent = 0;
  let filesGone = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await using opened = await openFaulty({ ...LOG, directory: directory.path });
    const { memory } = opened;
    const { ingest } = memory.ingest;
    const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
    const isAllThere = async () => assert.deepEqual((await idsOf(memory)).sort(), [...there].sort(), `round ${round}`);
    if (round > 0) await isAllThere();
    const send = async () => {
      const count = 1 + randomBelow(rng, SENT_MAX);
      const batch = batchOf(sent, count, { metaOf: (n) => ({ id: nameOf(n) }) });
      await submitted(session, { ...batch, firstSeq: session.nextSeq });
      for (let n = sent; n < sent + count; n++) there.add(nameOf(n));
      sent += count;
    };
    const remove = async () => {
      await session.reached("searchable");
      const gone = [...there].filter(() => randomBelow(rng, 10) < 6).slice(0, REMOVED_AT_ONCE);
      assert.equal(await memory.ingest.remove(SPACE, gone), gone.length);
      for (const name of gone) there.delete(name);
    };
    const reclaim = async () => {
      filesGone += (await ingest.upkeep.reclaim()).filesRemoved;
    };
    const kill = async () => {
      await ingest.workers.threads[randomBelow(rng, 2)]?.end();
    };
    const steps = [send, send, send, send, send, send, remove, remove, reclaim, kill];
    for (let step = 0; step < STEPS; step++) await steps[randomBelow(rng, steps.length)]?.();
    await session.reached("searchable");
    await session.reached("durable");
    await isAllThere();
    assert.deepEqual(ingest.letters.of(memory.spaceId(SPACE)), []);
  }
  assert.ok(filesGone > 0, "nothing was given back");
});
