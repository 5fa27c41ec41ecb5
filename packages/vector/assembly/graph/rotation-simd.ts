/**
 * A random rotation of `count` numbers in place: four rounds of random signs, a Walsh–Hadamard transform of the first or the last
 * power of two, and a butterfly of the halves where that is not all. rotation-scalar.ts does the same without SIMD.
 */

const HALF_ROOT: f32 = 0.70710678;

/** The greatest power of two in `count`, which is at least 16. */
function powerOf(count: i32): i32 {
  return 1 << (31 - clz(count));
}

export function rotate(at: usize, flips: usize, count: i32): void {
  const power = powerOf(count);
  const numbers = <usize>(count << 2);
  const part = <usize>(power << 2);
  for (let round = 0; round < 4; round++) {
    const skipped = round & 1 ? numbers - part : 0;
    flip(at, flips, skipped);
    flip(at + skipped + part, flips + skipped + part, numbers - skipped - part);
    hadamard(at + skipped, flips + skipped, part, <f32>1 / sqrt<f32>(<f32>power));
    if (power != count) butterfly(at, numbers >> 1);
    flips += numbers;
  }
}

/** Undoes rotate but for rounding: each of its steps is its own inverse. */
export function rotateBack(at: usize, flips: usize, count: i32): void {
  const power = powerOf(count);
  const numbers = <usize>(count << 2);
  const part = <usize>(power << 2);
  for (let round = 3; round >= 0; round--) {
    if (power != count) butterfly(at, numbers >> 1);
    hadamard(round & 1 ? at + numbers - part : at, 0, part, <f32>1 / sqrt<f32>(<f32>power));
    flip(at, flips + <usize>round * numbers, numbers);
  }
}

function flip(at: usize, flips: usize, bytes: usize): void {
  for (let p: usize = 0; p < bytes; p += 16) {
    v128.store(at + p, v128.xor(v128.load(at + p), v128.load(flips + p)));
  }
}

function butterfly(at: usize, half: usize): void {
  const root = f32x4.splat(HALF_ROOT);
  for (let p = at; p < at + half; p += 16) {
    const a = v128.load(p);
    const b = v128.load(p + half);
    v128.store(p, f32x4.mul(f32x4.add(a, b), root));
    v128.store(p + half, f32x4.mul(f32x4.sub(a, b), root));
  }
}

/**
 * Flips (unless `flips` is 0), scales and transforms. The order of the result is its own: in every sixteen, rows and columns of
 * four are swapped, which the transform commutes with, so that it undoes itself.
 */
function hadamard(at: usize, flips: usize, bytes: usize, scale: f32): void {
  for (let p: usize = 0; p < bytes; p += 64) sixteen(at + p, flips ? flips + p : 0, scale);
  let half: usize = 64;
  for (; half << 1 < bytes; half <<= 2) {
    for (let block = at; block < at + bytes; block += half << 2) {
      for (let p = block; p < block + half; p += 16) quarter(p, half);
    }
  }
  if (half == bytes) return;
  for (let p = at; p < at + half; p += 16) {
    const a = v128.load(p);
    const b = v128.load(p + half);
    v128.store(p, f32x4.add(a, b));
    v128.store(p + half, f32x4.sub(a, b));
  }
}

/** Two levels at once: four registers, `step` bytes apart. */
@inline
function quarter(p: usize, step: usize): void {
  const a = v128.load(p);
  const b = v128.load(p + step);
  const c = v128.load(p + (step << 1));
  const d = v128.load(p + (step << 1) + step);
  const ab = f32x4.add(a, b);
  const a_b = f32x4.sub(a, b);
  const cd = f32x4.add(c, d);
  const c_d = f32x4.sub(c, d);
  v128.store(p, f32x4.add(ab, cd));
  v128.store(p + step, f32x4.add(a_b, c_d));
  v128.store(p + (step << 1), f32x4.sub(ab, cd));
  v128.store(p + (step << 1) + step, f32x4.sub(a_b, c_d));
}

/** Sixteen numbers: two levels across four registers, a transposition, two levels more. */
@inline
function sixteen(p: usize, flips: usize, scale: f32): void {
  const scales = f32x4.splat(scale);
  let a = v128.load(p);
  let b = v128.load(p, 16);
  let c = v128.load(p, 32);
  let d = v128.load(p, 48);
  if (flips) {
    a = v128.xor(a, v128.load(flips));
    b = v128.xor(b, v128.load(flips, 16));
    c = v128.xor(c, v128.load(flips, 32));
    d = v128.xor(d, v128.load(flips, 48));
  }
  a = f32x4.mul(a, scales);
  b = f32x4.mul(b, scales);
  c = f32x4.mul(c, scales);
  d = f32x4.mul(d, scales);
  const ab = f32x4.add(a, b);
  const a_b = f32x4.sub(a, b);
  const cd = f32x4.add(c, d);
  const c_d = f32x4.sub(c, d);
  a = f32x4.add(ab, cd);
  b = f32x4.add(a_b, c_d);
  c = f32x4.sub(ab, cd);
  d = f32x4.sub(a_b, c_d);
  const low0 = i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const low1 = i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const high0 = i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  const high1 = i8x16.shuffle(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  v128.store(p, i8x16.shuffle(low0, low1, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
  v128.store(p, i8x16.shuffle(low0, low1, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 16);
  v128.store(p, i8x16.shuffle(high0, high1, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), 32);
  v128.store(p, i8x16.shuffle(high0, high1, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 48);
  quarter(p, 16);
}
