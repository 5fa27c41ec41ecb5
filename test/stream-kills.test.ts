/** The engine is killed at random points, again and again, while producers send and readers follow through the SDK. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type Client, createClient, type Frame, type MillraceError } from "@millrace/client";
import { createRng, type Rng, randomBelow } from "@millrace/core";
import { startRestarting } from "./support/restarting-engine.ts";
import { until } from "./support/until.ts";

const ROUNDS = 20;
const NUMBERED = "kill:numbered";
const CHAT = "kill:chat";
const TERMINAL = new Set(["llm.final", "interrupted"]);

/** What a reader has made of a stream: the frames it applied, and after a gap those from before it only. */
class Applied {
  readonly frames: Frame[] = [];
  gaps = 0;

  constructor(client: Client, stream: string, onWrong: (error: unknown) => void) {
    const read = async () => {
      const onGap = ({ first }: { first: number }) => {
        this.gaps++;
        this.frames.length = first - 1;
      };
      for await (const frame of client.stream(stream).subscribe({ onGap })) {
        assert.equal(frame.seq, this.frames.length + 1, "I1: seen through every restart");
        this.frames.push(frame);
      }
    };
    read().catch(onWrong);
  }
}

/** Sends numbered events; what was not acknowledged is sent again, in batches cut anew. */
class Producer {
  kept = 0;
  #end = 0;
  isOver = false;
  readonly done: Promise<void>;

  constructor(client: Client, rng: Rng) {
    this.done = this.#run(client, rng);
  }

  async #run(client: Client, rng: Rng): Promise<void> {
    while (!this.isOver || this.kept < this.#end) {
      const seq = Math.max(0, this.kept - randomBelow(rng, 3));
      const count = 1 + randomBelow(rng, 20);
      this.#end = Math.max(this.#end, seq + count);
      const events = Array.from({ length: count }, (_, at) => ({ type: "log", data: seq + at }));
      try {
        await client.stream(NUMBERED).append(events, { producer: { id: "p", epoch: 1, seq } });
        this.kept = Math.max(this.kept, seq + count);
      } catch (error) {
        if (!(error as MillraceError).retryable) throw error;
        await setTimeout(10);
      }
    }
  }
}

/** Sends answers of a model with nobody waiting for the disk, and begins a new one when the last cannot go on. */
async function chat(url: string, rng: Rng, isOver: () => boolean): Promise<void> {
  for (let message = 0; !isOver(); message++) {
    const id = `m${message}`;
    const types = ["llm.start", ...new Array<string>(randomBelow(rng, 12)).fill("llm.delta"), "llm.final"];
    for (const type of types) {
      const data = type === "llm.delta" ? { append: "some words " } : {};
      const body = JSON.stringify({ events: [{ type, id, data }], ack: "accepted" });
      const options = { method: "POST", body, headers: { "content-type": "application/json" } };
      const isTaken = await fetch(`${url}/v1/streams/${CHAT}/events`, options).then(
        async (response) => (await response.text()) && response.ok,
        () => false,
      );
      if (!isTaken) break;
    }
    await setTimeout(2);
  }
}

/** A reader of the compact form knows a frame under the epoch it follows, the log under the one it was written in: either is its cursor. */
function contentOf({ epoch: _epoch, ...content }: Frame): Omit<Frame, "epoch"> {
  return content;
}

async function logOf(client: Client, stream: string): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (let after: string | undefined; ; ) {
    const page = await client.stream(stream).frames({ limit: 1_000, after });
    frames.push(...page.frames);
    after = page.cursor;
    if (!page.more) return frames;
  }
}

/** I7: every message that was begun has ended once, but for those that are open since the last start. */
function checkMessages(frames: readonly Frame[]): { interrupted: number } {
  const ends = new Map<string, number>();
  for (const { type, id } of frames) ends.set(id, (ends.get(id) ?? 0) + (TERMINAL.has(type) ? 1 : 0));
  assert.deepEqual(
    [...ends.entries()].filter(([, count]) => count !== 1),
    [],
  );
  return { interrupted: frames.filter(({ type }) => type === "interrupted").length };
}

test("I2, I4, I7: killed 20 times at random points: what was acknowledged is there once, and readers have what the log has", async (t) => {
  const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 2 ** 31);
  t.diagnostic(`MILLRACE_SEED=${seed}`);
  const rng = createRng(seed);
  await using engine = await startRestarting();
  const options = { url: engine.url, rng: () => 0.05 };
  const clients = [createClient(options), createClient({ ...options, WebSocket: null })];
  const wrong: unknown[] = [];
  let isOver = false;
  try {
    const [client] = clients;
    assert.ok(client);
    const readers = clients.flatMap((one) =>
      [NUMBERED, CHAT].map((stream) => ({ stream, applied: new Applied(one, stream, (error) => wrong.push(error)) })),
    );
    const producer = new Producer(client, rng);
    const chatting = chat(engine.url, rng, () => isOver);
    const seen = () => readers.reduce((sum, { applied }) => sum + applied.frames.length, 0);
    for (let round = 0; round < ROUNDS; round++) {
      const goal = seen() + randomBelow(rng, 400);
      await until(
        () => seen() >= goal || wrong.length > 0,
        () => ({ round, goal, seen: seen() }),
      );
      assert.deepEqual(wrong, []);
      // One message at least is open, and known to be durable, when the engine is killed.
      if (round === 0) await client.stream(CHAT).append([{ type: "llm.start", id: "held", data: {} }]);
      // A killed engine is followed by one of the other mode.
      await engine.restart(round % 2 === 0 ? "strict" : "relaxed");
    }
    isOver = true;
    producer.isOver = true;
    await Promise.all([producer.done, chatting]);
    // The last start ends what the last life left open.
    await engine.restart();
    const logs = new Map([
      [NUMBERED, await logOf(client, NUMBERED)],
      [CHAT, await logOf(client, CHAT)],
    ]);
    for (const { stream, applied } of readers) {
      const log = logs.get(stream) ?? [];
      await until(
        () => applied.frames.length >= log.length || wrong.length > 0,
        () => `reading ${stream}: ${applied.frames.length} of ${log.length}`,
      );
      assert.deepEqual(applied.frames.map(contentOf), log.map(contentOf));
    }
    assert.deepEqual(wrong, []);
    const numbers = (logs.get(NUMBERED) ?? []).map(({ data }) => data);
    assert.deepEqual(
      numbers,
      Array.from({ length: numbers.length }, (_, at) => at),
    );
    assert.ok(numbers.length >= producer.kept, `${producer.kept} were acknowledged, ${numbers.length} are there`);
    const { interrupted } = checkMessages(logs.get(CHAT) ?? []);
    const gaps = readers.reduce((sum, { applied }) => sum + applied.gaps, 0);
    t.diagnostic(
      `${numbers.length} numbered, ${logs.get(CHAT)?.length} chat frames, ${interrupted} interrupted, ${gaps} gaps`,
    );
    assert.ok(interrupted > 0, "kills must hit open messages");
  } finally {
    isOver = true;
    for (const client of clients) client.close();
  }
});
