import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameScanner } from "../../load/frame-scanner.ts";
import { makePayload } from "../../load/payload.ts";

type Found = [number: number, sentMicros: number];

function scan(scanner: FrameScanner, text: string): Found[] {
  const bytes = Buffer.from(`noise"seq":99,"t":9,${text}"seq":98,"t":8,`);
  const start = bytes.indexOf(text);
  const found: Found[] = [];
  const frames = scanner.scan(bytes, [start, start + Buffer.byteLength(text)], {
    take: (...frame) => found.push(frame),
  });
  assert.equal(frames, found.length);
  return found;
}

function frame(seq: number, sentMicros: number, bytes: number): string {
  return `{"stream":"s","epoch":"e","seq":${seq},"ts":1790000000000,"type":"x.load","id":"i","data":${makePayload(seq, sentMicros, bytes)}}`;
}

test("finds the number and time of every frame of a message, and nothing outside it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat({ max: 1e15 }), { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 1, max: 1e12 }),
      fc.integer({ min: 64, max: 600 }),
      (messages, first, bytes) => {
        const scanner = new FrameScanner('"seq":');
        let seq = first;
        for (const times of messages) {
          const expected = times.map((time): Found => [seq++, time]);
          const frames = expected.map(([number, time]) => frame(number, time, bytes));
          assert.deepEqual(scan(scanner, `{"op":"frames","sub":1,"frames":[${frames.join(",")}]}`), expected);
        }
      },
    ),
  );
});

test("frames whose numbers get longer within a message are all found", () => {
  const scanner = new FrameScanner('"n":');
  for (const from of [1, 95, 996, 99_990]) {
    const numbers = Array.from({ length: 20 }, (_, at) => from + at);
    const found = scan(scanner, `[${numbers.map((number) => makePayload(number, 5, 100)).join(",")}]`);
    assert.deepEqual(
      found,
      numbers.map((number): Found => [number, 5]),
    );
  }
});

test("a message without a frame holds none", () => {
  assert.deepEqual(scan(new FrameScanner('"seq":'), '{"op":"subscribed","sub":1,"head":12}'), []);
  assert.deepEqual(scan(new FrameScanner('"seq":'), '{"op":"gap","seq":3}'), []);
});

test("a payload is JSON of the length asked for", () => {
  for (const bytes of [64, 200, 4_096]) {
    const payload = makePayload(12, 1_790_000_000_000_000.5, bytes);
    assert.equal(payload.length, bytes);
    assert.deepEqual({ ...JSON.parse(payload), text: "" }, { n: 12, t: 1_790_000_000_000_000, text: "" });
  }
});
