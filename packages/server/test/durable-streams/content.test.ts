import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamEvent } from "@millrace/protocol";
import { encodeFrame, type StoredFrame } from "@millrace/stream";
import fc from "fast-check";
import { appendIdOf, modeOf, toBytes, toEvents, toJsonArray } from "../../src/durable-streams/content.ts";

/** The events as the log would hold them. */
function frames(events: readonly StreamEvent[], more: Partial<StreamEvent> = {}): StoredFrame[] {
  return events.map((event, at) => {
    const { type, id = "", data, correlation } = { ...event, ...more };
    const body = { ts: 1, type, id, data: JSON.stringify(data) ?? "null", correlation };
    return { seq: at + 1, json: encodeFrame('{"stream":"s","epoch":"e","seq":', at + 1, body) };
  });
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.string({ unit: "binary", maxLength: 400 }).map((text) => new TextEncoder().encode(text)),
);

test("bytes come back as they went in, whether the stream says text or not", () => {
  fc.assert(
    fc.property(bytes, fc.constantFrom("text" as const, "bytes" as const), (body, mode) => {
      fc.pre(body.length > 0);
      assert.deepEqual(new Uint8Array(toBytes(frames(toEvents(mode, body, "a1")))), new Uint8Array(body));
    }),
    { numRuns: 500 },
  );
});

test("a body larger than a frame is kept in pieces of one append, cut between characters, none above a frame's size", () => {
  const text = "€𝄞é".repeat(60_000);
  const worst = "\u0001".repeat(200_000);
  for (const body of [text, worst].map((one) => new TextEncoder().encode(one))) {
    const pieces = frames(toEvents("text", body, "a1"));
    assert.ok(pieces.length > 1);
    assert.ok(pieces.every(({ json }) => json.length < 256 * 1024));
    assert.ok(pieces.every((piece) => appendIdOf(piece) === "a1"));
    assert.deepEqual(toBytes(pieces), Buffer.from(body));
    for (const piece of pieces) new TextDecoder("utf-8", { fatal: true }).decode(toBytes([piece]));
  }
});

test("JSON: an array is its elements, anything else is one message, and both come back as an array", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      fc.pre(!(Array.isArray(value) && value.length === 0));
      const events = toEvents("json", new TextEncoder().encode(JSON.stringify(value)), "a1");
      const wanted = Array.isArray(value) ? value : [value];
      assert.deepEqual(JSON.parse(toJsonArray(frames(events))), JSON.parse(JSON.stringify(wanted)));
    }),
    { numRuns: 500 },
  );
});

test("messages that look like the fields of a frame are cut out whole", () => {
  const values = [
    { data: 1, correlation: { run: "x" } },
    ',"data":',
    { a: ',"correlation":{' },
    { type: "x.durable" },
    null,
  ];
  const events = toEvents("json", new TextEncoder().encode(JSON.stringify(values)), "a1");
  assert.deepEqual(JSON.parse(toJsonArray(frames(events))), values);
  const forged = frames(events, { correlation: { run: ',"data":' } });
  assert.deepEqual(JSON.parse(toJsonArray(forged)), values, "a native producer may set a correlation");
});

test("frames of native producers are whole messages of a JSON stream, and no bytes of another", () => {
  const native = frames([{ type: "log", id: ',"data":"x.durable"', data: { type: "x.durable" } }]);
  assert.deepEqual(
    JSON.parse(toJsonArray(native)),
    native.map(({ json }) => JSON.parse(json)),
  );
  assert.equal(toBytes(native).length, 0);
  assert.equal(appendIdOf(native[0] as StoredFrame), undefined);
});

test("what a frame or the log would refuse is refused before it takes a number", () => {
  const body = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const deep = new TextEncoder().encode(`${"[".repeat(300)}${"]".repeat(300)}`);
  assert.throws(() => toEvents("json", deep, "a"), { code: "invalid_argument" });
  assert.throws(() => toEvents("json", body(["x".repeat(300_000)]), "a"), { code: "too_large" });
  assert.throws(() => toEvents("json", body(new Array(10_001).fill(1)), "a"), { code: "too_large" });
  assert.throws(() => toEvents("json", new Uint8Array([0xff]), "a"), { code: "invalid_argument" });
  assert.throws(() => toEvents("json", new TextEncoder().encode("{"), "a"), { code: "invalid_argument" });
  const grows = new TextEncoder().encode(`[[${new Array(15_000).fill("1e20").join(",")}]]`);
  assert.throws(
    () => toEvents("json", grows, "a"),
    { code: "too_large" },
    "numbers that grow when they are written anew",
  );
});

test("content types: parameters and case do not matter, text and JSON are told from bytes", () => {
  assert.equal(modeOf("Application/JSON; charset=utf-8"), "json");
  assert.equal(modeOf("text/markdown"), "text");
  assert.equal(modeOf("application/jsonl"), "bytes");
});
