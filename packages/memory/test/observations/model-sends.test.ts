import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import type { Lane } from "@millrace/protocol";
import fc from "fast-check";
import type { IngestSession } from "../../src/index.ts";
import { allOf, openFaulty, scratch, until } from "./fault-memory.ts";
import { batchOf, DIMS, SPACE } from "./fixture.ts";

const RUNS = Number(process.env.MILLRACE_SEND_RUNS ?? 5);
const NAMES = ["a", "b", "c"] as const;
const LANES: Readonly<Record<(typeof NAMES)[number], Lane>> = { a: "normal", b: "high", c: "low" };

type Name = (typeof NAMES)[number];
type Action =
  /** A batch whose first number is so many before or behind the next; what it has beyond is what was not sent before. */
  | { readonly kind: "send"; readonly name: Name; readonly shift: number; readonly count: number }
  /** Two at once, the later first. */
  | { readonly kind: "swap"; readonly name: Name; readonly count: number }
  | { readonly kind: "open" | "close" | "settle"; readonly name: Name }
  | { readonly kind: "restart" };

const name = fc.constantFrom(...NAMES);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      name,
      shift: fc.oneof(
        { weight: 3, arbitrary: fc.constant(0) },
        { weight: 2, arbitrary: fc.integer({ min: -30, max: 3 }) },
      ),
      count: fc.integer({ min: 1, max: 25 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("swap" as const), name, count: fc.integer({ min: 1, max: 10 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("open" as const, "close" as const, "settle" as const), name }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);

/** What producers and engine have said: what is accepted, what is durable. */
class Producers {
  readonly accepted = new Map<Name, number>(NAMES.map((one) => [one, 0]));
  /** What was durable when the engine was last ended. */
  readonly durable = new Map<Name, number>();
  sessions = new Map<Name, IngestSession>();

  acceptedOf(one: Name): number {
    return this.accepted.get(one) ?? 0;
  }
}

/** Ids of a session's numbers: told apart by session. */
const metaOf = (one: Name) => ({ metaOf: (n: number) => ({ id: `${one}${n}`, payload: { n } }) });

async function run(actions: readonly Action[]): Promise<void> {
  using directory = scratch();
  // So narrow that some are refused.
  const overrides = { lanes: { low: { countMax: 60 }, normal: { countMax: 60 }, high: { countMax: 60 } } };
  const open = () => openFaulty({ directory: directory.path, overrides });
  const producers = new Producers();
  let opened = await open();
  try {
    for (const one of actions) {
      if (one.kind === "restart") {
        for (const [held, { watermarks }] of producers.sessions) producers.durable.set(held, watermarks.durable);
        await opened[Symbol.asyncDispose]();
        opened = await open();
        producers.sessions.clear();
      } else await follow(producers, one, opened);
    }
    await check(producers, opened);
  } finally {
    await opened[Symbol.asyncDispose]();
  }
}

async function sessionOf(producers: Producers, one: Name, opened: Awaited<ReturnType<typeof openFaulty>>) {
  const held = producers.sessions.get(one);
  if (held) return held;
  const session = await opened.memory.ingest.open({ space: SPACE, dims: DIMS, session: one, lane: LANES[one] });
  // What was accepted and not durable may be gone after a restart; nothing else, and nothing new.
  assert.ok(session.nextSeq - 1 <= producers.acceptedOf(one));
  assert.ok(session.nextSeq - 1 >= (producers.durable.get(one) ?? 0));
  producers.accepted.set(one, session.nextSeq - 1);
  producers.sessions.set(one, session);
  return session;
}

async function follow(
  producers: Producers,
  one: Exclude<Action, { kind: "restart" }>,
  opened: Awaited<ReturnType<typeof openFaulty>>,
): Promise<void> {
  if (one.kind === "open") producers.sessions.delete(one.name);
  const before = producers.acceptedOf(one.name);
  const session = await sessionOf(producers, one.name, opened);
  assert.equal(session.nextSeq, producers.acceptedOf(one.name) + 1);
  if (one.kind === "send") send(producers, session, one);
  else if (one.kind === "swap") {
    const first = session.nextSeq;
    send(producers, session, { ...one, shift: one.count });
    assert.equal(session.nextSeq, first, "what skips numbers is not taken");
    send(producers, session, { ...one, shift: 0 });
    send(producers, session, { ...one, shift: 0 });
  } else if (one.kind === "close") {
    await session.close();
    producers.sessions.delete(one.name);
    assert.ok(session.nextSeq - 1 <= Math.max(before, producers.acceptedOf(one.name)));
  } else if (one.kind === "settle") await session.reached("durable");
}

/** Sends a batch, and notes what the engine must have taken of it. */
function send(producers: Producers, session: IngestSession, one: { name: Name; shift: number; count: number }): void {
  const accepted = producers.acceptedOf(one.name);
  const firstSeq = Math.max(1, accepted + 1 + one.shift);
  const last = firstSeq + one.count - 1;
  try {
    session.submit(batchOf(firstSeq, one.count, { lane: session.lane, ...metaOf(one.name) }));
    assert.ok(firstSeq <= accepted + 1, "a gap was taken");
    producers.accepted.set(one.name, Math.max(accepted, last));
  } catch (error) {
    assert.ok(error instanceof MillraceError && error.retryable, String(error));
    assert.equal(error.code === "sequence_gap", firstSeq > accepted + 1, error.message);
  }
  assert.equal(session.nextSeq, producers.acceptedOf(one.name) + 1);
}

/** Each accepted number is there once, under its own id, with its own vector's place in the answers; nothing else is. */
async function check(producers: Producers, opened: Awaited<ReturnType<typeof openFaulty>>): Promise<void> {
  const expected: string[] = [];
  for (const one of NAMES) {
    const session = await sessionOf(producers, one, opened);
    await session.reached("searchable");
    await session.reached("durable");
    assert.equal(session.watermarks.durable, producers.acceptedOf(one));
    for (let n = 1; n <= producers.acceptedOf(one); n++) expected.push(`${one}${n}`);
  }
  if (expected.length === 0) return;
  const results = await allOf(opened.memory);
  assert.deepEqual(results.map(({ id }) => id).sort(), [...expected].sort());
  assert.ok(results.every(({ id, meta }) => id.endsWith(String(meta?.payload?.n))));
  for (const one of NAMES) {
    const rows = results.filter(({ id }) => id.startsWith(one)).map(({ id }) => Number(id.slice(1)));
    assert.deepEqual(
      rows,
      rows.toSorted((a, b) => a - b),
      "a session's observations are in their order",
    );
  }
}

test(`I3: whatever is sent again, late, in part or after a restart, by several sessions: each observation is there once (${RUNS} runs)`, async () => {
  await fc.assert(fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), run), {
    numRuns: RUNS,
    // A slow machine takes as long as it takes; a failure says its seed at once.
    endOnFailure: true,
  });
});

test("a session taken over with another lane waits for what is under way, so that no mark passes over a hole", async () => {
  using directory = scratch();
  await using opened = await openFaulty({ directory: directory.path, bytesMax: 524_288 });
  const { ingest } = opened.memory;
  const request = { space: SPACE, dims: DIMS, session: "p", credits: 100_000 } as const;
  const low = await ingest.open({ ...request, lane: "low" });
  while (ingest.ingest.logFailures === 0) {
    low.submit(batchOf(low.nextSeq, 100, { lane: "low" }));
    await low.reached("searchable");
  }
  await assert.rejects(ingest.open({ ...request, lane: "high" }), {
    code: "conflict",
    retryable: true,
    message: /low/,
  });
  low.submit(batchOf(low.nextSeq, 1, { lane: "low" }));
  const again = await ingest.open({ ...request, lane: "low" });
  assert.equal(again.nextSeq, low.nextSeq);
  await until(() => again.watermarks.searchable === again.watermarks.accepted);
});
