/**
 * Where things lie in a segment's memory, read from its header; keep in step with src/segment/layout.ts, which writes it. Every
 * thread has an instance of its own, so these globals are the thread's; the memory is shared.
 */

export const COSINE: i32 = 0;
export const DOT: i32 = 1;
export const L2: i32 = 2;

/** Bytes of a row's head: norm f32, sign factor f32, bias f32, i8 scale f32; the sign bits follow it. */
export const HEAD: usize = 16;
/** u32 words of a row's links on level 0: the count and up to 47 links. Three cache lines. */
export const LINKS: i32 = 48;
/** u32 words of a row's links on an upper level: the count and up to 31 links. */
export const UPPER_LINKS: i32 = 32;
/** Planes of a query's bit-sliced code. */
export const PLANES: i32 = 4;
/** Most entries of a beam. */
export const BEAM_MAX: i32 = 10240;

/** Byte offsets of header words that change. */
export const ROWS_AT: usize = 128;
export const LINKED_AT: usize = 132;
/** Row of the entry + 1; 0 while there is none. */
export const ENTRY_AT: usize = 136;
export const TOP_LEVEL_AT: usize = 140;
export const UPPER_USED_AT: usize = 144;
/** Whether a search looks at low bytes. */
export const USES_LOW_AT: usize = 176;
/** Rows from which on low bytes are not written, and so are 0; 0: all are. */
export const LOW_ROWS_AT: usize = 392;

export let dimensions: i32 = 0;
/** Numbers that have a sign bit: the dimensions, after a rotation the stride. */
export let bits: i32 = 0;
export let stride: i32 = 0;
export let words: i32 = 0;
export let codeStride: i32 = 0;
export let capacity: i32 = 0;
export let metric: i32 = 0;
export let isRotated: i32 = 0;
export let upperMax: i32 = 0;
export let codesAt: usize = 0;
export let bytesAt: usize = 0;
export let lowAt: usize = 0;
export let idsAt: usize = 0;
export let linksAt: usize = 0;
export let upperOfAt: usize = 0;
export let upperAt: usize = 0;
export let aliveAt: usize = 0;
export let meanAt: usize = 0;
export let flipsAt: usize = 0;
export let queueAt: usize = 0;
export let meanSquares: f32 = 0;

/** Scratch of this thread. */
export let inputAt: usize = 0;
export let restAt: usize = 0;
export let wideAt: usize = 0;
export let planesAt: usize = 0;
export let visitedAt: usize = 0;
export let allowedAt: usize = 0;
export let beamAt: usize = 0;
export let frontierAt: usize = 0;
export let foundAt: usize = 0;
export let nearAt: usize = 0;
export let keysAt: usize = 0;
export let pickAt: usize = 0;

/** Reads the header; `scratch` is the address of this thread's scratch space, laid out as follows. */
export function configure(scratch: usize): void {
  stride = load<i32>(12);
  words = load<i32>(16);
  codeStride = load<i32>(20);
  capacity = load<i32>(24);
  metric = load<i32>(28);
  isRotated = load<i32>(32);
  dimensions = load<i32>(8);
  bits = isRotated ? stride : dimensions;
  upperMax = load<i32>(36);
  codesAt = load<u32>(40);
  bytesAt = load<u32>(44);
  lowAt = load<u32>(48);
  idsAt = load<u32>(52);
  linksAt = load<u32>(56);
  upperOfAt = load<u32>(60);
  upperAt = load<u32>(64);
  aliveAt = load<u32>(68);
  meanAt = load<u32>(72);
  flipsAt = load<u32>(76);
  queueAt = load<u32>(80);
  meanSquares = load<f32>(84);
  const numbers = <usize>(stride << 2);
  const bitmap = <usize>(((capacity + 127) >> 7) << 4);
  inputAt = scratch;
  restAt = inputAt + numbers;
  wideAt = restAt + numbers;
  planesAt = wideAt + <usize>(stride << 1);
  nearAt = planesAt + <usize>(words * 8 * PLANES);
  keysAt = nearAt + 256;
  pickAt = keysAt + 512;
  foundAt = pickAt + 256;
  frontierAt = foundAt + <usize>((BEAM_MAX + 8) * 8);
  beamAt = frontierAt + <usize>((BEAM_MAX + 8) * 8);
  visitedAt = beamAt + <usize>((BEAM_MAX + 8) * 8);
  allowedAt = visitedAt + bitmap;
}

@inline
export function codeOf(row: u32): usize {
  return codesAt + <usize>row * <usize>codeStride;
}

@inline
export function bytesOf(row: u32): usize {
  return bytesAt + <usize>row * <usize>stride;
}

@inline
export function linksOf(row: u32): usize {
  return linksAt + <usize>row * <usize>(LINKS * 4);
}

/** Upper levels of a row: its number of levels above 0 in the low 4 bits, the place of its first list above them. */
@inline
export function upperOf(row: u32): u32 {
  return atomic.load<u32>(upperOfAt + (<usize>row << 2));
}

@inline
export function upperLinks(upper: u32, level: i32): usize {
  return upperAt + (<usize>(upper >> 4) + <usize>(level - 1)) * <usize>(UPPER_LINKS * 4);
}
