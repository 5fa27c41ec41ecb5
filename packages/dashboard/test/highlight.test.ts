import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutAtMatches } from "../src/highlight.ts";

test("the pieces joined are the text, and exactly the characters inside a range are marked", () => {
  const range = fc.tuple(fc.nat(60), fc.nat(20)).map(([start, length]) => [start, start + length]);
  fc.assert(
    fc.property(fc.string({ maxLength: 50 }), fc.array(range, { maxLength: 8 }), (text, ranges) => {
      const pieces = cutAtMatches(text, ranges);
      assert.equal(pieces.map((piece) => piece.text).join(""), text);
      const marked = pieces.flatMap((piece) => Array.from({ length: piece.text.length }, () => piece.isMatch));
      const expected = Array.from({ length: text.length }, (_, at) =>
        ranges.some(([start = 0, end = 0]) => at >= start && at < end),
      );
      assert.deepEqual(marked, expected);
    }),
  );
});
