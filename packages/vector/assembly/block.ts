/**
 * The layout of a block and the end of a scan, shared by the kernels. A block holds ROWS rows: codes (ROWS × stride signed
 * bytes), scales (ROWS × f32), biases (ROWS × f32), ids (ROWS × u32). A row that is absent or removed has a NaN scale, so
 * its score is NaN and never passes a threshold. Keep in step with src/segment.ts.
 */
export const ROWS: i32 = 256;

/** The four lane sums of a, b, c and d, in that order. */
export function sumLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(
    i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
    i8x16.shuffle(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31),
  );
  const cd = i32x4.add(
    i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
    i8x16.shuffle(c, d, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31),
  );
  return i32x4.add(
    i8x16.shuffle(ab, cd, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
    i8x16.shuffle(ab, cd, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31),
  );
}

/** score = dot × scale × alpha + bias + base, each step rounded to f32; `scales` points at the scale of the first row. */
export function scoreOf(dots: v128, scales: usize, alpha: v128, base: v128): v128 {
  const scaled = f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(dots), v128.load(scales)), alpha);
  return f32x4.add(f32x4.add(scaled, v128.load(scales, 4 * <usize>ROWS)), base);
}

/** Writes (row, score) for the lanes in `mask` at `out` and returns the place after them. */
export function emit(scores: v128, mask: i32, row: i32, out: usize): usize {
  if (mask & 1) {
    store<i32>(out, row);
    store<f32>(out, f32x4.extract_lane(scores, 0), 4);
    out += 8;
  }
  if (mask & 2) {
    store<i32>(out, row + 1);
    store<f32>(out, f32x4.extract_lane(scores, 1), 4);
    out += 8;
  }
  if (mask & 4) {
    store<i32>(out, row + 2);
    store<f32>(out, f32x4.extract_lane(scores, 2), 4);
    out += 8;
  }
  if (mask & 8) {
    store<i32>(out, row + 3);
    store<f32>(out, f32x4.extract_lane(scores, 3), 4);
    out += 8;
  }
  return out;
}
