import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeObservations } from "../../src/observe/encode-observations.ts";
import { toHalf, writeHalves } from "../../src/observe/half.ts";

const half = new Float16Array(1);
const bits = new Uint16Array(half.buffer);

/** What the host makes of it. */
function hostHalf(value: number): number {
  half[0] = value;
  return bits[0] ?? 0;
}

function shown(value: number): string {
  return `${value} is ${toHalf(value).toString(16)}, not ${hostHalf(value).toString(16)}`;
}

test("every half, what lies half-way to the next, and what lies just beside that, is rounded as the host rounds", () => {
  for (let code = 0; code < 0x10000; code++) {
    bits[0] = code;
    const value = half[0] ?? 0;
    if (Number.isNaN(value)) continue;
    assert.equal(toHalf(value), code, shown(value));
    bits[0] = code + 1;
    const middle = (value + (half[0] ?? 0)) / 2;
    if (!Number.isFinite(middle)) continue;
    for (const near of [middle, middle * (1 + 2 ** -52), middle * (1 - 2 ** -53), Math.fround(middle * (1 + 1e-7))]) {
      assert.equal(toHalf(near), hostHalf(near), shown(near));
    }
  }
});

test("any number is rounded as the host rounds it, once", () => {
  const edge = fc.constantFrom(
    65_504,
    65_519.999,
    65_520,
    2 ** -24,
    2 ** -25,
    2 ** -14,
    6.1e-5,
    -0,
    1e300,
    5e-324,
    Number.NaN,
  );
  const number = fc.oneof(fc.double(), fc.float(), fc.double({ min: -70_000, max: 70_000 }), edge);
  fc.assert(
    fc.property(number, (value) => {
      if (Number.isNaN(value)) assert.equal(toHalf(value) & 0x7e00, 0x7e00);
      else assert.equal(toHalf(value), hostHalf(value), shown(value));
    }),
    { numRuns: 20_000 },
  );
});

test("a host without halves writes the same bytes as one that has them", () => {
  const numbers = Array.from({ length: 4_096 }, (_, at) => Math.sin(at) * 2 ** ((at % 40) - 25));
  const own = new Uint16Array(4_096);
  const hosts = new Uint16Array(4_096);
  assert.ok(writeHalves(numbers, hosts));
  const { Float16Array: host } = globalThis;
  try {
    Reflect.deleteProperty(globalThis, "Float16Array");
    assert.ok(writeHalves(numbers, own));
    assert.equal(writeHalves([1, 70_000], new Uint16Array(2)), false);
  } finally {
    globalThis.Float16Array = host;
  }
  assert.deepEqual(own, hosts);
  assert.equal(writeHalves([1, 70_000], new Uint16Array(2)), false);
});

test("a vector as bytes is off by half a step at most, whatever its numbers", () => {
  const float = fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 99), max: 2 ** 99 });
  fc.assert(
    fc.property(fc.array(float, { minLength: 2, maxLength: 9 }), (vector) => {
      const largest = Math.max(...vector.map(Math.abs));
      if (largest > 0 && Math.fround(largest / 127) < 2 ** -126) {
        assert.throws(() => encodeObservations([{ vector }], "i8"), { code: "invalid_argument" });
        return;
      }
      const [run] = encodeObservations([{ vector }], "i8");
      const { vectors } = run ?? assert.fail("one run");
      assert.equal(vectors.length, 4 + Math.ceil(vector.length / 4) * 4);
      const scale = new DataView(vectors.buffer).getFloat32(0, true);
      const codes = new Int8Array(vectors.buffer, 4, vector.length);
      vector.forEach((value, at) => {
        const got = (codes[at] ?? 0) * scale;
        assert.ok(Math.abs(got - value) <= scale * 0.5001 + 1e-44, `${value} became ${got}, a step is ${scale}`);
      });
    }),
  );
});
