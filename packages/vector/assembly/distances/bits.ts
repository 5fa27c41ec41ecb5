/** Differing bits, by the population count of 64-bit words: no SIMD, and faster than with it (measured). Exact. */

/** Differing bits of two runs of `count` 64-bit words. */
@inline
export function hamming(a: usize, b: usize, count: i32): i32 {
  let sum: i64 = 0;
  let at: i32 = 0;
  for (; at + 4 <= count; at += 4) {
    sum +=
      popcnt(load<i64>(a) ^ load<i64>(b)) +
      popcnt(load<i64>(a, 8) ^ load<i64>(b, 8)) +
      (popcnt(load<i64>(a, 16) ^ load<i64>(b, 16)) + popcnt(load<i64>(a, 24) ^ load<i64>(b, 24)));
    a += 32;
    b += 32;
  }
  for (; at < count; at++) {
    sum += popcnt(load<i64>(a) ^ load<i64>(b));
    a += 8;
    b += 8;
  }
  return <i32>sum;
}

/** Differing bits of a row and a query's plane 3 alone: that of the signs. */
@inline
export function hammingSigns(code: usize, planes: usize, count: i32): i32 {
  let sum: i64 = 0;
  let at: i32 = 0;
  for (; at + 4 <= count; at += 4) {
    sum +=
      popcnt(load<i64>(code) ^ load<i64>(planes, 24)) +
      popcnt(load<i64>(code, 8) ^ load<i64>(planes, 56)) +
      (popcnt(load<i64>(code, 16) ^ load<i64>(planes, 88)) + popcnt(load<i64>(code, 24) ^ load<i64>(planes, 120)));
    code += 32;
    planes += 128;
  }
  for (; at < count; at++) {
    sum += popcnt(load<i64>(code) ^ load<i64>(planes, 24));
    code += 8;
    planes += 32;
  }
  return <i32>sum;
}

/**
 * Weighted differing bits of a row and a query's four planes: 1, 2, 4 and 8 for a bit of plane 0, 1, 2 and 3. The planes lie
 * word by word: word 0 of planes 0 to 3, then word 1.
 */
@inline
export function hammingPlanes(code: usize, planes: usize, count: i32): i32 {
  let s0: i64 = 0;
  let s1: i64 = 0;
  let s2: i64 = 0;
  let s3: i64 = 0;
  for (let at: i32 = 0; at < count; at++) {
    const x = load<i64>(code);
    s0 += popcnt(x ^ load<i64>(planes));
    s1 += popcnt(x ^ load<i64>(planes, 8));
    s2 += popcnt(x ^ load<i64>(planes, 16));
    s3 += popcnt(x ^ load<i64>(planes, 24));
    code += 8;
    planes += 32;
  }
  return <i32>(s0 + (s1 << 1) + (s2 << 2) + (s3 << 3));
}
