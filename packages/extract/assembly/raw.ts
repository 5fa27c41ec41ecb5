/** The twin of src/tokenizer/raw-end.ts, which says what it is for. */
import { endsName, find, length, lower, NAME_SHIFT, TAG_LENGTHS_AT, TAG_NAMES_AT, unit } from "./layout";

const SCRIPT_LENGTH: i32 = 6;

let scriptId: i32 = 0;
/** The first `<!--` at or after the last place asked for. */
let comment: i32 = -1;

export function setScriptId(id: i32): void {
  scriptId = id;
}

export function resetRaw(): void {
  comment = -1;
}

/** Whether the name at row `row` of `size` units stands at `at` in any case. */
@inline
export function isNameAt(at: i32, row: usize, size: i32): bool {
  for (let offset = 0; offset < size; offset++) {
    if (lower(unit(at + offset)) != <i32>load<u8>(row + <usize>offset)) return false;
  }
  return true;
}

function namesTag(at: i32, id: i32): bool {
  const size = <i32>load<u8>(TAG_LENGTHS_AT + <usize>id);
  if (at + size >= length) return false;
  return isNameAt(at, TAG_NAMES_AT + ((<usize>id) << NAME_SHIFT), size) && endsName(unit(at + size));
}

export function rawEnd(from: i32, id: i32): i32 {
  for (let at = find(0x3c, from); at < length; at = find(0x3c, at + 1)) {
    if (unit(at + 1) == 0x2f && namesTag(at + 2, id)) return at;
  }
  return length;
}

function nextComment(from: i32): i32 {
  for (let at = find(0x3c, from); at < length; at = find(0x3c, at + 1)) {
    if (unit(at + 1) == 0x21 && unit(at + 2) == 0x2d && unit(at + 3) == 0x2d) return at;
  }
  return length;
}

export function scriptEnd(from: i32): i32 {
  let at = from;
  if (comment < at) comment = nextComment(at);
  let hidden = comment;
  let end = -1;
  while (true) {
    if (end < at) end = rawEnd(at, scriptId);
    if (end <= hidden) return end;
    at = escapedEnd(hidden + 2);
    if (at < 0) return -at - 1;
    hidden = nextComment(at);
  }
}

function escapedEnd(from: i32): i32 {
  let isDouble = false;
  for (let at = from; at < length; at++) {
    const code = unit(at);
    if (code == 0x2d) {
      if (unit(at + 1) == 0x2d && unit(at + 2) == 0x3e) return at + 3;
    } else if (code == 0x3c) {
      const isEnd = unit(at + 1) == 0x2f;
      const name = isEnd ? at + 2 : at + 1;
      if (!namesTag(name, scriptId)) continue;
      if (isEnd && !isDouble) return -at - 1;
      isDouble = !isEnd;
      at = name + SCRIPT_LENGTH;
    }
  }
  return -length - 1;
}
