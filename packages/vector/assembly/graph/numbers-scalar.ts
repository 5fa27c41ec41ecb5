/** The twin of numbers-simd.ts for runtimes without SIMD: the same sums in the same eight lanes, so the same bytes. */
import { LEVEL, ROUND, ROUND_BITS, setMeasures } from "./measures";

/** The eight lanes of a sum, in the order in which numbers-simd.ts adds them. */
@inline
function fold(l0: f32, l1: f32, l2: f32, l3: f32): f32 {
  return l0 + l1 + (l2 + l3);
}

/** Sum of a × b over lane `lane` of eight. */
function laneDot(a: usize, b: usize, end: usize, lane: usize): f32 {
  let sum: f32 = 0;
  for (let p = lane << 2; p < end; p += 32) sum += load<f32>(a + p) * load<f32>(b + p);
  return sum;
}

@inline
function pairDot(a: usize, b: usize, end: usize, lane: usize): f32 {
  return laneDot(a, b, end, lane) + laneDot(a, b, end, lane + 4);
}

/** Inner product. */
export function dotOf(a: usize, b: usize, count: i32): f32 {
  const end = <usize>count << 2;
  return fold(pairDot(a, b, end, 0), pairDot(a, b, end, 1), pairDot(a, b, end, 2), pairDot(a, b, end, 3));
}

/** to = from × factor − mean. */
export function centre(from: usize, factor: f32, mean: usize, to: usize, count: i32): void {
  const bytes = <usize>count << 2;
  for (let p: usize = 0; p < bytes; p += 4) {
    store<f32>(to + p, load<f32>(from + p) * factor - load<f32>(mean + p));
  }
}

function laneAbsolutes(at: usize, end: usize, lane: usize): f32 {
  let sum: f32 = 0;
  for (let p = lane << 2; p < end; p += 32) sum += abs<f32>(load<f32>(at + p));
  return sum;
}

@inline
function pairAbsolutes(at: usize, end: usize, lane: usize): f32 {
  return laneAbsolutes(at, end, lane) + laneAbsolutes(at, end, lane + 4);
}

/** Sets the measures of the numbers at `at`. */
export function measure(at: usize, count: i32): void {
  const end = <usize>count << 2;
  let largest: f32 = 0;
  for (let p: usize = 0; p < end; p += 4) {
    const absolute = abs<f32>(load<f32>(at + p));
    if (absolute > largest) largest = absolute;
  }
  const absolutes = fold(
    pairAbsolutes(at, end, 0),
    pairAbsolutes(at, end, 1),
    pairAbsolutes(at, end, 2),
    pairAbsolutes(at, end, 3),
  );
  setMeasures(dotOf(at, at, count), absolutes, largest);
}

/** Centres and sets the measures. */
export function centreAndMeasure(from: usize, factor: f32, mean: usize, to: usize, count: i32): void {
  centre(from, factor, mean, to, count);
  measure(to, count);
}

/** number × factor as an integer. */
@inline
function rounded(at: usize, factor: f32): i32 {
  return reinterpret<i32>(load<f32>(at) * factor + ROUND) - ROUND_BITS;
}

/** bytes = the numbers at `at` × inverse, rounded to even. */
export function toBytes(at: usize, inverse: f32, bytes: usize, count: i32): void {
  for (let i: usize = 0; i < <usize>count; i++) store<i8>(bytes + i, <i8>clamp(rounded(at + (i << 2), inverse)));
}

/** Narrowing with saturation. */
@inline
function clamp(value: i32): i32 {
  return value > 127 ? 127 : value < -128 ? -128 : value;
}

/** As toBytes, and a bit for each number, 1 for negative. */
export function toBytesAndSigns(at: usize, inverse: f32, bytes: usize, signs: usize, count: i32): void {
  toBytes(at, inverse, bytes, count);
  for (let from: usize = 0; from < <usize>count; from += 8) {
    let eight: u32 = 0;
    for (let bit: usize = 0; bit < 8; bit++) eight |= (load<u32>(at + ((from + bit) << 2)) >> 31) << <u32>bit;
    store<u8>(signs + (from >> 3), <u8>eight);
  }
}

/** low = what toBytes rounds away, in 1/254. */
export function toLowBytes(at: usize, inverse: f32, low: usize, count: i32): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const exact = load<f32>(at + (i << 2)) * inverse;
    const rest = exact - (exact + ROUND - ROUND);
    store<i8>(low + i, <i8>clamp(reinterpret<i32>(rest * 254 + ROUND) - ROUND_BITS));
  }
}

/** to = bytes × scale. */
export function fromBytes(bytes: usize, scale: f32, to: usize, count: i32): void {
  for (let i: usize = 0; i < <usize>count; i++) store<f32>(to + (i << 2), <f32>load<i8>(bytes + i) * scale);
}

/** to += bytes × scale. */
export function addBytes(bytes: usize, scale: f32, to: usize, count: i32): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const place = to + (i << 2);
    store<f32>(place, load<f32>(place) + <f32>load<i8>(bytes + i) * scale);
  }
}

/** to += numbers. */
export function addNumbers(numbers: usize, to: usize, count: i32): void {
  for (let p: usize = 0; p < <usize>count << 2; p += 4) store<f32>(to + p, load<f32>(to + p) + load<f32>(numbers + p));
}

@inline
function fine(bytes: usize, low: usize, scale: f32, lows: f32): f32 {
  return <f32>load<i8>(bytes) * scale + <f32>load<i8>(low) * lows;
}

function laneFineDot(query: usize, bytes: usize, low: usize, scale: f32, count: i32): f32 {
  const lows = scale / 254;
  let sum: f32 = 0;
  for (let i: usize = 0; i < <usize>count; i += 8) {
    sum += load<f32>(query + (i << 2)) * fine(bytes + i, low + i, scale, lows);
  }
  return sum;
}

@inline
function pairFineDot(query: usize, bytes: usize, low: usize, scale: f32, count: i32): f32 {
  return laneFineDot(query, bytes, low, scale, count) + laneFineDot(query + 16, bytes + 4, low + 4, scale, count);
}

/** Inner product of the numbers at `query` and bytes × scale + low × scale / 254. */
export function fineDot(query: usize, bytes: usize, low: usize, scale: f32, count: i32): f32 {
  return fold(
    pairFineDot(query, bytes, low, scale, count),
    pairFineDot(query + 4, bytes + 1, low + 1, scale, count),
    pairFineDot(query + 8, bytes + 2, low + 2, scale, count),
    pairFineDot(query + 12, bytes + 3, low + 3, scale, count),
  );
}

function laneFineSquares(query: usize, bytes: usize, low: usize, scale: f32, count: i32): f32 {
  const lows = scale / 254;
  let sum: f32 = 0;
  for (let i: usize = 0; i < <usize>count; i += 8) {
    const rest = load<f32>(query + (i << 2)) - fine(bytes + i, low + i, scale, lows);
    sum += rest * rest;
  }
  return sum;
}

@inline
function pairFineSquares(query: usize, bytes: usize, low: usize, scale: f32, count: i32): f32 {
  return (
    laneFineSquares(query, bytes, low, scale, count) + laneFineSquares(query + 16, bytes + 4, low + 4, scale, count)
  );
}

/** Sum of the squared differences of the same. */
export function fineSquares(query: usize, bytes: usize, low: usize, scale: f32, count: i32): f32 {
  return fold(
    pairFineSquares(query, bytes, low, scale, count),
    pairFineSquares(query + 4, bytes + 1, low + 1, scale, count),
    pairFineSquares(query + 8, bytes + 2, low + 2, scale, count),
    pairFineSquares(query + 12, bytes + 3, low + 3, scale, count),
  );
}

/** The four planes of the numbers at `at` × steps, as numbers-simd.ts describes them. */
export function toPlanes(at: usize, steps: f32, planes: usize, count: i32, bits: i32): void {
  const factor = steps * LEVEL;
  for (let from: i32 = 0; from < count; from += 64) {
    let p0: u64 = 0;
    let p1: u64 = 0;
    let p2: u64 = 0;
    let p3: u64 = 0;
    const end = bits - from < 64 ? bits - from : 64;
    for (let bit: i32 = 0; bit < end; bit++) {
      const level = <u64>levelOf(at + (<usize>(from + bit) << 2), factor);
      p0 |= (level & 1) << bit;
      p1 |= ((level >> 1) & 1) << bit;
      p2 |= ((level >> 2) & 1) << bit;
      p3 |= (level >> 3) << bit;
    }
    const to = planes + (<usize>(from >> 6) << 5);
    store<u64>(to, p0);
    store<u64>(to, p1, 8);
    store<u64>(to, p2, 16);
    store<u64>(to, p3, 24);
  }
}

@inline
function levelOf(at: usize, factor: f32): u32 {
  const value = rounded(at, factor);
  const held = value > 32767 ? 32767 : value < -32768 ? -32768 : value;
  return <u32>((held >> 12) & 15) ^ 7;
}
