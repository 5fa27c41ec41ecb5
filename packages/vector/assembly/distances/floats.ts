/**
 * Sums over f32 numbers in sixteen lanes; counts are multiples of 4. Relaxed SIMD fuses multiplication and addition where the CPU
 * can, so results of builds differ by rounding.
 */

@inline
function sumOf(s0: v128, s1: v128, s2: v128, s3: v128): f32 {
  const v = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** a × b + sum. */
@inline
function fused(a: v128, b: v128, sum: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, sum) : f32x4.add(sum, f32x4.mul(a, b));
}

/** Inner product. */
export function dotFloats(a: usize, b: usize, count: i32): f32 {
  const end = a + (<usize>count << 2);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (; a + 64 <= end; a += 64, b += 64) {
    s0 = fused(v128.load(a), v128.load(b), s0);
    s1 = fused(v128.load(a, 16), v128.load(b, 16), s1);
    s2 = fused(v128.load(a, 32), v128.load(b, 32), s2);
    s3 = fused(v128.load(a, 48), v128.load(b, 48), s3);
  }
  for (; a < end; a += 16, b += 16) s0 = fused(v128.load(a), v128.load(b), s0);
  return sumOf(s0, s1, s2, s3);
}

@inline
function squared(a: usize, b: usize, sum: v128): v128 {
  const rest = f32x4.sub(v128.load(a), v128.load(b));
  return fused(rest, rest, sum);
}

/** Sum of squared differences. */
export function squareFloats(a: usize, b: usize, count: i32): f32 {
  const end = a + (<usize>count << 2);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (; a + 64 <= end; a += 64, b += 64) {
    s0 = squared(a, b, s0);
    s1 = squared(a + 16, b + 16, s1);
    s2 = squared(a + 32, b + 32, s2);
    s3 = squared(a + 48, b + 48, s3);
  }
  for (; a < end; a += 16, b += 16) s0 = squared(a, b, s0);
  return sumOf(s0, s1, s2, s3);
}
