import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nearest } from "../src/nearest.ts";

const NAMES = ["serve", "add", "recall", "doctor", "data-bytes-max"];

test("slips of one letter, swaps and beginnings are understood; other words are not", () => {
  assert.equal(nearest("srve", NAMES), "serve");
  assert.equal(nearest("recal", NAMES), "recall");
  assert.equal(nearest("rceall", NAMES), "recall");
  assert.equal(nearest("data-bytes", NAMES), "data-bytes-max");
  assert.equal(nearest("aad", NAMES), "add");
  assert.equal(nearest("xyzzy", NAMES), undefined);
});

test("a name is nearest to itself, and one removed letter is forgiven", () => {
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), fc.nat(30), (name, at) => {
      assert.equal(nearest(name, NAMES), name);
      const slip = name.slice(0, at % name.length) + name.slice((at % name.length) + 1);
      assert.equal(nearest(slip, NAMES), name);
    }),
  );
});
