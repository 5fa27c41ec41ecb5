import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseTolerant } from "../../src/metadata/tolerant-json.ts";
import { assertLinear } from "../assert-linear.ts";

const BROKEN: readonly (readonly [what: string, text: string, want: unknown])[] = [
  ["a comment around it", '<!-- {"a": 1} -->', { a: 1 }],
  ["CDATA in a comment", '//<![CDATA[\n{"a": 1}\n//]]>', { a: 1 }],
  ["a comma too many", '{"a": [1, 2, ], "b": {"c": 3,},}', { a: [1, 2], b: { c: 3 } }],
  ["two commas", '{"a": 1,, "b": 2}', { a: 1, b: 2 }],
  ["a raw line end in a string", '{"a": "one\ntwo\tthree"}', { a: "one two three" }],
  ["an escape that JSON lacks", '{"a": "it\\\'s", "b": "\\x"}', { a: "it's", b: "x" }],
  ["a semicolon", '{"a": 1};', { a: 1 }],
  ["values in a row", '{"a": 1}\n{"a": 2}', [{ a: 1 }, { a: 2 }]],
  ["quotes as references", "{&quot;a&quot;: &quot;x &amp; y&quot;}", { a: "x & y" }],
  ["commas and brackets in strings", '{"a": "x,}", "b": ",]",}', { a: "x,}", b: ",]" }],
];

for (const [what, text, want] of BROKEN) {
  test(`mends ${what}`, () => {
    assert.deepEqual(parseTolerant(text), want);
  });
}

test("what is no JSON has no value", () => {
  for (const text of ["", "var a = 1", "{", "{]", "<b>{</b>", "{a: 1}"])
    assert.equal(parseTolerant(text), undefined, text);
});

test("any JSON in comment marks, with a comma before every closing bracket, keeps its value", () => {
  const value = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue(), { minLength: 1 }));
  fc.assert(
    fc.property(value, (given) => {
      const text = JSON.stringify(given, null, 1);
      // Only a bracket on a line of its own closes; one in a string stands behind a quote.
      const spoilt = text.replace(/([^[{,\s])\n(\s*[\]}])/g, "$1,\n$2");
      assert.deepEqual(parseTolerant(`<!--\n${spoilt}\n-->`), JSON.parse(text));
    }),
  );
});

test("time grows with length only", () => {
  const pages: Readonly<Record<string, (count: number) => string>> = {
    depth: (count) => "[".repeat(count),
    escapes: (count) => `{"a": "${"\\x".repeat(count)}"}`,
    commas: (count) => `[${",".repeat(count)}]`,
    blanks: (count) => `[1${" ".repeat(count)},${" ".repeat(count)}]`,
  };
  for (const [what, page] of Object.entries(pages)) {
    assertLinear(what, 200_000, (count) => {
      const text = page(count);
      return () => parseTolerant(text);
    });
  }
});
