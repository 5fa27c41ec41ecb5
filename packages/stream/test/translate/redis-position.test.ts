import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import fc from "fast-check";
import { compareProducerSeqs, redisProducerSeq } from "../../src/translate/redis-position.ts";

test("an entry id becomes ms * 1e6 + n, exact above 2^53", () => {
  assert.equal(redisProducerSeq("0-0"), "0");
  assert.equal(redisProducerSeq("0-1"), "1");
  assert.equal(redisProducerSeq("1526919030474-55"), "1526919030474000055");
  assert.equal(redisProducerSeq("9007199254740993-999999"), "9007199254740993999999");
});

test("positions stand in the order of their entries", () => {
  const anId = fc.record({ ms: fc.nat({ max: 2 ** 41 }), n: fc.nat({ max: 999_999 }) });
  fc.assert(
    fc.property(anId, anId, (a, b) => {
      const order = compareProducerSeqs(redisProducerSeq(`${a.ms}-${a.n}`), redisProducerSeq(`${b.ms}-${b.n}`));
      assert.equal(Math.sign(order), Math.sign(a.ms - b.ms || a.n - b.n));
    }),
  );
});

test("anything else is refused", () => {
  for (const id of [
    "",
    "1",
    "1-",
    "-1",
    "1-*",
    "*",
    "$",
    "01-0",
    "1-00",
    "1-1-1",
    " 1-1",
    "1e3-0",
    "1-1000000",
    `1-${2n ** 64n}`,
  ])
    assert.throws(
      () => redisProducerSeq(id),
      (error) => error instanceof MillraceError && error.code === "invalid_argument",
      id,
    );
});
