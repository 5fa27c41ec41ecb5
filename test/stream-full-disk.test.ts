import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame, MillraceError } from "@millrace/client";
import { toStreamId } from "@millrace/protocol";
import { startEngine } from "./support/engine.ts";
import { freezeWriter } from "./support/freeze-threads.ts";
import { until } from "./support/until.ts";

test("I2, I4: a disk that fills under relaxed appends: readers keep what is kept under a new epoch, and writing goes on once there is room", async () => {
  await using engine = await startEngine({ dataBytesMax: 4 * 1024 * 1024 });
  const name = "full:1";
  const { sequencer } = engine.server.engine;
  const stream = engine.client.stream(name);
  await stream.append([{ type: "log", data: "first" }]);
  const applied: Frame[] = [];
  const gaps: { first: number; reason: string }[] = [];
  const reading = (async () => {
    const onGap = ({ first, reason }: { first: number; reason: string }) => {
      gaps.push({ first, reason });
      applied.length = Math.min(applied.length, first - 1);
    };
    for await (const frame of stream.subscribe({ onGap })) applied.push(frame);
  })();
  const codes = new Set<string>();
  let kept = 1;
  while (codes.size === 0) {
    // The disk stands still until the reader has seen them, so that what it refuses then has been seen.
    const frozen = await freezeWriter(engine.directory);
    const events = [{ type: "log", data: "x".repeat(60_000) }];
    const burst = await Promise.all([1, 2, 3, 4].map(() => sequencer.submit(toStreamId(name), events)));
    await until(
      () => applied.at(-1)?.seq === burst.at(-1)?.lastSeq,
      () => [applied.at(-1)?.seq, kept],
    );
    frozen[Symbol.dispose]();
    for (const { durable } of burst) {
      await durable.then(
        () => kept++,
        (error: MillraceError) => codes.add(error.code),
      );
    }
  }
  assert.ok(
    [...codes].every((code) => code === "storage_full" || code === "storage_failed"),
    [...codes].join(),
  );
  await until(() => gaps.length > 0);
  assert.deepEqual([gaps[0]?.reason, gaps[0]?.first], ["epoch", kept + 1]);
  // Room is made; what is written then has the numbers that were taken back.
  await stream.retain({ maxFrames: 2 });
  let head = 0;
  await until(async () => {
    head = await stream.append([{ type: "log", data: "again" }]).then(
      ({ lastSeq }) => lastSeq,
      () => 0,
    );
    return head > 0;
  });
  assert.equal(head, kept + 1);
  await until(
    () => applied.at(-1)?.seq === head,
    () => [applied.at(-1)?.seq, head],
  );
  const { frames } = await stream.frames({ limit: 10 });
  assert.deepEqual(
    applied.slice(-frames.length).map(({ seq, id }) => [seq, id]),
    frames.map(({ seq, id }) => [seq, id]),
  );
  assert.deepEqual(
    applied.map(({ seq }) => seq),
    Array.from({ length: applied.length }, (_, at) => at + 1),
  );
  engine.client.close();
  await reading;
});
