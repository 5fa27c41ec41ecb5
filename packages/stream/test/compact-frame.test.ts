import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame } from "@millrace/protocol";
import { compactFrame, encodeFrame } from "@millrace/stream";
import fc from "fast-check";

const nasty = fc.oneof(
  fc.string(),
  fc.constantFrom('","id":"', '},"data":', '\\","id":"', '"seq":1', ',"correlation":{"run":"r"}', "\\", '\\"'),
);

test("a compact frame is the frame without what its subscription knows, whatever its strings hold", () => {
  const correlation = fc.option(fc.record({ session: nasty, run: nasty }), { nil: undefined });
  fc.assert(
    fc.property(nasty, nasty, fc.oneof(fc.jsonValue(), nasty), correlation, fc.nat(), (type, id, data, about, seq) => {
      const body = { ts: 17, type, id, data: JSON.stringify(data), correlation: about };
      const json = encodeFrame('{"stream":"chat:1","epoch":"e1","seq":', seq, body);
      const frame = JSON.parse(json) as Frame;
      const expected = [seq, 17, frame.type, frame.id, frame.data, ...(about ? [frame.correlation] : [])];
      assert.deepEqual(JSON.parse(compactFrame(json)), expected);
      assert.deepEqual([frame.stream, frame.epoch, frame.seq], ["chat:1", "e1", seq]);
    }),
    { numRuns: 2_000 },
  );
});
