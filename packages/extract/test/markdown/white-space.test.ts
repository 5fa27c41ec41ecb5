import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { collapse, evenPart } from "../../src/markdown/white-space.ts";

/** Letters between white space of every kind, things without width, and controls. */
const unit = fc.oneof(
  fc.constantFrom(..."ab \t\n\r\f\v\u00a0\u00ad\u1680\u2003\u200b\u200c\u2028\u2060\u3000\ufeff\u0085\u007f\u00e9字"),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
);

function unitsOf(text: string): Uint16Array {
  return Uint16Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
}

test("the even part of a text, with a space for what stands around it, is the text collapsed", () => {
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 8 }), (list) => {
      const text = list.join("");
      const even = evenPart(unitsOf(text), 0, text.length);
      if (!even) return;
      const before = even.start > 0 ? " " : "";
      const after = even.end < text.length ? " " : "";
      assert.equal(before + text.slice(even.start, even.end) + after, collapse(text));
    }),
    { numRuns: 2_000 },
  );
});

test("a text with single spaces between its words is even, whatever white space stands around it", () => {
  const text = "\n\t One wörd after another\r\n";
  assert.deepEqual(evenPart(unitsOf(text), 0, text.length), { start: 3, end: text.length - 2 });
});

test("a text that would change inside, or is blank, has no even part", () => {
  for (const text of ["a  b", "a\nb", "a\u00a0b", "soft\u00adly", " \n ", ""])
    assert.equal(evenPart(unitsOf(text), 0, text.length), undefined);
});
