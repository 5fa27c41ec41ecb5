/** Writers and readers at their worst: everything sent again and again, events after the end, readers that come and go by the hundred. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { type Client, createClient, type MillraceError } from "@millrace/client";
import { type Clock, createRng, randomBelow, systemClock } from "@millrace/core";
import { startServer } from "@millrace/server";
import { WebSocket } from "ws";
import { startEngine, type TestEngine, temporaryDirectory } from "./support/engine.ts";
import { openSseReader, openWsReader, type RawFrame } from "./support/raw-readers.ts";
import { until } from "./support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
});
after(() => engine[Symbol.asyncDispose]());

const seedOf = () => Number(process.env.MILLRACE_SEED ?? Date.now() % 2 ** 31);
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, at) => from + at);

type Answer = { op: string; id: number; accepted: number; duplicates: number; error?: { code: string } };

/** A WebSocket that appends: each call is answered by its id. */
async function openWriter(url: string) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/ws`);
  await once(socket, "open");
  const waiting = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  socket.on("message", (data) => {
    const answer = JSON.parse(String(data)) as Answer;
    waiting.get(answer.id)?.(answer);
  });
  const append = (message: object): Promise<Answer> => {
    const id = ++lastId;
    socket.send(JSON.stringify({ op: "append", id, ...message }));
    return new Promise((resolve) => waiting.set(id, resolve));
  };
  return { append, [Symbol.dispose]: () => socket.terminate() };
}

async function dataOf(client: Client, stream: string): Promise<unknown[]> {
  const data: unknown[] = [];
  for (let after: string | undefined; ; ) {
    const page = await client.stream(stream).frames({ limit: 700, after });
    data.push(...page.frames.map((frame) => frame.data));
    after = page.cursor;
    if (!page.more) return data;
  }
}

test("I3: one producer's batches sent again in any overlap by six connections at once are one log, each event once and in order", async (t) => {
  const seed = seedOf();
  t.diagnostic(`MILLRACE_SEED=${seed}`);
  const rng = createRng(seed);
  const stream = "storm:1";
  const total = 3_000;
  let kept = 0;
  const counts = { accepted: 0, duplicates: 0 };
  using socketOne = await openWriter(engine.server.url);
  using socketTwo = await openWriter(engine.server.url);
  const overHttp = (request: {
    events: { type: string; data: number }[];
    producer: { id: string; epoch: number; seq: number };
  }) => engine.client.stream(stream).append(request.events, { producer: request.producer });
  const overSocket =
    ({ append }: typeof socketOne) =>
    (request: object) =>
      append({ stream, ...request });
  const sends = [overHttp, overHttp, overHttp, overSocket(socketOne), overSocket(socketTwo), overSocket(socketTwo)];
  const storm = async (
    send: (request: Parameters<typeof overHttp>[0]) => Promise<{ accepted: number; duplicates: number }>,
  ) => {
    while (kept < total) {
      const seq = Math.max(0, kept - randomBelow(rng, 40));
      const count = Math.min(total - seq, 1 + randomBelow(rng, 60));
      const events = numbers(count, seq).map((data) => ({ type: "log", data }));
      const { accepted, duplicates } = await send({ events, producer: { id: "p", epoch: 1, seq } });
      assert.equal(accepted + duplicates, count);
      counts.accepted += accepted;
      counts.duplicates += duplicates;
      kept = Math.max(kept, seq + count);
    }
  };
  await Promise.all(sends.map(storm));
  assert.deepEqual(await dataOf(engine.client, stream), numbers(total));
  assert.equal(counts.accepted, total);
  // Sent one after the other they would overlap by as much as is new; at once it is more.
  assert.ok(counts.duplicates > total / 2, `a storm has many duplicates: ${counts.duplicates}`);
});

test("I7: a delta after the end is refused as terminal over HTTP and WebSocket, counted, and nothing of it is kept", async () => {
  const stream = "storm:ended";
  const delta = { type: "llm.delta", id: "m1", data: { append: "more" } };
  const { lastSeq } = await engine.client
    .stream(stream)
    .append([{ type: "llm.start", id: "m1", data: {} }, delta, { type: "llm.final", id: "m1", data: {} }]);
  const refusals = async () => {
    const metrics = await (await fetch(`${engine.server.url}/metrics`)).text();
    return Number(/^millrace_lifecycle_refusals_total\{code="terminal"\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
  };
  const before = await refusals();
  using writer = await openWriter(engine.server.url);
  const harmless = { type: "log", data: "in the same batch" };
  await assert.rejects(engine.client.stream(stream).append([harmless, delta]), { code: "terminal" });
  const answer = await writer.append({ stream, events: [harmless, delta] });
  assert.deepEqual([answer.op, answer.error?.code], ["error", "terminal"]);
  assert.equal((await refusals()) - before, 2);
  assert.equal((await engine.client.stream(stream).frames({ limit: 100 })).head, lastSeq);
});

test("pages of any size hold every frame and every entity once, also those of one version", async () => {
  const sources = numbers(40).map((n) => ({ source: `page-${n}.md`, text: `# ${n}\n\nWords about ${n}.` }));
  const job = await engine.client.space("pages").add(sources, { waitMs: 60_000 });
  const handle = engine.client.stream(job.stream);
  const whole = await handle.timeline({ limit: 1_000 });
  assert.equal(whole.next, undefined);
  assert.equal(whole.entities.length, sources.length + 1);
  for (const limit of [1, 3, 7, 40]) {
    const ids: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await handle.timeline({ limit, after });
      assert.equal(page.asOfSeq, whole.asOfSeq);
      ids.push(...page.entities.map(({ kind, id }) => `${kind} ${id}`));
      after = page.next;
      if (after === undefined) break;
    }
    assert.deepEqual(
      ids,
      whole.entities.map(({ kind, id }) => `${kind} ${id}`),
    );
    const seqs: number[] = [];
    for (let after: string | undefined; ; ) {
      const page = await handle.frames({ limit, after });
      seqs.push(...page.frames.map(({ seq }) => seq));
      after = page.cursor;
      if (!page.more) break;
    }
    assert.deepEqual(seqs, numbers(whole.asOfSeq, 1));
  }
});

/** The system's clock, which knows how many timers wait. */
function countingClock(): Clock & { readonly timers: number } {
  let timers = 0;
  return {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic(),
    get timers() {
      return timers;
    },
    after(delayMs, run) {
      timers++;
      let isOver = false;
      const end = () => {
        if (!isOver) timers--;
        isOver = true;
      };
      const cancel = systemClock.after(delayMs, () => {
        end();
        run();
      });
      return () => {
        end();
        cancel();
      };
    },
  };
}

test("readers that come and go by the hundred while one writer runs: each sees an unbroken part, and nothing of them is left", async (t) => {
  const seed = seedOf();
  t.diagnostic(`MILLRACE_SEED=${seed}`);
  const rng = createRng(seed);
  const clock = countingClock();
  await using own = await startEngine({ clock });
  const stream = "churn:1";
  await own.client.stream(stream).append([{ type: "log", data: 0 }]);
  const idleTimers = clock.timers;
  let left = 600;
  const wrong: string[] = [];
  const visit = () =>
    new Promise<void>((resolve) => {
      let position: number | undefined;
      let wanted = 1 + randomBelow(rng, 60);
      const onFrame = ({ seq }: RawFrame) => {
        if (position !== undefined && seq !== position + 1) wrong.push(`${seq} after ${position}`);
        position = seq;
        wanted--;
        if (wanted > 0) return;
        reader[Symbol.dispose]();
        resolve();
      };
      const options = { url: own.server.url, stream, onFrame, onOdd: (what: string) => wrong.push(what) };
      const kind = randomBelow(rng, 3);
      const reader =
        kind === 0
          ? openSseReader(options)
          : openWsReader(options, kind === 1 ? { format: "frames" } : { format: "compact", window: 5 });
    });
  const visiting = async () => {
    while (left-- > 0) await visit();
  };
  let isOver = false;
  const writing = (async () => {
    for (let n = 1; !isOver; n++) await own.client.stream(stream).append([{ type: "log", data: n }]);
  })();
  await Promise.all(Array.from({ length: 100 }, visiting));
  isOver = true;
  await writing;
  assert.deepEqual(wrong, []);
  const { sequencer } = own.server.engine;
  const held = () =>
    [...sequencer.opened()].filter(
      ({ followers, holds, pending, reads }) => followers + holds + pending + reads.size > 0,
    );
  await until(
    () => held().length === 0,
    () => held().map(({ name, followers, holds }) => [name, followers, holds]),
  );
  await until(
    () => clock.timers <= idleTimers,
    () => ({ timers: clock.timers, idleTimers }),
  );
  await until(async () => (await own.client.overview()).subscribers === 0);
});

test("I4: closed in the middle of everything and started again at once over the same files: what was acknowledged is there, and the rest is told to come again", async (t) => {
  const seed = seedOf();
  t.diagnostic(`MILLRACE_SEED=${seed}`);
  const rng = createRng(seed);
  const directory = temporaryDirectory();
  const stream = "restart:1";
  const kept: string[] = [];
  const codes = new Map<string, number>();
  for (let round = 0; round < 6; round++) {
    const server = await startServer({ port: 0, directory });
    const client = createClient({ url: server.url, rng: () => 0 });
    let seen = 0;
    const controller = new AbortController();
    const reading = numbers(5).map(async () => {
      for await (const _frame of client.stream(stream).subscribe({ signal: controller.signal, onGap: () => {} }))
        seen++;
    });
    let isOver = false;
    const writing = numbers(4).map(async (writer) => {
      for (let n = 0; !isOver; n++) {
        const data = `${round}.${writer}.${n}`;
        await client
          .stream(stream)
          .append([{ type: "log", data }])
          .then(
            () => kept.push(data),
            ({ code, retryable }: MillraceError) => {
              assert.ok(retryable, code);
              codes.set(code, (codes.get(code) ?? 0) + 1);
              isOver = true;
            },
          );
      }
    });
    const goal = 1 + randomBelow(rng, 300);
    await until(() => seen >= goal);
    await server.close();
    isOver = true;
    await Promise.all(writing);
    controller.abort();
    await Promise.all(reading);
    client.close();
  }
  await using server = await startServer({ port: 0, directory });
  const client = createClient({ url: server.url });
  const data = await dataOf(client, stream);
  assert.equal(new Set(data).size, data.length, "nothing twice");
  assert.deepEqual(
    kept.filter((one) => !data.includes(one)),
    [],
  );
  t.diagnostic(`${kept.length} acknowledged, ${data.length} there, refused: ${JSON.stringify([...codes])}`);
  client.close();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});
