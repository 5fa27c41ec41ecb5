import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { matchesGlob } from "../../src/durable-streams/subscriptions/glob.ts";

/** The meaning of a pattern as plain recursion: slow, and plainly right. */
function means(pattern: readonly string[], path: readonly string[]): boolean {
  const [part, ...parts] = pattern;
  if (part === undefined) return path.length === 0;
  if (part === "**") return means(parts, path) || (path.length > 0 && means(pattern, path.slice(1)));
  const [segment, ...rest] = path;
  return segment !== undefined && (part === "*" || part === segment) && means(parts, rest);
}

test("a pattern matches what it means", () => {
  const part = fc.constantFrom("a", "b", "*", "**");
  const segment = fc.constantFrom("a", "b", "c");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), fc.array(segment, { maxLength: 6 }), (pattern, path) => {
      assert.equal(matchesGlob(pattern.join("/"), path.join("/")), means(pattern, path));
    }),
    { numRuns: 3_000 },
  );
});

test("`%2A` is an asterisk, and a pattern of many `**` costs no more than its length times the path's", () => {
  assert.equal(matchesGlob("a/%2A", "a/*"), true);
  assert.equal(matchesGlob("a/%2A", "a/b"), false);
  const pattern = `${"**/".repeat(30)}x`;
  assert.equal(matchesGlob(pattern, "a/".repeat(500)), false);
});
