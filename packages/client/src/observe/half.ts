/** 2 to the power of 10 − e at place e + 14, for the exponents e of normal halves. */
const SCALES = Float64Array.from({ length: 30 }, (_, at) => 2 ** (24 - at));

const float64 = new Float64Array(1);
const words = new Uint32Array(float64.buffer);
/** The word that holds a double's exponent. */
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/**
 * The bits of the IEEE 754 half that is nearest to the number, ties to even; what is 65,520 or more in size becomes infinite. Rounded once, from
 * the double: by way of a float it would be wrong where that lands on a tie.
 */
export function toHalf(value: number): number {
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (!(size < 65_520)) return Number.isNaN(value) ? 0x7e00 : sign | 0x7c00;
  if (size < 2 ** -14) return sign | roundEven(size * 2 ** 24);
  float64[0] = size;
  const exponent = (((words[HIGH] as number) >>> 20) & 0x7ff) - 1_023;
  // A mantissa that rounds up to 2,048 carries into the exponent, as it should.
  return sign | (((exponent + 14) << 10) + roundEven(size * (SCALES[exponent + 14] as number)));
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** Writes the numbers as halves; false when one is not finite as such. */
export function writeHalves(numbers: ArrayLike<number>, bits: Uint16Array): boolean {
  if (typeof Float16Array === "function") {
    new Float16Array(bits.buffer, bits.byteOffset, bits.length).set(numbers);
  } else {
    for (let at = 0; at < bits.length; at++) bits[at] = toHalf(numbers[at] as number);
  }
  for (const half of bits) if ((half & 0x7c00) === 0x7c00) return false;
  return true;
}
