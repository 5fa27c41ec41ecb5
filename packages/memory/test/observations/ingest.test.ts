import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import { toSpaceId } from "@millrace/protocol";
import { batchOf, DIMS, nearest, openMemory, SPACE, temporaryDirectory, vectorOf } from "./fixture.ts";

const rowId = (row: number) => `~${row.toString(36)}`;

test("I11: what is acknowledged as searchable is in the next recall, and every mark comes to all that was accepted", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
  for (let from = 1; from <= 400; from += 50) {
    session.submit(batchOf(from, 50));
    await session.reached("searchable");
    assert.deepEqual(await nearest(memory, from + 49), [rowId(from + 48)]);
  }
  for (const mark of ["accepted", "durable", "searchable", "indexed"] as const) {
    await session.reached(mark);
    assert.equal(session.watermarks[mark], 400, mark);
  }
});

test("I3: what is sent again is a no-op, whole or in part, and what skips a number is refused", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
  session.submit(batchOf(1, 10));
  session.submit(batchOf(1, 10));
  session.submit(batchOf(6, 10));
  assert.equal(session.nextSeq, 16);
  assert.throws(() => session.submit(batchOf(20, 5)), { code: "sequence_gap" });
  assert.equal(session.nextSeq, 16, "a refused batch consumes no numbers");
  session.submit(batchOf(16, 1));
  await session.reached("searchable");
  const { live } = await memory.recallVectors(SPACE, vectorOf(1), { k: 1 });
  assert.equal(live, 16);
  for (let n = 1; n <= 16; n++) assert.deepEqual(await nearest(memory, n), [rowId(n - 1)]);
});

test("bad batches are refused with the value, the limit and the way out, and nothing of them is taken", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
  const refused = (batch: Parameters<typeof session.submit>[0], expected: { code: string; message: RegExp }) =>
    assert.throws(() => session.submit(batch), expected);
  refused(batchOf(1, 2, { dims: 8 }), { code: "dimension_mismatch", message: /8 dimensions.*16/ });
  const broken = batchOf(1, 3);
  new Float32Array(broken.vectors.buffer)[DIMS + 5] = Number.NaN;
  refused(broken, { code: "invalid_argument", message: /number 5 of vector 1 is NaN/ });
  refused(batchOf(1, 1_001), { code: "too_large", message: /1001.*1000/ });
  refused({ ...batchOf(1, 2), count: 3 }, { code: "invalid_argument", message: /192 bytes.*128/ });
  const meta = (value: unknown) => ({ ...batchOf(1, 1), meta: new TextEncoder().encode(JSON.stringify(value)) });
  refused(meta([{ confidence: 2 }]), { code: "invalid_argument", message: /confidence of observation 0 is 2/ });
  refused(meta([{ id: "~a" }]), { code: "invalid_argument", message: /do not begin with ~/ });
  refused(meta([{ colour: "red" }]), { code: "invalid_argument", message: /colour/ });
  refused(meta([null, null]), { code: "invalid_argument", message: /describes 2/ });
  refused({ ...batchOf(1, 1), lane: "low" }, { code: "invalid_argument", message: /lane low/ });
  await assert.rejects(memory.ingest.open({ space: toSpaceId("unknown") }), {
    code: "not_found",
    message: /dimensions/,
  });
  await assert.rejects(memory.ingest.open({ space: SPACE, dims: 3 }), { code: "dimension_mismatch" });
  await assert.rejects(memory.ingest.open({ space: SPACE, session: "no spaces" }), { code: "invalid_argument" });
  assert.equal(session.nextSeq, 1);
});

test("after a restart a session goes on where it was durable, and everything durable is found", async () => {
  const directory = temporaryDirectory();
  try {
    {
      await using opened = await openMemory(directory);
      const session = await opened.memory.ingest.open({ space: SPACE, dims: DIMS, session: "p-1" });
      for (let from = 1; from <= 300; from += 30) session.submit(batchOf(from, 30));
      await session.reached("durable");
    }
    await using opened = await openMemory(directory);
    const { memory } = opened;
    const session = await memory.ingest.open({ space: SPACE, session: "p-1" });
    assert.equal(session.nextSeq, 301);
    session.submit(batchOf(281, 40));
    await session.reached("searchable");
    for (let n = 1; n <= 320; n++) assert.deepEqual(await nearest(memory, n), [rowId(n - 1)]);
    const { live } = await memory.recallVectors(SPACE, vectorOf(1), { k: 1 });
    assert.equal(live, 320);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("a restart reads the saved index and the log after it, and removals stay removed", async () => {
  const directory = temporaryDirectory();
  try {
    {
      await using opened = await openMemory(directory);
      const { memory } = opened;
      const session = await memory.ingest.open({ space: SPACE, dims: DIMS, session: "p-1" });
      session.submit(batchOf(1, 100, { metaOf: (n) => ({ id: `n${n}` }) }));
      await session.reached("searchable");
      await memory.ingest.drain();
    }
    {
      await using opened = await openMemory(directory);
      const { memory } = opened;
      const session = await memory.ingest.open({ space: SPACE, session: "p-1" });
      session.submit(batchOf(101, 50, { metaOf: (n) => ({ id: `n${n}` }) }));
      await session.reached("durable");
      assert.equal(await memory.ingest.remove(SPACE, ["n7", "n120", "n999"]), 2);
    }
    await using opened = await openMemory(directory);
    for (let n = 1; n <= 150; n++) {
      const found = await nearest(opened.memory, n);
      if (n === 7 || n === 120) assert.notEqual(found[0], `n${n}`);
      else assert.deepEqual(found, [`n${n}`]);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("the same id again replaces the observation", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
  session.submit(batchOf(1, 20, { metaOf: (n) => ({ id: `n${n}`, what: "first" }) }));
  session.submit(batchOf(21, 5, { metaOf: (n) => ({ id: `n${n - 20}`, what: "second" }) }));
  await session.reached("searchable");
  for (let n = 1; n <= 5; n++) {
    const { results } = await memory.recallVectors(SPACE, vectorOf(n + 20), { k: 1, recall: "exact" });
    assert.equal(results[0]?.id, `n${n}`);
    assert.equal(results[0]?.meta?.what, "second");
    assert.notEqual((await nearest(memory, n))[0], `n${n}`, "the first vector is gone");
  }
  const { live } = await memory.recallVectors(SPACE, vectorOf(1), { k: 1 });
  assert.equal(live, 20);
});

test("I10: no recall answers from another space", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  const spaces = ["a", "b", "c", "d"].map((name) => toSpaceId(name));
  const sessions = await Promise.all(spaces.map((space) => memory.ingest.open({ space, dims: DIMS })));
  sessions.forEach((session, at) => {
    session.submit(batchOf(1, 50, { metaOf: (n) => ({ id: `${session.space}-${n}` }) }));
    session.submit(batchOf(51, 10 + at, { metaOf: (n) => ({ id: `${session.space}-${n}` }) }));
  });
  await Promise.all(sessions.map((session) => session.reached("searchable")));
  for (const space of spaces) {
    for (let n = 1; n <= 60; n += 7) {
      const ids = await nearest(memory, n, 70, space);
      assert.equal(ids[0], `${space}-${n}`);
      assert.ok(ids.every((id) => id.startsWith(`${space}-`)));
    }
  }
});

test("accounting under overload: all that was sent is accepted or refused, and all accepted is found", async () => {
  const lanes = { normal: { countMax: 200 } };
  await using opened = await openMemory(undefined, { lanes, batch: { min: 5, max: 20 } });
  const { memory } = opened;
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS, credits: 100_000 });
  let accepted = 0;
  let refused = 0;
  const sent = 3_000;
  for (let at = 0; at < sent; at += 10) {
    try {
      session.submit(batchOf(session.nextSeq, 10));
      accepted += 10;
    } catch (error) {
      assert.ok(error instanceof MillraceError && error.retryable, String(error));
      assert.ok((error.retryAfterMs ?? 0) >= 10 && (error.retryAfterMs ?? 0) <= 60_000);
      refused += 10;
      if (refused % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await session.reached("searchable");
  assert.equal(accepted + refused, sent);
  assert.ok(refused > 0, "the lane must have been full, or nothing is tested");
  const { admission, refusals } = memory.ingest.ingest;
  assert.equal(admission.admitted, accepted);
  assert.equal(
    [...refusals.values()].reduce((sum, count) => sum + count, 0),
    refused,
  );
  const { live } = await memory.recallVectors(SPACE, vectorOf(1), { k: 1 });
  assert.equal(live, accepted);
  for (let n = 1; n <= accepted; n += 37) assert.deepEqual(await nearest(memory, n), [rowId(n - 1)]);
});

test("vectors as f16 and i8 are found as those they were made from", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
  const halves = new Float16Array(10 * DIMS);
  for (let at = 0; at < 10; at++) halves.set(vectorOf(at + 1), at * DIMS);
  session.submit({ ...batchOf(1, 10), encoding: "f16", vectors: new Uint8Array(halves.buffer) });
  const bytes = new Uint8Array(10 * (4 + DIMS));
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < 10; at++) {
    view.setFloat32(at * (4 + DIMS), 1 / 127, true);
    for (const [dim, value] of vectorOf(at + 11).entries()) {
      view.setInt8(at * (4 + DIMS) + 4 + dim, Math.round(value * 127));
    }
  }
  session.submit({ ...batchOf(11, 10), encoding: "i8", vectors: bytes });
  await session.reached("searchable");
  for (let n = 1; n <= 20; n++) assert.deepEqual(await nearest(memory, n), [rowId(n - 1)]);
});

test("opening a session again ends the hold of the one before, and what was under way counts for the new one", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  const first = await memory.ingest.open({ space: SPACE, dims: DIMS, session: "one" });
  first.submit(batchOf(1, 40));
  const second = await memory.ingest.open({ space: SPACE, session: "one" });
  assert.equal(second.nextSeq, 41);
  assert.throws(() => first.submit(batchOf(41, 1)), { code: "conflict" });
  second.submit(batchOf(41, 10));
  await second.reached("searchable");
  await second.reached("durable");
  assert.equal(second.watermarks.searchable, 50);
  assert.equal(second.watermarks.durable, 50);
});

test("credits bound what is under way", async () => {
  await using opened = await openMemory();
  const session = await opened.memory.ingest.open({ space: SPACE, dims: DIMS, credits: 50 });
  session.submit(batchOf(1, 50));
  assert.throws(() => session.submit(batchOf(51, 1)), { code: "rate_limited", message: /credits/ });
  assert.throws(() => session.submit(batchOf(51, 51)), { code: "too_large" });
  await session.reached("durable");
  session.submit(batchOf(51, 50));
});

test("what outlives its time to live is gone", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
  session.submit(batchOf(1, 10, { metaOf: (n) => (n % 2 === 0 ? { id: `n${n}`, ttlMs: 1 } : { id: `n${n}` }) }));
  await session.reached("searchable");
  const live = async () => (await memory.recallVectors(SPACE, vectorOf(1), { k: 1 })).live;
  while ((await live()) > 5) await new Promise((resolve) => setImmediate(resolve));
  for (let n = 1; n <= 9; n += 2) assert.deepEqual(await nearest(memory, n), [`n${n}`]);
});
