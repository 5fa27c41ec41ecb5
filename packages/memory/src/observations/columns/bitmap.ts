/**
 * Sets of rows as bits: row r is bit `r & 7` of byte `r >> 3`, as the vector index takes them. They are worked on 32 bits at a time, so
 * their memory is a multiple of 4 bytes, and bits behind the last row are 0 wherever it matters: in what is counted or given out.
 */

/** No row of `rows`. */
export function emptyBitmap(rows: number): Uint8Array {
  return new Uint8Array(Math.ceil(rows / 32) * 4);
}

export function setBit(bitmap: Uint8Array, row: number): void {
  const at = row >> 3;
  bitmap[at] = (bitmap[at] ?? 0) | (1 << (row & 7));
}

export function clearBit(bitmap: Uint8Array, row: number): void {
  const at = row >> 3;
  bitmap[at] = (bitmap[at] ?? 0) & ~(1 << (row & 7));
}

export function hasBit(bitmap: Uint8Array, row: number): boolean {
  return (((bitmap[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
}

/** Sets the bits of rows `from` (included) to `until` (not included). */
export function setRange(bitmap: Uint8Array, from: number, until: number): void {
  if (from >= until) return;
  const first = (from + 7) >> 3;
  const last = until >> 3;
  if (first > last) {
    for (let row = from; row < until; row++) setBit(bitmap, row);
    return;
  }
  for (let row = from; row < first * 8; row++) setBit(bitmap, row);
  bitmap.fill(0xff, first, last);
  for (let row = last * 8; row < until; row++) setBit(bitmap, row);
}

/** Clears the bits of rows from `rows` on. */
export function clearFrom(bitmap: Uint8Array, rows: number): void {
  const at = rows >> 3;
  if (at >= bitmap.length) return;
  bitmap[at] = (bitmap[at] ?? 0) & ((1 << (rows & 7)) - 1);
  bitmap.fill(0, at + 1);
}

/** `into` = `into` and `other`. */
export function intersect(into: Uint8Array, other: Uint8Array): void {
  const to = wordsOf(into);
  const from = wordsOf(other);
  for (let at = 0; at < to.length; at++) to[at] = (to[at] ?? 0) & (from[at] ?? 0);
}

/** `into` = `into` or `other`. */
export function unite(into: Uint8Array, other: Uint8Array): void {
  const to = wordsOf(into);
  const from = wordsOf(other);
  for (let at = 0; at < to.length; at++) to[at] = (to[at] ?? 0) | (from[at] ?? 0);
}

/** Every bit the other way, those behind the last row too. */
export function invert(into: Uint8Array): void {
  const words = wordsOf(into);
  for (let at = 0; at < words.length; at++) words[at] = ~(words[at] ?? 0);
}

/** How many bits are set. */
export function countBits(bitmap: Uint8Array): number {
  const words = wordsOf(bitmap);
  let count = 0;
  for (let at = 0; at < words.length; at++) {
    let word = words[at] ?? 0;
    word -= (word >>> 1) & 0x5555_5555;
    word = (word & 0x3333_3333) + ((word >>> 2) & 0x3333_3333);
    count += Math.imul((word + (word >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
  }
  return count;
}

function wordsOf(bitmap: Uint8Array): Uint32Array {
  return new Uint32Array(bitmap.buffer, bitmap.byteOffset, bitmap.byteLength >> 2);
}
