/**
 * A process that observes until it is killed: opens the engine in a directory, checks that all it was told to have been durable is found,
 * then goes on. Says `ready` once it has checked, then `durable N` as the mark moves. Arguments: directory, last durable number, seed.
 */
import assert from "node:assert/strict";
import { createRng, MillraceError, randomBelow } from "@millrace/core";
import { toSpaceId } from "@millrace/protocol";
import { Engine } from "@millrace/server";

const [directory = "", known = "0", seed = "1"] = process.argv.slice(2);
const DIMS = 24;
const SPACES = ["a", "b", "c"].map((name) => toSpaceId(name));
const CHECKED = 150;

function vectorOf(n: number): Float32Array {
  const rng = createRng(n);
  return Float32Array.from({ length: DIMS }, () => rng() * 2 - 1);
}

function batchOf(firstSeq: number, count: number) {
  const vectors = new Float32Array(count * DIMS);
  for (let at = 0; at < count; at++) vectors.set(vectorOf(firstSeq + at), at * DIMS);
  const metas = Array.from({ length: count }, (_, at) => ({ id: `n${firstSeq + at}`, payload: { n: firstSeq + at } }));
  const meta = new TextEncoder().encode(JSON.stringify(metas));
  const form = { lane: "normal", encoding: "f32", dims: DIMS } as const;
  return { ...form, firstSeq, count, meta, vectors: new Uint8Array(vectors.buffer) };
}

const rng = createRng(Number(seed));
const engine = await Engine.open({ directory, profileOverrides: { workers: 1 } });
const { ingest } = engine.memory;
const marks = new Map<string, number>();
let told = Number(known);
const sessions = await Promise.all(
  SPACES.map((space) =>
    ingest.open({
      ...{ space, session: "p", dims: DIMS },
      onProgress: ({ durable }) => {
        marks.set(space, durable);
        const all = marks.size === SPACES.length ? Math.min(...marks.values()) : 0;
        if (all > told) process.stdout.write(`durable ${all}\n`);
        told = Math.max(told, all);
      },
    }),
  ),
);
await check(Number(known));
process.stdout.write("ready\n");
for (;;) {
  for (const session of sessions) {
    try {
      session.submit(batchOf(session.nextSeq, 1 + randomBelow(rng, 60)));
    } catch (error) {
      assert.ok(error instanceof MillraceError && error.retryable, String(error));
    }
  }
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Every number up to `durable` is there, once, under its own id; a sample is looked for, the latest whole. */
async function check(durable: number): Promise<void> {
  for (const [at, space] of SPACES.entries()) {
    const session = sessions[at];
    assert.ok(session && session.nextSeq > durable, `${space} goes on at ${session?.nextSeq}, ${durable} was durable`);
    const last = session.nextSeq - 1;
    if (last === 0) continue;
    const numbers = Array.from({ length: Math.min(CHECKED, last) }, (_, back) => last - back);
    for (let more = 0; more < CHECKED; more++) numbers.push(1 + randomBelow(rng, last));
    for (const n of numbers) {
      const { results, live } = await engine.memory.recallVectors(space, vectorOf(n), { k: 1, recall: "exact" });
      assert.equal(live, last, `${space} holds each number once`);
      assert.equal(results[0]?.id, `n${n}`);
      assert.equal(results[0]?.meta?.payload?.n, n);
    }
  }
}
