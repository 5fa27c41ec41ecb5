/**
 * A random rotation of `count` numbers in place: four rounds of random signs, a Walsh–Hadamard transform of the first or the last
 * power of two, and a butterfly of the halves where that is not all. The twin of rotation-simd.ts:
 * the same operations on each number in the same order, so the same bits.
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
  for (let p: usize = 0; p < bytes; p += 4) store<u32>(at + p, load<u32>(at + p) ^ load<u32>(flips + p));
}

function butterfly(at: usize, half: usize): void {
  for (let p = at; p < at + half; p += 4) {
    const a = load<f32>(p);
    const b = load<f32>(p + half);
    store<f32>(p, (a + b) * HALF_ROOT);
    store<f32>(p + half, (a - b) * HALF_ROOT);
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
      for (let p = block; p < block + half; p += 4) quarter(p, half);
    }
  }
  if (half == bytes) return;
  for (let p = at; p < at + half; p += 4) {
    const a = load<f32>(p);
    const b = load<f32>(p + half);
    store<f32>(p, a + b);
    store<f32>(p + half, a - b);
  }
}

/** Two levels at once: four numbers, `step` bytes apart. */
@inline
function quarter(p: usize, step: usize): void {
  const a = load<f32>(p);
  const b = load<f32>(p + step);
  const c = load<f32>(p + (step << 1));
  const d = load<f32>(p + (step << 1) + step);
  const ab = a + b;
  const a_b = a - b;
  const cd = c + d;
  const c_d = c - d;
  store<f32>(p, ab + cd);
  store<f32>(p + step, a_b + c_d);
  store<f32>(p + (step << 1), ab - cd);
  store<f32>(p + (step << 1) + step, a_b - c_d);
}

/** Sixteen numbers: two levels over columns, a transposition, two levels more. */
function sixteen(p: usize, flips: usize, scale: f32): void {
  if (flips) flip(p, flips, 64);
  for (let at: usize = 0; at < 64; at += 4) store<f32>(p + at, load<f32>(p + at) * scale);
  for (let column: usize = 0; column < 16; column += 4) quarter(p + column, 16);
  for (let row: usize = 0; row < 4; row++) {
    for (let column = row + 1; column < 4; column++) swap(p + (((row << 2) + column) << 2), p + (((column << 2) + row) << 2));
  }
  for (let column: usize = 0; column < 16; column += 4) quarter(p + column, 16);
}

@inline
function swap(a: usize, b: usize): void {
  const before = load<u32>(a);
  store<u32>(a, load<u32>(b));
  store<u32>(b, before);
}
