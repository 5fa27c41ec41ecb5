/** What is known of the numbers at restAt, set by the numbers-*.ts of the build. */

export let squares: f32 = 0;
export let absolutes: f32 = 0;
export let largest: f32 = 0;

export function setMeasures(sumOfSquares: f32, sumOfAbsolutes: f32, largestAbsolute: f32): void {
  squares = sumOfSquares;
  absolutes = sumOfAbsolutes;
  largest = largestAbsolute;
}

/** Rounds |x| < 2^22 to the nearest integer, ties to even, when added in f32: the integer is the sum's bits less ROUND_BITS. */
export const ROUND: f32 = 12582912;
export const ROUND_BITS: i32 = 0x4b400000;

/** A query's level is the top 4 bits of an i16; a step of levels is this much. */
export const LEVEL: f32 = 4096;
