import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatOffset, type Offset, parseOffset, parsePlace, positionOf } from "../../src/durable-streams/offset.ts";

const number = fc.oneof(fc.nat(20), fc.integer({ min: 0, max: 999_999_999_999_999 }));
const offset: fc.Arbitrary<Offset> = fc.record({ generation: number, position: number }, { noNullPrototype: true });
const code = (run: () => unknown) => {
  try {
    return run();
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test("offsets read back as what was written, and sort as text as they do as places", () => {
  fc.assert(
    fc.property(offset, offset, (one, other) => {
      assert.deepEqual(parseOffset(formatOffset(one)), one);
      const places = one.generation - other.generation || one.position - other.position;
      const [left, right] = [formatOffset(one), formatOffset(other)];
      assert.equal(Math.sign(places), left < right ? -1 : left > right ? 1 : 0);
    }),
  );
});

test("what no server gave out is refused, whatever it is", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!/^\d{16}_\d{16}$/.test(text) && text !== "-1" && text !== "now");
      assert.equal(parseOffset(text), undefined);
      assert.equal(
        code(() => parsePlace(text)),
        "invalid_argument",
      );
    }),
  );
  assert.equal(parseOffset("9999999999999999_0000000000000000"), undefined, "beyond 2^53");
});

test("a place is found in its own stream only: older streams at the path are gone, the future is refused", () => {
  assert.equal(positionOf("start", 7, 5), 0);
  assert.equal(positionOf("now", 7, 5), 5);
  assert.equal(positionOf({ generation: 0, position: 0 }, 7, 5), 0, "all zeros is the start of every stream");
  assert.equal(positionOf({ generation: 7, position: 5 }, 7, 5), 5);
  assert.equal(
    code(() => positionOf({ generation: 7, position: 6 }, 7, 5)),
    "invalid_argument",
  );
  assert.equal(
    code(() => positionOf({ generation: 6, position: 1 }, 7, 5)),
    "gone",
  );
});
