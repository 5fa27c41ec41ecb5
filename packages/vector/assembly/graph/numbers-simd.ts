/**
 * Passes over the numbers of a vector, four lanes at a time; numbers-scalar.ts does the same without SIMD. Both leave the same
 * bytes: sums are kept in eight lanes, number i in lane i mod 8, and added in one order. Counts are multiples of 16.
 */
import { LEVEL, ROUND, ROUND_BITS, setMeasures } from "./measures";

/** Lanes 0 to 3 of `low` and of `high` are the eight lanes. */
@inline
function sumOf(low: v128, high: v128): f32 {
  const v = f32x4.add(low, high);
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** Inner product. */
export function dotOf(a: usize, b: usize, count: i32): f32 {
  const end = a + (<usize>count << 2);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  while (a < end) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a), v128.load(b)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(a, 16), v128.load(b, 16)));
    a += 32;
    b += 32;
  }
  return sumOf(s0, s1);
}

/** to = from × factor − mean. */
export function centre(from: usize, factor: f32, mean: usize, to: usize, count: i32): void {
  const end = from + (<usize>count << 2);
  const factors = f32x4.splat(factor);
  while (from < end) {
    v128.store(to, f32x4.sub(f32x4.mul(v128.load(from), factors), v128.load(mean)));
    from += 16;
    mean += 16;
    to += 16;
  }
}

/** Sets the measures of the numbers at `at`. */
export function measure(at: usize, count: i32): void {
  const end = at + (<usize>count << 2);
  let square0 = f32x4.splat(0);
  let square1 = square0;
  let absolute0 = square0;
  let absolute1 = square0;
  let largest0 = square0;
  let largest1 = square0;
  while (at < end) {
    const v = v128.load(at);
    const w = v128.load(at, 16);
    const a = f32x4.abs(v);
    const b = f32x4.abs(w);
    square0 = f32x4.add(square0, f32x4.mul(v, v));
    square1 = f32x4.add(square1, f32x4.mul(w, w));
    absolute0 = f32x4.add(absolute0, a);
    absolute1 = f32x4.add(absolute1, b);
    largest0 = f32x4.pmax(largest0, a);
    largest1 = f32x4.pmax(largest1, b);
    at += 32;
  }
  setMeasures(sumOf(square0, square1), sumOf(absolute0, absolute1), largestOf(f32x4.pmax(largest0, largest1)));
}

/** Centres and sets the measures in one pass. */
export function centreAndMeasure(from: usize, factor: f32, mean: usize, to: usize, count: i32): void {
  const end = from + (<usize>count << 2);
  const factors = f32x4.splat(factor);
  let square0 = f32x4.splat(0);
  let square1 = square0;
  let absolute0 = square0;
  let absolute1 = square0;
  let largest0 = square0;
  let largest1 = square0;
  while (from < end) {
    const v = f32x4.sub(f32x4.mul(v128.load(from), factors), v128.load(mean));
    const w = f32x4.sub(f32x4.mul(v128.load(from, 16), factors), v128.load(mean, 16));
    v128.store(to, v);
    v128.store(to, w, 16);
    const a = f32x4.abs(v);
    const b = f32x4.abs(w);
    square0 = f32x4.add(square0, f32x4.mul(v, v));
    square1 = f32x4.add(square1, f32x4.mul(w, w));
    absolute0 = f32x4.add(absolute0, a);
    absolute1 = f32x4.add(absolute1, b);
    largest0 = f32x4.pmax(largest0, a);
    largest1 = f32x4.pmax(largest1, b);
    from += 32;
    mean += 32;
    to += 32;
  }
  setMeasures(sumOf(square0, square1), sumOf(absolute0, absolute1), largestOf(f32x4.pmax(largest0, largest1)));
}

@inline
function largestOf(v: v128): f32 {
  const a = f32x4.extract_lane(v, 0);
  const b = f32x4.extract_lane(v, 1);
  const c = f32x4.extract_lane(v, 2);
  const d = f32x4.extract_lane(v, 3);
  const low = a > b ? a : b;
  const high = c > d ? c : d;
  return low > high ? low : high;
}

/** Four numbers × inverse as integers. */
@inline
function rounded(at: usize, inverse: v128): v128 {
  const sum = f32x4.add(f32x4.mul(v128.load(at), inverse), f32x4.splat(ROUND));
  return i32x4.sub(sum, i32x4.splat(ROUND_BITS));
}

@inline
function narrow(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}

/** bytes = the numbers at `at` × inverse, rounded to even. */
export function toBytes(at: usize, inverse: f32, bytes: usize, count: i32): void {
  const end = bytes + <usize>count;
  const inverses = f32x4.splat(inverse);
  while (bytes < end) {
    const low = i16x8.narrow_i32x4_s(rounded(at, inverses), rounded(at + 16, inverses));
    const high = i16x8.narrow_i32x4_s(rounded(at + 32, inverses), rounded(at + 48, inverses));
    v128.store(bytes, i8x16.narrow_i16x8_s(low, high));
    at += 64;
    bytes += 16;
  }
}

/** As toBytes, and a bit for each number, 1 for negative. Narrowing saturates, so it keeps the sign of any 32 bits. */
export function toBytesAndSigns(at: usize, inverse: f32, bytes: usize, signs: usize, count: i32): void {
  const end = bytes + <usize>count;
  const inverses = f32x4.splat(inverse);
  while (bytes < end) {
    const low = i16x8.narrow_i32x4_s(rounded(at, inverses), rounded(at + 16, inverses));
    const high = i16x8.narrow_i32x4_s(rounded(at + 32, inverses), rounded(at + 48, inverses));
    v128.store(bytes, i8x16.narrow_i16x8_s(low, high));
    const all = narrow(v128.load(at), v128.load(at, 16), v128.load(at, 32), v128.load(at, 48));
    store<u16>(signs, <u16>i8x16.bitmask(all));
    at += 64;
    bytes += 16;
    signs += 2;
  }
}

@inline
function rest254(at: usize, inverse: v128): v128 {
  const round = f32x4.splat(ROUND);
  const exact = f32x4.mul(v128.load(at), inverse);
  const rest = f32x4.sub(exact, f32x4.sub(f32x4.add(exact, round), round));
  const sum = f32x4.add(f32x4.mul(rest, f32x4.splat(254)), round);
  return i32x4.sub(sum, i32x4.splat(ROUND_BITS));
}

/** low = what toBytes rounds away, in 1/254. */
export function toLowBytes(at: usize, inverse: f32, low: usize, count: i32): void {
  const end = low + <usize>count;
  const inverses = f32x4.splat(inverse);
  while (low < end) {
    v128.store(
      low,
      narrow(rest254(at, inverses), rest254(at + 16, inverses), rest254(at + 32, inverses), rest254(at + 48, inverses)),
    );
    at += 64;
    low += 16;
  }
}

/** Four signed bytes as numbers. */
@inline
function numbersOf(at: usize): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(at))));
}

/** to = bytes × scale. */
export function fromBytes(bytes: usize, scale: f32, to: usize, count: i32): void {
  const end = bytes + <usize>count;
  const scales = f32x4.splat(scale);
  while (bytes < end) {
    v128.store(to, f32x4.mul(numbersOf(bytes), scales));
    bytes += 4;
    to += 16;
  }
}

/** to += bytes × scale. */
export function addBytes(bytes: usize, scale: f32, to: usize, count: i32): void {
  const end = bytes + <usize>count;
  const scales = f32x4.splat(scale);
  while (bytes < end) {
    v128.store(to, f32x4.add(v128.load(to), f32x4.mul(numbersOf(bytes), scales)));
    bytes += 4;
    to += 16;
  }
}

/** to += numbers. */
export function addNumbers(numbers: usize, to: usize, count: i32): void {
  const end = to + (<usize>count << 2);
  while (to < end) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(numbers)));
    numbers += 16;
    to += 16;
  }
}

@inline
function fine(bytes: usize, low: usize, scales: v128, lows: v128): v128 {
  return f32x4.add(f32x4.mul(numbersOf(bytes), scales), f32x4.mul(numbersOf(low), lows));
}

/** Inner product of the numbers at `query` and bytes × scale + low × scale / 254. */
export function fineDot(query: usize, bytes: usize, low: usize, scale: f32, count: i32): f32 {
  const end = bytes + <usize>count;
  const scales = f32x4.splat(scale);
  const lows = f32x4.splat(scale / 254);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  while (bytes < end) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(query), fine(bytes, low, scales, lows)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(query, 16), fine(bytes + 4, low + 4, scales, lows)));
    query += 32;
    bytes += 8;
    low += 8;
  }
  return sumOf(s0, s1);
}

/** Sum of the squared differences of the same. */
export function fineSquares(query: usize, bytes: usize, low: usize, scale: f32, count: i32): f32 {
  const end = bytes + <usize>count;
  const scales = f32x4.splat(scale);
  const lows = f32x4.splat(scale / 254);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  while (bytes < end) {
    const a = f32x4.sub(v128.load(query), fine(bytes, low, scales, lows));
    const b = f32x4.sub(v128.load(query, 16), fine(bytes + 4, low + 4, scales, lows));
    s0 = f32x4.add(s0, f32x4.mul(a, a));
    s1 = f32x4.add(s1, f32x4.mul(b, b));
    query += 32;
    bytes += 8;
    low += 8;
  }
  return sumOf(s0, s1);
}

/**
 * The four planes of the numbers at `at` × steps, which is a level of 4 bits in the top of an i16. Level u = 0..15 stands for
 * 2u − 15; a row's bit is 1 for negative, so planes hold the complement of u. Bits from `bits` on are 0.
 */
export function toPlanes(at: usize, steps: f32, planes: usize, count: i32, bits: i32): void {
  const factors = f32x4.splat(steps * LEVEL);
  for (let from: i32 = 0; from < count; from += 16) {
    const low = i16x8.narrow_i32x4_s(rounded(at, factors), rounded(at + 16, factors));
    const high = i16x8.narrow_i32x4_s(rounded(at + 32, factors), rounded(at + 48, factors));
    let level = i8x16.narrow_i16x8_s(i16x8.shr_s(low, 8), i16x8.shr_s(high, 8));
    level = v128.xor(level, i8x16.splat(0x7f));
    const to = planes + (<usize>(from >> 6) << 5) + (<usize>(from & 63) >> 3);
    const left = bits - from;
    const mask = left >= 16 ? 0xffff : left > 0 ? (1 << left) - 1 : 0;
    store<u16>(to, <u16>(i8x16.bitmask(level) & mask), 24);
    level = i8x16.add(level, level);
    store<u16>(to, <u16>(i8x16.bitmask(level) & mask), 16);
    level = i8x16.add(level, level);
    store<u16>(to, <u16>(i8x16.bitmask(level) & mask), 8);
    level = i8x16.add(level, level);
    store<u16>(to, <u16>(i8x16.bitmask(level) & mask));
    at += 64;
  }
}
