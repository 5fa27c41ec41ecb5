/** Messages and bodies that no producer would send: each gets a documented answer, and what was taken is exactly what was said to be. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type IngestServerMessage, isCode } from "@millrace/protocol";
import fc from "fast-check";
import { faultOfError } from "../../../../test/support/fuzz-client.ts";
import { until } from "../../../../test/support/until.ts";
import { batchOf, numbered, textsOf } from "./batches.ts";
import { Producer, type ServedIngest, serveIngest } from "./serve-ingest.ts";

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
console.log(`FUZZ_SEED=${seed}`);

let served: ServedIngest;
let spaces = 0;
before(async () => {
  served = await serveIngest();
});
after(() => served[Symbol.asyncDispose]());

const OPS: ReadonlySet<string> = new Set(["ack", "rejected", "flow", "dead_letter", "error", "pong"]);

const seq = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) },
  fc.constantFrom(0, -1, 1.5, Number.NaN, 2 ** 53),
);
const batch = fc
  .record({
    firstSeq: seq,
    count: fc.integer({ min: 0, max: 4 }),
    dims: fc.constantFrom(4, 4, 4, 3, 0),
    encoding: fc.constantFrom("f32" as const, "f16" as const, "i8" as const),
    lane: fc.constantFrom("normal" as const, "normal" as const, "low" as const),
    meta: fc.oneof(fc.constant(""), fc.constant("[null]"), fc.json(), fc.string()),
  })
  .map(({ count, dims, ...options }) =>
    batchOf(
      numbered(count, 1, Math.max(1, dims)).map((v) => v.slice(0, dims)),
      options,
    ),
  );
const torn = fc.tuple(batch, fc.nat(), fc.nat(255), fc.boolean()).map(([bytes, at, value, isCut]) => {
  const place = at % Math.max(1, bytes.length);
  return isCut ? bytes.subarray(0, place) : bytes.with(place, value);
});
const binary = fc.oneof(batch, torn, fc.uint8Array({ maxLength: 200 }), fc.constant(textsOf(["abc"])));
const text = fc.oneof(
  fc.constantFrom('{"op":"ping"}', '{"op":"pong"}', '{"op":"init"}', '{"op":"init","space":"x"}', "[]", "{", "null"),
  fc.json({ maxDepth: 3 }),
  fc.string(),
);

test("whatever is sent is answered as documented, and exactly what was accepted is stored", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(binary, text), { maxLength: 30 }), async (messages) => {
      const space = `fuzz-${++spaces}`;
      await using producer = await Producer.init(served.url, { space, dims: 4 });
      for (const message of messages) {
        if (typeof message === "string") producer.say(message);
        else producer.send(message);
      }
      const pings = messages.filter((message) => message === '{"op":"ping"}').length;
      producer.say({ op: "ping" });
      await until(
        () => producer.all("pong").length > pings,
        () => producer.heard,
      );
      const stored = served.model.taken.get(space)?.length ?? 0;
      await until(() => stored === 0 || producer.all("ack").at(-1)?.indexed === stored);
      for (const message of producer.heard.slice(1)) checkAnswer(message);
      const binaries = messages.filter((message) => typeof message !== "string").length;
      assert.ok(producer.all("rejected").length <= binaries);
      assert.deepEqual(served.defects, []);
    }),
    { numRuns: 150, seed },
  );
  await until(() => served.sockets.heldBytes === 0);
});

function checkAnswer(message: IngestServerMessage): void {
  assert.ok(OPS.has(message.op), JSON.stringify(message));
  if (message.op === "error") assert.equal(faultOfError(message.error), undefined, JSON.stringify(message));
  if (message.op !== "rejected") return;
  assert.ok(isCode(message.code) && message.code !== "internal", JSON.stringify(message));
  assert.ok(Number.isSafeInteger(message.seq) && Number.isSafeInteger(message.nextSeq), JSON.stringify(message));
}

const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(null, {}, [], 0, "", -1, "~x", 1e300));
const mostly = <A>(right: fc.Arbitrary<A>) =>
  fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: value });
const observation = fc.record(
  {
    vector: mostly(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 2, maxLength: 2 })),
    text: mostly(fc.string({ minLength: 1 })),
    id: mostly(fc.stringMatching(/^[a-z]{1,8}$/)),
    lane: fc.constant("normal"),
    confidence: mostly(fc.double({ min: 0, max: 1, noNaN: true })),
    payload: mostly(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 }))),
    links: mostly(fc.array(fc.constantFrom("a", "b"), { maxLength: 3 })),
  },
  { requiredKeys: ["vector"] },
);
const lines = fc.array(fc.oneof({ weight: 9, arbitrary: observation }, value), { maxLength: 5 });
const body = fc.oneof(
  lines.map((some) => ({ type: "application/x-ndjson", body: some.map((one) => JSON.stringify(one)).join("\n") })),
  lines.map((observations) => ({ type: "application/json", body: JSON.stringify({ observations }) })),
  binary.map((bytes) => ({ type: "application/x-millrace-observations", body: bytes })),
  fc.record({ type: fc.constantFrom("application/x-ndjson", "application/json", "", "text/html"), body: fc.string() }),
);

test("any body is taken whole or refused whole", async () => {
  await fc.assert(
    fc.asyncProperty(body, async ({ type, body: sent }) => {
      const space = `body-${++spaces}`;
      served.model.spaces.set(space, 2);
      const url = `${served.url}/v1/spaces/${space}/observations`;
      const response = await fetch(url, { method: "POST", headers: { "content-type": type }, body: sent as BodyInit });
      const answer = (await response.json()) as { accepted?: number; error?: { code?: unknown } };
      const stored = served.model.taken.get(space)?.length ?? 0;
      assert.deepEqual(served.defects, []);
      if (response.status === 200) assert.equal(answer.accepted, stored);
      else
        assert.deepEqual([faultOfError(answer.error, response.status), stored], [undefined, 0], JSON.stringify(answer));
    }),
    { numRuns: 400, seed },
  );
});
