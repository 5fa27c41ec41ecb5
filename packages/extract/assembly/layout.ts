/**
 * What lies where in the memory of the tokenizer. Keep in step with src/tokenizer/tokenize-wasm.ts, which writes the tables and the
 * page: UTF-16 units from `TEXT_AT`, then the tokens, which grow to the memory's end.
 */
export const TAG_SLOTS_AT: usize = 1024;
export const TAG_NAMES_AT: usize = 5120;
export const TAG_LENGTHS_AT: usize = 9216;
export const TAG_TRAITS_AT: usize = 9472;
export const INTEGRATION_AT: usize = 9728;
export const ATTRIBUTE_SLOTS_AT: usize = 9984;
export const ATTRIBUTE_NAMES_AT: usize = 14080;
export const ATTRIBUTE_LENGTHS_AT: usize = 15104;
/** Of the foreign stack: 128 hashes, then 128 realms. */
export const FOREIGN_NAMES_AT: usize = 15360;
export const FOREIGN_REALMS_AT: usize = 15872;
export const TEXT_AT: usize = 16384;

export const NAME_SHIFT: i32 = 4;
export const SLOT_SHIFT: i32 = 20;
export const FNV_PRIME: i32 = 0x01000193;

/** The page's length in units. After it stand units of 0, which end every loop that looks for a unit. */
export let length: i32 = 0;

export function setLength(units: i32): void {
  length = units;
  v128.store(TEXT_AT + ((<usize>units) << 1), i64x2.splat(0));
}

@inline
export function unit(at: i32): i32 {
  return <i32>load<u16>(TEXT_AT + ((<usize>at) << 1));
}

@inline
export function isSpace(code: i32): bool {
  return code == 0x20 || (code >= 0x09 && code <= 0x0d && code != 0x0b);
}

@inline
export function endsName(code: i32): bool {
  return code == 0x3e || code == 0x2f || isSpace(code);
}

@inline
export function lower(code: i32): i32 {
  return <u32>(code - 0x41) < 26 ? code + 0x20 : code;
}

/** The first such unit at or after `from`, or the page's length. */
export function find(code: i32, from: i32): i32 {
  const wanted = i16x8.splat(<i16>code);
  for (let at = from; at < length; at += 8) {
    const mask = i16x8.bitmask(i16x8.eq(v128.load(TEXT_AT + ((<usize>at) << 1)), wanted));
    if (mask != 0) return min(at + ctz(mask), length);
  }
  return length;
}

/** The place after the first such unit, or the page's length. */
@inline
export function after(code: i32, from: i32): i32 {
  return min(find(code, from) + 1, length);
}

/** The first unit at or after `from` that is no white space, or the page's length. */
@inline
export function skipSpace(from: i32): i32 {
  let at = from;
  while (at < length && isSpace(unit(at))) at++;
  return at;
}
