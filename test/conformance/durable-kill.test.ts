import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { createRng, Deadline, randomBelow } from "@millrace/core";
import { temporaryDirectory } from "../support/engine.ts";
import { spawnEngine } from "../support/spawn-engine.ts";
import { LIMIT_MS } from "../support/until.ts";

const JSON_TYPE = { "content-type": "application/json" };
const WRITERS = 4;

type Told = {
  /** Highest Producer-Seq that each writer was told is kept; -1 before the first. */
  readonly acked: number[];
  /** Seq each writer goes on with: what it does not know of is sent again. */
  readonly next: number[];
};

/** Appends `[writer, seq]` until the engine is gone. Every answer has been noted when this settles. */
async function writeUntilGone(url: string, writer: number, told: Told): Promise<void> {
  for (;;) {
    const seq = told.next[writer] ?? 0;
    const producer = { "producer-id": `w${writer}`, "producer-epoch": "0", "producer-seq": String(seq) };
    try {
      const body = JSON.stringify([{ writer, seq }]);
      const { status } = await fetch(url, { method: "POST", headers: { ...JSON_TYPE, ...producer }, body });
      assert.ok(status === 200 || status === 204, `append answered with ${status}`);
      told.acked[writer] = seq;
      told.next[writer] = seq + 1;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return;
    }
  }
}

async function readAll(url: string): Promise<{ writer: number; seq: number }[]> {
  const items: { writer: number; seq: number }[] = [];
  for (let offset = "-1", isAtTail = false; !isAtTail; ) {
    const page = await fetch(`${url}?offset=${offset}`);
    assert.equal(page.status, 200);
    items.push(...((await page.json()) as { writer: number; seq: number }[]));
    offset = page.headers.get("stream-next-offset") ?? "";
    isAtTail = page.headers.get("stream-up-to-date") === "true";
  }
  return items;
}

test("I3, I4: kill -9 while producers write loses nothing acknowledged, keeps nothing twice, and offsets go on", async () => {
  const rng = createRng(41);
  const directory = temporaryDirectory();
  const told: Told = { acked: new Array(WRITERS).fill(-1), next: new Array(WRITERS).fill(0) };
  let before: { writer: number; seq: number }[] = [];
  let offset = "-1";
  for (let round = 0; round < 6; round++) {
    await using engine = await spawnEngine(directory);
    const url = `${engine.url}/v1/stream/kill/log`;
    const { status } = await fetch(url, { method: "PUT", headers: { ...JSON_TYPE, "stream-ttl": "3600" } });
    assert.equal(status, round === 0 ? 201 : 200, "the stream was kept with what it was made as");
    const kept = await readAll(url);
    assert.deepEqual(kept.slice(0, before.length), before, "what was read once is read again");
    for (let writer = 0; writer < WRITERS; writer++) {
      const seqs = kept.filter((item) => item.writer === writer).map(({ seq }) => seq);
      assert.deepEqual(
        seqs,
        seqs.map((_, at) => at),
        `writer ${writer}: in order, none twice`,
      );
      assert.ok(
        seqs.length > (told.acked[writer] ?? -1),
        `writer ${writer}: ${seqs.length} kept, ${told.acked[writer]} acknowledged`,
      );
    }
    const since = await fetch(`${url}?offset=${offset}`);
    assert.equal(since.status, 200, "an offset from before the kill is a place");
    offset = since.headers.get("stream-next-offset") ?? "";
    before = kept;
    const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => writeUntilGone(url, writer, told)));
    const target = (told.acked[0] ?? 0) + 5 + randomBelow(rng, 60);
    const isReached = async () => {
      while ((told.acked[0] ?? 0) < target) await new Promise((resolve) => setImmediate(resolve));
    };
    // Writers that end before the engine does have met something they should not.
    await Deadline.after(3 * LIMIT_MS).race("writing", Promise.race([isReached(), writing]));
    await engine.kill("SIGKILL");
    await writing;
  }
  assert.ok(before.length > 100, `${before.length} messages over all rounds`);
  rmSync(directory, { recursive: true, force: true });
});

test("a fork, a closed stream and a subscription are what they were after kill -9", async () => {
  const directory = temporaryDirectory();
  const subscription = { type: "pull-wake", pattern: "work/*", wake_stream: "wakes", lease_ttl_ms: 600_000 };
  let claim: { wake_id: string; generation: number; token: string; streams: { path: string; tail_offset: string }[] };
  {
    await using engine = await spawnEngine(directory);
    const root = `${engine.url}/v1/stream`;
    const put = (path: string, headers: Record<string, string>, body: string) =>
      fetch(`${root}/${path}`, { method: "PUT", headers, body });
    await put("source", { "content-type": "text/plain" }, "shared ");
    await put("fork", { "stream-forked-from": "/v1/stream/source" }, "own");
    await fetch(`${root}/source`, { method: "DELETE" });
    await fetch(`${root}/fork`, { method: "POST", headers: { "stream-closed": "true" } });
    await put("wakes", JSON_TYPE, "[]");
    await put("__ds/subscriptions/s", JSON_TYPE, JSON.stringify(subscription));
    await put("work/1", JSON_TYPE, "[1]");
    const claimed = await fetch(`${root}/__ds/subscriptions/s/claim`, { method: "POST", body: '{"worker":"w"}' });
    assert.equal(claimed.status, 200);
    claim = (await claimed.json()) as typeof claim;
    await engine.kill("SIGKILL");
  }
  await using engine = await spawnEngine(directory);
  const root = `${engine.url}/v1/stream`;
  const fork = await fetch(`${root}/fork`);
  assert.equal(await fork.text(), "shared own");
  assert.equal(fork.headers.get("stream-closed"), "true");
  assert.equal((await fetch(`${root}/source`)).status, 410);
  const acks = claim.streams.map(({ path, tail_offset }) => ({ stream: path, offset: tail_offset }));
  const acked = await fetch(`${root}/__ds/subscriptions/s/ack`, {
    method: "POST",
    headers: { authorization: `Bearer ${claim.token}` },
    body: JSON.stringify({ wake_id: claim.wake_id, generation: claim.generation, acks, done: true }),
  });
  assert.deepEqual([acked.status, await acked.json()], [200, { ok: true, next_wake: false }]);
  const shown = (await (await fetch(`${root}/__ds/subscriptions/s`)).json()) as { streams: { acked_offset: string }[] };
  assert.equal(shown.streams[0]?.acked_offset, claim.streams[0]?.tail_offset);
  rmSync(directory, { recursive: true, force: true });
});
