import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamId } from "@millrace/protocol";
import { Batch, type StoredFrame } from "@millrace/stream";
import fc from "fast-check";
import { encodePushes, toPublication, toPushes } from "../../src/centrifugo/publication.ts";

type Content = { type: string; id: string; data: unknown; correlation?: { session: string } };

/** A frame's JSON: its fields in the order the log writes them, or wrote them when the correlation came last. */
function frameOf(seq: number, { type, id, data, correlation }: Content, isOld = false): StoredFrame {
  const head = { stream: "a:1", epoch: "k3f9", seq, ts: 1_790_000_000_000, type, id };
  const tail = isOld ? { data, correlation } : { correlation, data };
  return { seq, json: JSON.stringify({ ...head, ...tail }) };
}

const content: fc.Arbitrary<Content> = fc
  .record({
    type: fc.constantFrom("message", 'odd"type', "back\\slash", ',"data":'),
    id: fc.oneof(fc.string(), fc.constantFrom('"', "\\", '\\"', ',"data":1,"correlation":{}')),
    data: fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(
        null,
        "",
        ',"correlation":',
        { correlation: {} },
        { a: 1, correlation: { session: "s" } },
        '},"data":',
      ),
    ),
    correlation: fc.option(fc.record({ session: fc.oneof(fc.string(), fc.constant('},"data":')) }), { nil: undefined }),
  })
  .map(({ correlation, ...rest }) => (correlation ? { ...rest, correlation } : rest));

test("a publication has the frame's seq, data, type and id, whatever they hold", () => {
  fc.assert(
    fc.property(content, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.boolean(), (one, seq, isOld) => {
      const { type, id, data } = JSON.parse(JSON.stringify(one)) as Content;
      const publication: unknown = JSON.parse(toPublication(frameOf(seq, one, isOld)));
      assert.deepEqual(publication, { data, offset: seq, tags: { type, id } });
    }),
    { numRuns: 2_000 },
  );
});

test("pushes are one to a line and name their channel", () => {
  const frames = [1, 2].map((seq) => frameOf(seq, { type: "message", id: `i${seq}`, data: { text: "two\nlines" } }));
  const lines = toPushes("a:1" as StreamId, frames).split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    [1, 2].map((offset) => ({
      push: {
        channel: "a:1",
        pub: { data: { text: "two\nlines" }, offset, tags: { type: "message", id: `i${offset}` } },
      },
    })),
  );
});

test("the bytes of a batch are built once for all subscribers", () => {
  const batch = new Batch("a:1" as StreamId, "k3f9", [frameOf(1, { type: "message", id: "i", data: 1 })]);
  const bytes = encodePushes(batch);
  assert.equal(encodePushes(batch), bytes);
  // An unmasked text frame that ends the message, its length in one byte (RFC 6455, section 5.2).
  assert.deepEqual([bytes[0], bytes[1]], [0x81, bytes.length - 2]);
});
