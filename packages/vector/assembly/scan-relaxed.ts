/**
 * The i8 scan with the relaxed dot product, which is exact only when one operand is 0..127. The query's magnitudes are that
 * operand and its signs are moved onto the row: q·x = |q|·(sign(q) x). Codes are −127..127, so the negation cannot overflow
 * and the sums equal those of the other kernels. One native instruction per 16 bytes where the CPU has it.
 */
import { emit, ROWS, scoreOf, sumLanes } from "./block";

/** x where the mask byte is 0, −x where it is −1. */
function withSign(x: v128, mask: v128): v128 {
  return i8x16.sub(v128.xor(x, mask), mask);
}

/** As in scan-simd; `query` holds, for every 16 dimensions, 16 magnitudes (0..127) and then 16 sign masks (0 or −1). */
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
      const q = v128.load(query + (at << 1));
      const sign = v128.load(query + (at << 1), 16);
      a = i32x4.relaxed_dot_i8x16_i7x16_add_s(withSign(v128.load(p0 + at), sign), q, a);
      b = i32x4.relaxed_dot_i8x16_i7x16_add_s(withSign(v128.load(p1 + at), sign), q, b);
      c = i32x4.relaxed_dot_i8x16_i7x16_add_s(withSign(v128.load(p2 + at), sign), q, c);
      d = i32x4.relaxed_dot_i8x16_i7x16_add_s(withSign(v128.load(p3 + at), sign), q, d);
    }
    const scores = scoreOf(sumLanes(a, b, c, d), scales + (row << 2), alphas, bases);
    const mask = i32x4.bitmask(f32x4.ge(scores, thresholds));
    if (mask) next = emit(scores, mask, row, next);
  }
  return <i32>((next - out) >> 3);
}
