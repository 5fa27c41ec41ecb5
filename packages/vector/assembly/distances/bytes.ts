/**
 * Inner products of signed bytes. Sums are exact: 16,384 numbers of −128 × 127 stay below 2^31. Counts are multiples of 16.
 *
 * A query is prepared once in a form of 2 × count bytes. With relaxed SIMD: for every 16 numbers 16 magnitudes (0..127) and
 * 16 masks (−1 where negative), because the relaxed dot product is exact only when one operand is 0..127. A row's number is
 * xored with the mask, which makes it −x − 1 where the query is negative; what that leaves out, the sum of the magnitudes
 * there, is added at the end. Otherwise: the numbers as i16, one after the other.
 *
 * Without the native instruction (AVX-VNNI, dotprod) the relaxed form costs what the plain one does, 34.8 against 35.4 ns for
 * 768 numbers; between two rows it costs more, 42.2 against 38.2 ns, so that stays plain (measured on Zen 4).
 */

@inline
function sumOf(v: v128): i32 {
  return (
    i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + (i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3))
  );
}

/** Inner product of two runs of `count` signed bytes. */
@inline
export function dotBytes(a: usize, b: usize, count: i32): i32 {
  return ASC_FEATURE_SIMD ? dotBytesSimd(a, b, count) : dotBytesScalar(a, b, count);
}

function dotBytesSimd(a: usize, b: usize, count: i32): i32 {
  const end = a + <usize>count;
  let s0 = i32x4.splat(0);
  let s1 = s0;
  while (a < end) {
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v128.load8x8_s(a), v128.load8x8_s(b)));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(v128.load8x8_s(a, 8), v128.load8x8_s(b, 8)));
    a += 16;
    b += 16;
  }
  return sumOf(i32x4.add(s0, s1));
}

function dotBytesScalar(a: usize, b: usize, count: i32): i32 {
  const end = a + <usize>count;
  let sum: i32 = 0;
  while (a < end) {
    sum += <i32>load<i8>(a) * <i32>load<i8>(b) + <i32>load<i8>(a, 1) * <i32>load<i8>(b, 1);
    sum += <i32>load<i8>(a, 2) * <i32>load<i8>(b, 2) + <i32>load<i8>(a, 3) * <i32>load<i8>(b, 3);
    a += 4;
    b += 4;
  }
  return sum;
}

/** Inner product of `count` signed bytes and a prepared query; `lowered` is what preparing it returned. */
@inline
export function dotPrepared(bytes: usize, query: usize, count: i32, lowered: i32): i32 {
  if (ASC_FEATURE_RELAXED_SIMD) return dotRelaxed(bytes, query, count) + lowered;
  return ASC_FEATURE_SIMD ? dotWideSimd(bytes, query, count) : dotWideScalar(bytes, query, count);
}

function dotRelaxed(a: usize, q: usize, count: i32): i32 {
  const end = a + <usize>(count & ~31);
  let s0 = i32x4.splat(0);
  let s1 = s0;
  while (a < end) {
    s0 = relaxedStep(a, q, s0);
    s1 = relaxedStep(a + 16, q + 32, s1);
    a += 32;
    q += 64;
  }
  if (count & 16) s0 = relaxedStep(a, q, s0);
  return sumOf(i32x4.add(s0, s1));
}

@inline
function relaxedStep(a: usize, q: usize, sum: v128): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.xor(v128.load(a), v128.load(q, 16)), v128.load(q), sum);
}

function dotWideSimd(a: usize, q: usize, count: i32): i32 {
  const end = a + <usize>count;
  let s0 = i32x4.splat(0);
  let s1 = s0;
  while (a < end) {
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v128.load8x8_s(a), v128.load(q)));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(v128.load8x8_s(a, 8), v128.load(q, 16)));
    a += 16;
    q += 32;
  }
  return sumOf(i32x4.add(s0, s1));
}

function dotWideScalar(a: usize, q: usize, count: i32): i32 {
  const end = a + <usize>count;
  let sum: i32 = 0;
  while (a < end) {
    sum += <i32>load<i8>(a) * <i32>load<i16>(q) + <i32>load<i8>(a, 1) * <i32>load<i16>(q, 2);
    sum += <i32>load<i8>(a, 2) * <i32>load<i16>(q, 4) + <i32>load<i8>(a, 3) * <i32>load<i16>(q, 6);
    a += 4;
    q += 8;
  }
  return sum;
}

/**
 * Prepares `count` bytes (−127..127) at `bytes` as a query of 2 × count bytes at `query`; returns what dotPrepared takes as
 * `lowered`. The bytes may be the last `count` of those 2 × count.
 */
export function prepareBytes(bytes: usize, query: usize, count: i32): i32 {
  if (ASC_FEATURE_RELAXED_SIMD) return prepareRelaxed(bytes, query, count);
  if (ASC_FEATURE_SIMD) prepareWideSimd(bytes, query, count);
  else for (let at: i32 = 0; at < count; at++) store<i16>(query + (<usize>at << 1), <i16>load<i8>(bytes + at));
  return 0;
}

function prepareRelaxed(bytes: usize, query: usize, count: i32): i32 {
  const zero = i8x16.splat(0);
  const end = bytes + <usize>count;
  let sums = i32x4.splat(0);
  while (bytes < end) {
    const v = v128.load(bytes);
    v128.store(query, i8x16.abs(v));
    v128.store(query, i8x16.lt_s(v, zero), 16);
    const pairs = i16x8.extadd_pairwise_i8x16_s(i8x16.min_s(v, zero));
    sums = i32x4.sub(sums, i32x4.extadd_pairwise_i16x8_s(pairs));
    bytes += 16;
    query += 32;
  }
  return sumOf(sums);
}

function prepareWideSimd(bytes: usize, query: usize, count: i32): void {
  const end = bytes + <usize>count;
  while (bytes < end) {
    const v = v128.load(bytes);
    v128.store(query, i16x8.extend_low_i8x16_s(v));
    v128.store(query, i16x8.extend_high_i8x16_s(v), 16);
    bytes += 16;
    query += 32;
  }
}
