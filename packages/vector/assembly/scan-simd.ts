/** The i8 scan in baseline SIMD: rows widened to i16 and multiplied with the query as i16, sums in i32 (exact). */
import { emit, ROWS, scoreOf, sumLanes } from "./block";

/** Two multiplications of eight lanes: bytes 0..7 and 8..15 at `at` with q0 and q1. */
function dot16(at: usize, q0: v128, q1: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(v128.load8x8_s(at), q0), i32x4.dot_i16x8_s(v128.load8x8_s(at, 8), q1));
}

/**
 * Scores rows 0 .. rows−1 (rounded up to four) of `block` and writes (row u32, score f32) at `out` for those whose score is
 * at least `threshold`; returns how many. `query` holds `stride` i16 values.
 */
export function scan(
  block: usize,
  rows: i32,
  stride: i32,
  query: usize,
  alpha: f32,
  base: f32,
  threshold: f32,
  out: usize,
): i32 {
  const alphas = f32x4.splat(alpha);
  const bases = f32x4.splat(base);
  const thresholds = f32x4.splat(threshold);
  const scales = block + <usize>(ROWS * stride);
  let next = out;
  for (let row = 0; row < rows; row += 4) {
    const p0 = block + <usize>(row * stride);
    const p1 = p0 + stride;
    const p2 = p1 + stride;
    const p3 = p2 + stride;
    let a = i32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (let at = 0; at < stride; at += 16) {
      const q0 = v128.load(query + (at << 1));
      const q1 = v128.load(query + (at << 1), 16);
      a = i32x4.add(a, dot16(p0 + at, q0, q1));
      b = i32x4.add(b, dot16(p1 + at, q0, q1));
      c = i32x4.add(c, dot16(p2 + at, q0, q1));
      d = i32x4.add(d, dot16(p3 + at, q0, q1));
    }
    const scores = scoreOf(sumLanes(a, b, c, d), scales + (row << 2), alphas, bases);
    const mask = i32x4.bitmask(f32x4.ge(scores, thresholds));
    if (mask) next = emit(scores, mask, row, next);
  }
  return <i32>((next - out) >> 3);
}
