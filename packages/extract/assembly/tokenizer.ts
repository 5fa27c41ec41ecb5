/**
 * The tokenizer as a kernel: the twin of src/tokenizer/tokenize-js.ts, which says what the states are, with SIMD where a unit is looked
 * for. `tokenize` gives the number of tokens; they lie at `tokensAt`.
 */
import { closeForeign, depth, isForeign, isRoot, openForeign, resetForeign, setForeignIds } from "./foreign";
import {
  after, ATTRIBUTE_LENGTHS_AT, ATTRIBUTE_NAMES_AT, ATTRIBUTE_SLOTS_AT, endsName, find, FNV_PRIME, isSpace, length, lower, NAME_SHIFT,
  setLength, skipSpace, SLOT_SHIFT, TAG_LENGTHS_AT, TAG_NAMES_AT, TAG_SLOTS_AT, TAG_TRAITS_AT, TEXT_AT, unit,
} from "./layout";
import { isNameAt, rawEnd, resetRaw, scriptEnd, setScriptId } from "./raw";

export { setForeignIds, setScriptId };

const TEXT: i32 = 1;
const OPEN: i32 = 2;
const ATTRIBUTE: i32 = 3;
const CLOSE: i32 = 4;
const RAW: i32 = 5;
const ENTITY: i32 = 1 << 4;
const BLANK: i32 = 1 << 5;
const SELF_CLOSING: i32 = 1 << 6;
const ID_SHIFT: i32 = 8;

const RAW_REFERENCES: i32 = 2;
const SCRIPT: i32 = 4;
const ENDLESS: i32 = 8;
const RAW_TRAITS: i32 = 15;

/** Memory is asked for in steps of this many pages of 64 KB. */
const GROWTH_PAGES: i32 = 8;
/** Units of 0 after the text: what one load of a vector can reach past the end. */
const TEXT_SLACK_BYTES: usize = 32;

let tagBasis: i32 = 0;
let attributeBasis: i32 = 0;

/** Address of the tokens, of the next one, and of the first that would not fit. */
let tokens: usize = 0;
let fill: usize = 0;
let limit: usize = 0;

let textStart: i32 = 0;
let reference: i32 = -1;
let nameHash: i32 = 0;
let nameEnd: i32 = 0;
let isSelfClosing: bool = false;
let seen: u64 = 0;

export function setBases(tag: i32, attribute: i32): void {
  tagBasis = tag;
  attributeBasis = attribute;
}

export function tokensAt(): usize {
  return tokens;
}

export function tokenize(units: i32): i32 {
  setLength(units);
  tokens = (TEXT_AT + ((<usize>units) << 1) + TEXT_SLACK_BYTES + 15) & ~15;
  fill = tokens;
  limit = (<usize>memory.size() << 16) - 16;
  textStart = 0;
  reference = -1;
  resetRaw();
  resetForeign();
  let at = find(0x3c, 0);
  while (at + 1 < length) {
    const end = markup(at);
    if (end != at) textStart = end;
    at = find(0x3c, end == at ? at + 1 : end);
  }
  text(length);
  return <i32>((fill - tokens) >> 4);
}

@inline
function push(word: i32, start: i32, end: i32): void {
  if (fill > limit) {
    if (memory.grow(GROWTH_PAGES) < 0) unreachable();
    limit = (<usize>memory.size() << 16) - 16;
  }
  store<i32>(fill, word);
  store<i32>(fill, start, 4);
  store<i32>(fill, end, 8);
  store<i32>(fill, 0, 12);
  fill += 16;
}

@inline
function isLetter(code: i32): bool {
  return <u32>((code | 0x20) - 0x61) < 26;
}

function markup(at: i32): i32 {
  const code = unit(at + 1);
  if (isLetter(code)) {
    text(at);
    return open(at);
  }
  if (code == 0x2f) {
    if (at + 2 == length) return at;
    text(at);
    return isLetter(unit(at + 2)) ? close(at) : after(0x3e, at + 2);
  }
  if (code != 0x21 && code != 0x3f) return at;
  text(at);
  return code == 0x3f ? after(0x3e, at) : declaration(at);
}

function declaration(at: i32): i32 {
  if (unit(at + 2) == 0x2d && unit(at + 3) == 0x2d) return commentEnd(at + 4);
  if (!isForeign() || !isCdata(at + 2)) return after(0x3e, at);
  const start = at + 9;
  let end = find(0x5d, start);
  while (end < length && !(unit(end + 1) == 0x5d && unit(end + 2) == 0x3e)) end = find(0x5d, end + 1);
  if (end > start) push(TEXT | (skipSpace(start) >= end ? BLANK : 0), start, end);
  return min(end + 3, length);
}

/** Whether `[CDATA[` stands at `at`. */
function isCdata(at: i32): bool {
  return (
    unit(at) == 0x5b && unit(at + 1) == 0x43 && unit(at + 2) == 0x44 && unit(at + 3) == 0x41 && unit(at + 4) == 0x54 &&
    unit(at + 5) == 0x41 && unit(at + 6) == 0x5b
  );
}

function commentEnd(at: i32): i32 {
  if (unit(at) == 0x3e) return at + 1;
  if (unit(at) == 0x2d && unit(at + 1) == 0x3e) return at + 2;
  for (let end = find(0x3e, at); end < length; end = find(0x3e, end + 1)) {
    const dash = unit(end - 1) == 0x21 ? end - 3 : end - 2;
    if (dash >= at && unit(dash) == 0x2d && unit(dash + 1) == 0x2d) return end + 1;
  }
  return length;
}

function open(at: i32): i32 {
  const first = fill;
  const id = tagName(at + 1);
  const name = nameHash;
  push(OPEN | (id << ID_SHIFT), at, 0);
  const end = attributes(nameEnd, true);
  if (end < 0) {
    fill = first;
    return length;
  }
  if (isSelfClosing) store<i32>(first, load<i32>(first) | SELF_CLOSING);
  store<i32>(first, end, 8);
  store<i32>(first, <i32>((fill - first) >> 4) - 1, 12);
  if (depth > 0 || isRoot(id)) {
    if (openForeign(id, name, isSelfClosing)) return end;
  }
  const traits = <i32>load<u8>(TAG_TRAITS_AT + <usize>id);
  return (traits & RAW_TRAITS) == 0 ? end : raw(end, id, traits);
}

function close(at: i32): i32 {
  const id = tagName(at + 2);
  const name = nameHash;
  const end = unit(nameEnd) == 0x3e ? nameEnd + 1 : attributes(nameEnd, false);
  if (end < 0) return length;
  push(CLOSE | (id << ID_SHIFT), at, end);
  if (depth > 0) closeForeign(id, name);
  return end;
}

function raw(at: i32, id: i32, traits: i32): i32 {
  const end = (traits & ENDLESS) != 0 ? length : (traits & SCRIPT) != 0 ? scriptEnd(at) : rawEnd(at, id);
  if (end > at) {
    const flags = (traits & RAW_REFERENCES) != 0 && hasReference(at, end) ? ENTITY : 0;
    push(RAW | flags | (id << ID_SHIFT), at, end);
  }
  return end;
}

function attributes(from: i32, isKept: bool): i32 {
  isSelfClosing = false;
  seen = 0;
  let at = from;
  while (at < length) {
    const code = unit(at);
    if (code == 0x3e) return at + 1;
    if (code == 0x2f) {
      at++;
      isSelfClosing = unit(at) == 0x3e;
    } else if (isSpace(code)) at++;
    else at = attribute(at, isKept);
  }
  return -1;
}

function attribute(at: i32, isKept: bool): i32 {
  const id = attributeName(at);
  const afterName = nameEnd;
  let next = skipSpace(afterName);
  if (unit(next) != 0x3d) {
    if (isKept) keep(id, afterName, afterName);
    return next;
  }
  next = skipSpace(next + 1);
  const code = unit(next);
  const isQuoted = code == 0x22 || code == 0x27;
  const start = isQuoted ? next + 1 : next;
  const end = isQuoted ? find(code, start) : unquotedEnd(start);
  if (end >= length) return length;
  if (isKept) keep(id, start, end);
  return isQuoted ? end + 1 : end;
}

function unquotedEnd(from: i32): i32 {
  let at = from;
  while (at < length) {
    const code = unit(at);
    if (code == 0x3e || isSpace(code)) return at;
    at++;
  }
  return at;
}

@inline
function keep(id: i32, start: i32, end: i32): void {
  const bit = (<u64>1) << <u64>id;
  if (id == 0 || (seen & bit) != 0) return;
  seen |= bit;
  push(ATTRIBUTE | (hasReference(start, end) ? ENTITY : 0) | (id << ID_SHIFT), start, end);
}

function tagName(at: i32): i32 {
  let hash = tagBasis;
  let end = at;
  while (end < length) {
    const code = unit(end);
    if (endsName(code)) break;
    hash = (hash ^ lower(code)) * FNV_PRIME;
    end++;
  }
  nameHash = hash;
  nameEnd = end;
  const id = <i32>load<u8>(TAG_SLOTS_AT + <usize>(<u32>hash >>> SLOT_SHIFT));
  const size = <i32>load<u8>(TAG_LENGTHS_AT + <usize>id);
  if (id == 0 || size != end - at) return 0;
  return isNameAt(at, TAG_NAMES_AT + ((<usize>id) << NAME_SHIFT), size) ? id : 0;
}

function attributeName(at: i32): i32 {
  let hash = attributeBasis;
  let end = at;
  while (end < length) {
    const code = unit(end);
    if (endsName(code) || (code == 0x3d && end > at)) break;
    hash = (hash ^ lower(code)) * FNV_PRIME;
    end++;
  }
  nameEnd = end;
  const id = <i32>load<u8>(ATTRIBUTE_SLOTS_AT + <usize>(<u32>hash >>> SLOT_SHIFT));
  const size = <i32>load<u8>(ATTRIBUTE_LENGTHS_AT + <usize>id);
  if (id == 0 || size != end - at) return 0;
  return isNameAt(at, ATTRIBUTE_NAMES_AT + ((<usize>id) << NAME_SHIFT), size) ? id : 0;
}

function text(end: i32): void {
  if (textStart >= end) return;
  let flags = 0;
  if (skipSpace(textStart) >= end) flags = BLANK;
  else if (hasReference(textStart, end)) flags = ENTITY;
  push(TEXT | flags, textStart, end);
}

@inline
function hasReference(start: i32, end: i32): bool {
  if (reference < start) reference = find(0x26, start);
  return reference < end;
}
