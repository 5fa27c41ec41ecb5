import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultProcess } from "./fault-child.ts";
import { idsOf, openFaulty, scratch } from "./fault-memory.ts";
import { SPACE } from "./fixture.ts";

test("a disk that fills and empties under the engine: all that was accepted becomes durable; kill -9 while it is full loses nothing durable", async () => {
  using directory = scratch();
  await using child = await FaultProcess.start(directory.path);
  await child.ask({ op: "send", to: 200 });
  assert.equal((await child.ask({ op: "reach", mark: "durable" })).durable, 200);
  child.limitFiles(150_000);
  const full = await child.ask({ op: "send", to: 3_000 });
  assert.ok(full.durable < 3_000 && full.accepted === 3_000 && full.failures > 0, JSON.stringify(full));
  assert.equal((await child.ask({ op: "reach", mark: "searchable" })).live, 3_000);
  child.limitFiles("unlimited");
  assert.equal((await child.ask({ op: "reach", mark: "durable" })).durable, 3_000);
  child.limitFiles(150_000);
  const again = await child.ask({ op: "send", to: 4_000 });
  assert.ok(again.durable < 4_000, JSON.stringify(again));
  await child.kill();
  await using opened = await openFaulty({ directory: directory.path });
  const session = await opened.memory.ingest.open({ space: SPACE, session: "p" });
  assert.ok(session.nextSeq > again.durable, `${session.nextSeq}`);
  assert.deepEqual(
    await idsOf(opened.memory),
    Array.from({ length: session.nextSeq - 1 }, (_, at) => `n${at + 1}`),
  );
});

test("a removal that the full disk refused is durable once it is asked again and confirmed", async () => {
  using directory = scratch();
  await using child = await FaultProcess.start(directory.path);
  await child.ask({ op: "send", to: 100 });
  await child.ask({ op: "reach", mark: "durable" });
  child.limitFiles(20_000);
  assert.equal((await child.ask({ op: "remove", ids: ["n7", "n8"] })).code, "storage_full");
  child.limitFiles("unlimited");
  assert.equal((await child.ask({ op: "remove", ids: ["n7", "n8"] })).code, "");
  await child.kill();
  await using opened = await openFaulty({ directory: directory.path });
  const ids = await idsOf(opened.memory);
  assert.equal(ids.length, 98);
  assert.ok(!ids.includes("n7") && !ids.includes("n8"));
});
