/**
 * What the distances module exports: one query against many rows. Keep in step with src/distances/wasm-rows.ts, which lays out the
 * memory: rows of `stride` bytes, and for every row a word: 1 / length f32 (floats) or the sum of squares i32 (bytes).
 */
import { hamming, hammingPlanes } from "./bits";
import { dotPrepared, prepareBytes } from "./bytes";
import { dotFloats, squareFloats } from "./floats";

export { prepareBytes };

const DOT: i32 = 0;
const L2_SQUARED: i32 = 1;

let rowsAt: usize = 0;
let stride: i32 = 0;
let wordsAt: usize = 0;

export function configure(rows: usize, rowBytes: i32, words: usize): void {
  rowsAt = rows;
  stride = rowBytes;
  wordsAt = words;
}

/** The `at`-th row asked for: of the u32 numbers at `list`, or, when that is 0, `first` + `at`. */
@inline
function rowAt(list: usize, first: i32, at: i32): usize {
  return list ? <usize>load<u32>(list + (<usize>at << 2)) : <usize>(first + at);
}

@inline
function clamp(cosine: f32): f32 {
  return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

/** Writes `count` f32 at `out`. `inverse`: 1 / the query's length, 0 for a zero vector. */
export function measureFloats(
  measure: i32, query: usize, inverse: f32, list: usize, first: i32, count: i32, out: usize,
): void {
  const numbers = stride >> 2;
  for (let at = 0; at < count; at++) {
    const row = rowAt(list, first, at);
    const place = rowsAt + row * <usize>stride;
    let value: f32;
    if (measure == L2_SQUARED) {
      value = squareFloats(query, place, numbers);
    } else {
      value = dotFloats(query, place, numbers);
      if (measure != DOT) value = clamp(value * inverse * load<f32>(wordsAt + (row << 2)));
    }
    store<f32>(out + (<usize>at << 2), value);
  }
}

@inline
function fromDot(measure: i32, dot: i32, querySquares: i32, rowSquares: i32): f32 {
  if (measure == DOT) return <f32>dot;
  if (measure == L2_SQUARED) return <f32>(querySquares + rowSquares - 2 * dot);
  if (querySquares == 0 || rowSquares == 0) return 0;
  return clamp(<f32>(<f64>dot / sqrt<f64>(<f64>querySquares * <f64>rowSquares)));
}

/** As measureFloats for bytes; `query` is prepared and `lowered` is what preparing returned. */
export function measureBytes(
  measure: i32, query: usize, squares: i32, lowered: i32, list: usize, first: i32, count: i32, out: usize,
): void {
  for (let at = 0; at < count; at++) {
    const row = rowAt(list, first, at);
    const dot = dotPrepared(rowsAt + row * <usize>stride, query, stride, lowered);
    store<f32>(out + (<usize>at << 2), fromDot(measure, dot, squares, load<i32>(wordsAt + (row << 2))));
  }
}

/** Differing bits. */
export function measureBits(query: usize, list: usize, first: i32, count: i32, out: usize): void {
  const words = stride >> 3;
  for (let at = 0; at < count; at++) {
    const row = rowAt(list, first, at);
    store<f32>(out + (<usize>at << 2), <f32>hamming(query, rowsAt + row * <usize>stride, words));
  }
}

/** Weighted differing bits of rows and the four planes of a query. */
export function measureLevels(planes: usize, list: usize, first: i32, count: i32, out: usize): void {
  const words = stride >> 3;
  for (let at = 0; at < count; at++) {
    const row = rowAt(list, first, at);
    store<f32>(out + (<usize>at << 2), <f32>hammingPlanes(rowsAt + row * <usize>stride, planes, words));
  }
}
