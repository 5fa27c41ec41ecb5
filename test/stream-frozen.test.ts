/** The engine's writing thread stands still in the middle of its load, as for a disk that does not answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MillraceError } from "@millrace/core";
import { toStreamId } from "@millrace/protocol";
import { STORAGE_CALLS_MAX, type Submitted } from "@millrace/stream";
import { startEngine } from "./support/engine.ts";
import { freezeWriter } from "./support/freeze-threads.ts";
import { openRaw } from "./support/raw-socket.ts";
import { until } from "./support/until.ts";

/** Appends while the disk stands still: far fewer than may wait for it. */
const SUBMITS = 300;

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);

test("I4, I5: the disk frozen under load: frames go on being seen, nothing is refused or lost, no writer waits for the disk or a stalled reader", async () => {
  await using engine = await startEngine();
  const name = "frozen:1";
  const stream = engine.client.stream(name);
  await stream.append([{ type: "log", data: 0 }]);
  const stalled = await openRaw(engine.server.url, `GET /v1/streams/${name}/sse HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  stalled.pause();
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const { data } of stream.subscribe()) seen.push(data);
  })();
  await until(() => seen.length === 1);
  const kept: Promise<unknown>[] = [];
  let sent = 1;
  const { sequencer, storage } = engine.server.engine;
  {
    using _frozen = await freezeWriter(engine.directory);
    // Each is answered while nothing is written: that it waited for the disk would show as a standstill.
    for (let n = 0; n < SUBMITS; n++) {
      const events = numbers(10).map((at) => ({ type: "log", data: sent + at, text: "x".repeat(100) }));
      const submitted = await sequencer.submit(toStreamId(name), events);
      kept.push(submitted.durable);
      sent += 10;
      assert.equal(submitted.durableSeq, 1, "the disk stands still");
      // Readers have their turn in between.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(
      () => seen.length === sent,
      () => [seen.length, sent],
    );
    assert.ok(storage.depth > 0, "the writes still wait");
  }
  await Promise.all(kept);
  assert.deepEqual(seen, numbers(sent));
  assert.equal((await engine.server.engine.reader.stream(toStreamId(name))).head, sent);
  stalled.destroy();
  await engine.client.close();
  await reading;
});

test("I12: past what may wait for the disk appends are refused with a time to retry, over HTTP too, and all that were taken are kept", async () => {
  await using engine = await startEngine();
  const name = toStreamId("frozen:2");
  const { sequencer, reader } = engine.server.engine;
  await sequencer.append(name, [{ type: "log", data: 0 }]);
  const taken: Submitted[] = [];
  let refusal: MillraceError | undefined;
  {
    using _frozen = await freezeWriter(engine.directory);
    while (!refusal) {
      await sequencer.submit(name, [{ type: "log", data: taken.length }]).then(
        (submitted) => taken.push(submitted),
        (error: MillraceError) => {
          refusal = error;
        },
      );
    }
    assert.ok(taken.length > STORAGE_CALLS_MAX - 100, `${taken.length} were taken`);
    assert.equal(refusal.code, "overloaded");
    assert.ok((refusal.retryAfterMs ?? 0) > 0);
    const overHttp = await engine.client
      .stream(name)
      .append([{ type: "log", data: "late" }])
      .then(
        () => undefined,
        (error: MillraceError) => error,
      );
    assert.deepEqual([overHttp?.code, overHttp?.retryable], ["overloaded", true]);
  }
  await Promise.all(taken.map(({ durable }) => durable));
  assert.equal((await reader.stream(name)).head, taken.length + 1);
  await engine.client.stream(name).append([{ type: "log", data: "again" }]);
});

test("I12: large frames are bounded by their bytes, not by their number", async () => {
  await using engine = await startEngine();
  const name = toStreamId("frozen:3");
  const { sequencer, storage, reader } = engine.server.engine;
  await sequencer.append(name, [{ type: "log", data: 0 }]);
  const taken: Submitted[] = [];
  let code: string | undefined;
  {
    using _frozen = await freezeWriter(engine.directory);
    while (!code) {
      await sequencer.submit(name, [{ type: "log", data: "x".repeat(250_000) }]).then(
        (submitted) => taken.push(submitted),
        (error: MillraceError) => {
          code = error.code;
        },
      );
    }
    assert.equal(code, "overloaded");
    assert.ok(taken.length < 1_000, `${taken.length} frames of 250 KB were taken`);
    assert.ok(storage.waitingBytes < 130 * 1024 * 1024);
  }
  await Promise.all(taken.map(({ durable }) => durable));
  assert.equal((await reader.stream(name)).head, taken.length + 1);
});
