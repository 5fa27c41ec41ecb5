import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/client";
import fc from "fast-check";
import { formatPolicy, parsePolicy, policyFields } from "../src/policy.ts";

test("a policy in words", () => {
  assert.equal(formatPolicy({}), "everything");
  assert.equal(formatPolicy({ maxAgeMs: 604_800_000, maxFrames: 1 }), "7 d, 1 frame");
  assert.equal(formatPolicy({ maxAgeMs: 5_400_000, maxBytes: 100_000_000 }), "1 h 30 min, 100 MB");
});

test("bounds are read with their units; an empty field is none", () => {
  assert.deepEqual(parsePolicy("7d", "1.5 GB", "10,000"), {
    maxAgeMs: 604_800_000,
    maxBytes: 1_500_000_000,
    maxFrames: 10_000,
  });
  assert.deepEqual(parsePolicy(" ", "", ""), {});
});

test("what is no bound is refused with an example", () => {
  const wrong: readonly (readonly [age: string, bytes: string, frames: string])[] = [
    ["7", "", ""],
    ["7 moons", "", ""],
    ["0d", "", ""],
    ["-1d", "", ""],
    ["", "100", ""],
    ["", "", "many"],
    ["", "", "0"],
    ["", "", "1e3"],
  ];
  const isRefusal = (error: unknown) =>
    error instanceof MillraceError && error.code === "invalid_argument" && /write for example/.test(error.message);
  for (const fields of wrong) assert.throws(() => parsePolicy(...fields), isRefusal, fields.join("|"));
});

test("a policy saved as it is shown stays the same, to the millisecond and the byte", () => {
  const bound = fc.option(fc.oneof(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 2 ** 50 })), {
    nil: undefined,
  });
  fc.assert(
    fc.property(bound, bound, bound, (maxAgeMs, maxBytes, maxFrames) => {
      const policy = Object.fromEntries(
        Object.entries({ maxAgeMs, maxBytes, maxFrames }).filter(([, value]) => value !== undefined),
      );
      const { age = "", bytes = "", frames = "" } = policyFields(policy);
      assert.deepEqual(parsePolicy(age, bytes, frames), policy);
    }),
  );
});
