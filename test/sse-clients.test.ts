/** Clients that follow across cut connections and a killed engine: the `eventsource` package as it is, and the SDK in Node. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, type Frame } from "@millrace/client";
import { startRestarting } from "./support/restarting-engine.ts";
import { spawnEventSource } from "./support/spawn-event-source.ts";
import { until } from "./support/until.ts";

const notes = (count: number, from: number) =>
  Array.from({ length: count }, (_, at) => ({ type: "x.note", data: from + at }));
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

test("eventsource (npm) gets every frame once across a cut and kill -9, and stops when the stream is deleted", async () => {
  await using engine = await startRestarting();
  const client = createClient({ url: engine.url });
  const stream = client.stream("chat");
  await using source = spawnEventSource(`${engine.url}/v1/streams/chat/sse`);
  const has = (count: number) =>
    until(
      () => source.frames.length >= count,
      () => source.frames.length,
    );
  await until(() => source.opens === 1);
  await stream.append(notes(40, 0));
  await has(40);
  engine.proxy.cut();
  await stream.append(notes(40, 40));
  await has(80);
  await engine.restart();
  await stream.append(notes(40, 80));
  await has(120);
  const frames = source.frames.map(({ data }) => JSON.parse(data) as Frame);
  assert.deepEqual(
    frames.map(({ seq, data }) => [seq, data]),
    upTo(120).map((seq) => [seq, seq - 1]),
  );
  assert.deepEqual(
    source.frames.map(({ id }) => Number(id.split(":")[1])),
    upTo(120),
  );
  assert.deepEqual([source.gaps, source.opens], [[], 3]);
  await stream.delete();
  await until(() => source.isClosed);
  client.close();
});

for (const transport of ["WebSocket", "server-sent events"] as const) {
  test(`the SDK over ${transport} applies every event once while connections are cut and the engine is killed`, async () => {
    await using engine = await startRestarting();
    const options = transport === "WebSocket" ? {} : { WebSocket: null };
    const client = createClient({ url: engine.url, ...options, rng: () => 0.01 });
    using _ = { [Symbol.dispose]: () => client.close() };
    const total = 3_000;
    const applied: unknown[] = [];
    const ended = (async () => {
      const onGap = ({ first }: { first: number }) => void applied.splice(first - 1);
      for await (const { seq, data } of client.stream("chat").subscribe({ onGap, window: 256 })) {
        assert.equal(seq, applied.push(data));
        if (applied.length === total) break;
      }
    })();
    const writer = client.stream("chat").writer({ maxInFlight: 200 });
    for (let n = 0; n < total; n++) {
      await writer.write({ type: "x.note", data: n });
      if (n % 400 === 399) engine.proxy.cut();
      if (n === 1_500) await engine.restart();
      // Some of it is durable before the next fault, and some is not.
      if (n % 250 === 0) await writer.flush();
    }
    await writer.close();
    await ended;
    assert.deepEqual(
      applied,
      Array.from({ length: total }, (_, n) => n),
    );
  });
}
