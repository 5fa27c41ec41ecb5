/**
 * HNSW (Malkov and Yashunin, 2018) over one segment. One thread links rows; others search meanwhile without locks. What keeps
 * them safe: a list's slots below its count always hold linked rows; a row's own links on every level, and their counts, are
 * written before the first link to it; links to it are made from level 0 upwards; the entry moves last.
 */
import { insertKey, sortKeys } from "./beam";
import {
  allowedAt, BEAM_MAX, beamAt, bytesOf, codeOf, ENTRY_AT, frontierAt, LINKED_AT, LINKS, keysAt, linksOf, nearAt, pickAt, queueAt, ROWS_AT, TOP_LEVEL_AT, UPPER_LINKS, UPPER_USED_AT,
  upperLinks, upperMax, upperOf, upperOfAt, visitedAt,
} from "./layout";
import { byteScore, keyOf, planeScore, queryByteScore, rowOf, signScore } from "./score";

/** What distances are taken from. */
export const BY_SIGNS: i32 = 1;
export const BY_BYTES: i32 = 2;

/** Links a new row chooses, links kept when a list overflows, on level 0 and above. */
let chosen: i32 = 16;
let keptLow: i32 = 32;
let keptHigh: i32 = 16;
/** Rows whose distance was taken since it was last read. */
export let visits: i32 = 0;

export function setDegree(m: i32): void {
  chosen = m;
  keptLow = m * 2 < LINKS - 8 ? m * 2 : LINKS - 8;
  keptHigh = m < UPPER_LINKS - 8 ? m : UPPER_LINKS - 8;
}

/**
 * What a walk measures: a linked row or this thread's query, by signs or bytes. Types so that the compiler makes one walk of each.
 */
type RowBySigns = u8;
type RowByBytes = u16;
type QueryBySigns = u32;
type QueryByBytes = u64;

@inline
function keyTo<T>(own: u32, row: u32): u64 {
  if (sizeof<T>() == sizeof<RowBySigns>()) return keyOf(signScore(codeOf(own), codeOf(row)), row);
  if (sizeof<T>() == sizeof<RowByBytes>()) return keyOf(byteScore(own, row), row);
  if (sizeof<T>() == sizeof<QueryBySigns>()) return keyOf(planeScore(row), row);
  return keyOf(queryByteScore(row), row);
}

@inline
function rowKey(a: u32, b: u32, mode: i32): u64 {
  return mode == BY_SIGNS ? keyOf(signScore(codeOf(a), codeOf(b)), b) : keyOf(byteScore(a, b), b);
}

@inline
function listOf(row: u32, level: i32): usize {
  return level == 0 ? linksOf(row) : upperLinks(upperOf(row), level);
}

/** Walks from `from` to the nearest row by steps to a nearer neighbour on levels `top` .. `down` + 1. */
function descend<T>(own: u32, from: u64, top: i32, down: i32): u64 {
  let best = from;
  for (let level = top; level > down; level--) {
    let moved = true;
    while (moved) {
      moved = false;
      const upper = upperOf(rowOf(best));
      if (<i32>(upper & 15) < level) break;
      const list = upperLinks(upper, level);
      const count = atomic.load<i32>(list);
      visits += count;
      for (let at = 1; at <= count; at++) {
        const key = keyTo<T>(own, load<u32>(list + (<usize>at << 2)));
        if (key < best) {
          best = key;
          moved = true;
        }
      }
    }
  }
  return best;
}

let touched: u64 = 0;

/** Keeps the loads above alive. */
export function touches(): u64 {
  return touched;
}

@inline
function touchRow<T>(row: u32): void {
  const code = codeOf(row);
  touched ^= load<u64>(code);
  if (sizeof<T>() == sizeof<RowBySigns>() || sizeof<T>() == sizeof<QueryBySigns>()) {
    touched ^= load<u64>(code, 64);
    return;
  }
  const bytes = bytesOf(row);
  touched ^= load<u64>(bytes) ^ load<u64>(bytes, 64) ^ load<u64>(bytes, 128);
}

/** Brings the links near of the candidate that will be expanded next, unless a better one is found now. */
@inline
function touchNext(at: i32, count: i32): void {
  if (at + 1 >= count) return;
  const next = linksOf(rowOf(load<u64>(beamAt + (<usize>(at + 1) << 3))));
  touched ^= load<u32>(next) ^ load<u32>(next, 64);
}

/** Writes the rows of a list that were not visited yet at nearAt, marks them and returns how many. */
@inline
function takeFresh<T>(list: usize): i32 {
  const links = atomic.load<i32>(list);
  const end = list + (<usize>links << 2);
  let to = nearAt;
  while (list < end) {
    list += 4;
    const row = load<u32>(list);
    const word = visitedAt + <usize>((row >> 5) << 2);
    const before = load<u32>(word);
    const bit = <u32>1 << (row & 31);
    store<u32>(word, before | bit);
    store<u32>(to, row);
    // WebAssembly has no prefetch: a load whose value is barely used brings the row's code near early (measured).
    touchRow<T>(row);
    // No branch: whether a row is new cannot be predicted.
    to += <usize>((before & bit) == 0) << 2;
  }
  return <i32>((to - nearAt) >> 2);
}

/** Forgets what was visited among the first `rows` rows. */
@inline
function clearVisited(rows: i32): void {
  memory.fill(visitedAt, 0, <usize>(((rows + 127) >> 7) << 4));
}

/** Fills the beam with the `width` nearest rows found on `level` from `from` on; returns how many. */
function walk<T>(own: u32, from: u64, level: i32, width: i32): i32 {
  const beam = beamAt;
  const keys = keysAt;
  store<u64>(beam, from);
  mark(rowOf(from));
  let count = 1;
  let at = 0;
  let last: u64 = u64.MAX_VALUE;
  while (at < count) {
    const key = load<u64>(beam + (<usize>at << 3));
    if (key & 1) {
      at++;
      continue;
    }
    store<u64>(beam + (<usize>at << 3), key | 1);
    const fresh = takeFresh<T>(listOf(rowOf(key), level));
    visits += fresh;
    if (level == 0) touchNext(at, count);
    // All keys first: their latencies overlap, which a branch on each would prevent (measured).
    for (let to = 0; to < fresh; to++) {
      store<u64>(keys + (<usize>to << 3), keyTo<T>(own, load<u32>(nearAt + (<usize>to << 2))));
    }
    for (let to = 0; to < fresh; to++) {
      const found = load<u64>(keys + (<usize>to << 3));
      if (found >= last) continue;
      const place = insertKey(beam, count == width ? count - 1 : count, found);
      if (count < width) count++;
      if (count == width) last = load<u64>(beam + (<usize>(count - 1) << 3));
      if (place < at) at = place;
    }
  }
  return count;
}

@inline
function mark(row: u32): void {
  const word = visitedAt + <usize>((row >> 5) << 2);
  store<u32>(word, load<u32>(word) | (<u32>1 << (row & 31)));
}

/**
 * The neighbour heuristic of HNSW (its algorithm 4): of `count` sorted keys at `from`, keeps those nearer to the row than to any
 * kept before, at most `most`; writes their rows at pickAt.
 */
function choose(from: usize, count: i32, most: i32, mode: i32): i32 {
  let picked = 0;
  for (let at = 0; at < count && picked < most; at++) {
    const key = load<u64>(from + (<usize>at << 3)) & ~1;
    const row = rowOf(key);
    let isFree = true;
    for (let other = 0; other < picked; other++) {
      if (rowKey(load<u32>(pickAt + (<usize>other << 2)), row, mode) <= key) {
        isFree = false;
        break;
      }
    }
    if (!isFree) continue;
    store<u32>(pickAt + (<usize>picked << 2), row);
    picked++;
  }
  return picked;
}

@inline
function writeList(list: usize, picked: i32): void {
  for (let at = 0; at < picked; at++) store<u32>(list + (<usize>(at + 1) << 2), load<u32>(pickAt + (<usize>at << 2)));
  atomic.store<i32>(list, picked);
}

/** Adds a link from `row` to `to`; an overflowing list keeps its best. */
function addLink(row: u32, to: u32, level: i32, mode: i32): void {
  const list = listOf(row, level);
  const count = load<i32>(list);
  const most = level == 0 ? LINKS - 1 : UPPER_LINKS - 1;
  if (count < most) {
    store<u32>(list + (<usize>(count + 1) << 2), to);
    atomic.store<i32>(list, count + 1);
    return;
  }
  const keys = keysAt;
  for (let at = 1; at <= count; at++) {
    if (mode == BY_SIGNS) touchRow<RowBySigns>(load<u32>(list + (<usize>at << 2)));
    else touchRow<RowByBytes>(load<u32>(list + (<usize>at << 2)));
  }
  for (let at = 1; at <= count; at++) {
    store<u64>(keys + (<usize>(at - 1) << 3), rowKey(row, load<u32>(list + (<usize>at << 2)), mode));
  }
  store<u64>(keys + (<usize>count << 3), rowKey(row, to, mode));
  sortKeys(keys, count + 1);
  writeList(list, choose(keys, count + 1, level == 0 ? keptLow : keptHigh, mode));
}

/** Levels above 0 of the next row: floor(−ln(u) / ln 16) with u from a hash of the row's number. */
function levelOf(row: u32): i32 {
  let h = row * 0x9e3779b1;
  h ^= h >> 16;
  h *= 0x85ebca6b;
  h ^= h >> 13;
  h *= 0xc2b2ae35;
  h ^= h >> 16;
  const level = clz(h) >> 2;
  return level > 7 ? 7 : level;
}

/** Links the next row that has no links yet, with a beam of `width`. */
export function link(width: i32, mode: i32): void {
  const row = <u32>load<i32>(LINKED_AT);
  let level = levelOf(row);
  const used = load<i32>(UPPER_USED_AT);
  if (used + level > upperMax) level = 0;
  if (level > 0) {
    store<i32>(UPPER_USED_AT, used + level);
    for (let at = 1; at <= level; at++) atomic.store<i32>(upperLinks(<u32>used << 4, at), 0);
  }
  atomic.store<i32>(linksOf(row), 0);
  atomic.store<u32>(upperOfAt + (<usize>row << 2), (<u32>used << 4) | <u32>level);
  const entry = load<i32>(ENTRY_AT);
  if (entry == 0) {
    atomic.store<i32>(TOP_LEVEL_AT, level);
    atomic.store<i32>(ENTRY_AT, <i32>row + 1);
    atomic.store<i32>(LINKED_AT, <i32>row + 1);
    return;
  }
  const top = load<i32>(TOP_LEVEL_AT);
  let from = rowKey(row, <u32>(entry - 1), mode);
  const start = level < top ? level : top;
  from = mode == BY_SIGNS ? descend<RowBySigns>(row, from, top, level) : descend<RowByBytes>(row, from, top, level);
  for (let at = start; at >= 0; at--) {
    const beam = at == 0 ? width : width >> 1;
    clearVisited(<i32>row);
    const count = mode == BY_SIGNS ? walk<RowBySigns>(row, from, at, beam) : walk<RowByBytes>(row, from, at, beam);
    writeList(listOf(row, at), choose(beamAt, count, chosen, mode));
    from = load<u64>(beamAt) & ~1;
  }
  for (let at = 0; at <= start; at++) {
    const list = listOf(row, at);
    const count = load<i32>(list);
    for (let link = 1; link <= count; link++) touched ^= load<u32>(listOf(load<u32>(list + (<usize>link << 2)), at));
    for (let link = 1; link <= count; link++) addLink(load<u32>(list + (<usize>link << 2)), row, at, mode);
  }
  if (level > top) {
    atomic.store<i32>(ENTRY_AT, <i32>row + 1);
    atomic.store<i32>(TOP_LEVEL_AT, level);
  }
  atomic.store<i32>(LINKED_AT, <i32>row + 1);
}

/**
 * Fills the beam with the `width` nearest linked rows to this thread's query. Rows from `rows` on may be missed or found. With a
 * bitmap (address, else 0) only rows whose bit is set enter the beam; the walk itself goes through all.
 */
export function walkQuery(width: i32, mode: i32, rows: i32, bitmap: usize): i32 {
  clearVisited(rows);
  return mode == BY_SIGNS ? walkFor<QueryBySigns>(width, bitmap) : walkFor<QueryByBytes>(width, bitmap);
}

@inline
function walkFor<T>(width: i32, bitmap: usize): i32 {
  const entry = atomic.load<i32>(ENTRY_AT);
  if (entry == 0) return 0;
  const row = <u32>(entry - 1);
  const top = <i32>(upperOf(row) & 15);
  const from = descend<T>(0, keyTo<T>(0, row), top, 0);
  return bitmap ? walkAllowed<T>(from, width, bitmap) : walk<T>(0, from, 0, width);
}

@inline
export function isSet(bitmap: usize, row: u32): bool {
  return ((load<u32>(bitmap + <usize>((row >> 5) << 2)) >> (row & 31)) & 1) != 0;
}

/** Of the nearest rows that the last filtered walk came by, the share that was allowed. */
let nearAllowed: f32 = 1;

export function allowedShare(): f32 {
  return nearAllowed;
}

/** As `walk` on level 0, with a frontier of its own, because rows that may not be found must be walked through. */
function walkAllowed<T>(from: u64, width: i32, bitmap: usize): i32 {
  const frontier = frontierAt;
  const most = min<i32>(BEAM_MAX, max<i32>(width << 2, 256));
  let count = 0;
  let open = 1;
  let at = 0;
  let last: u64 = u64.MAX_VALUE;
  store<u64>(frontier, from);
  mark(rowOf(from));
  if (isSet(bitmap, rowOf(from))) count = insertAt(beamAt, 0, from);
  while (at < open) {
    const key = load<u64>(frontier + (<usize>at << 3));
    if (key & 1) {
      at++;
      continue;
    }
    if (key > last) break;
    store<u64>(frontier + (<usize>at << 3), key | 1);
    const fresh = takeFresh<T>(listOf(rowOf(key), 0));
    visits += fresh;
    for (let to = 0; to < fresh; to++) {
      const row = load<u32>(nearAt + (<usize>to << 2));
      const found = keyTo<T>(0, row);
      if (found >= last) continue;
      if (open == most) {
        if (found >= load<u64>(frontier + (<usize>(most - 1) << 3))) continue;
        open--;
      }
      const place = insertKey(frontier, open, found);
      open++;
      if (place < at) at = place;
      if (!isSet(bitmap, row)) continue;
      count = insertAt(beamAt, count == width ? count - 1 : count, found);
      if (count == width) last = load<u64>(beamAt + (<usize>(count - 1) << 3));
    }
  }
  nearAllowed = allowedAmong(frontier, min<i32>(open, width), bitmap);
  return count;
}

function allowedAmong(run: usize, count: i32, bitmap: usize): f32 {
  let allowed = 0;
  for (let at = 0; at < count; at++) allowed += <i32>isSet(bitmap, rowOf(load<u64>(run + (<usize>at << 3))));
  return <f32>allowed / <f32>count;
}

@inline
function insertAt(run: usize, count: i32, key: u64): i32 {
  insertKey(run, count, key);
  return count + 1;
}

/** The rows reached whose links are to be followed lie in the queue from `next` to `end`; rows below `looked` were looked at. */
let next: i32 = 0;
let end: i32 = 0;
let looked: u32 = 0;
/** Lists followed that cost as much as one adoption, about. */
const ADOPTION: i32 = 64;

@inline
function reach(row: u32): void {
  const word = allowedAt + <usize>((row >> 5) << 2);
  store<u32>(word, load<u32>(word) | (<u32>1 << (row & 31)));
  store<u32>(queueAt + (<usize>end << 2), row);
  end++;
}

/** Follows the links of at most `most` rows of the queue; returns how many. */
function spread(most: i32): i32 {
  let followed = 0;
  while (next < end && followed < most) {
    const list = linksOf(load<u32>(queueAt + (<usize>next << 2)));
    const count = load<i32>(list);
    for (let link = 1; link <= count; link++) {
      const row = load<u32>(list + (<usize>link << 2));
      if (!isSet(allowedAt, row)) reach(row);
    }
    next++;
    followed++;
  }
  return followed;
}

/** Begins to look for rows that pruning has cut off from the entry on level 0; nothing may be linked until `repairSome` is done. */
export function beginRepair(): void {
  memory.fill(allowedAt, 0, <usize>(((load<i32>(LINKED_AT) + 127) >> 7) << 4));
  next = end = 0;
  looked = 0;
  const entry = load<i32>(ENTRY_AT);
  if (entry) reach(<u32>(entry - 1));
}

/**
 * Links rows that are cut off to the nearest row that is not, until that has cost about as much as following the links of `budget`
 * rows; whether there may be more. O(rows × degree) in all.
 */
export function repairSome(budget: i32, width: i32, mode: i32): bool {
  const rows: u32 = load<i32>(ENTRY_AT) == 0 ? 0 : load<u32>(LINKED_AT);
  while (budget > 0) {
    budget -= spread(budget);
    if (next < end) return true;
    while (looked < rows && isSet(allowedAt, looked)) looked++;
    if (looked == rows) return false;
    adopt(looked, width, mode);
    // All before it were followed, so the queue begins anew: it has room for each row once.
    next = end = 0;
    reach(looked);
    budget -= ADOPTION;
  }
  return true;
}

/** Links `row` from the nearest reached row whose list has room. */
function adopt(row: u32, width: i32, mode: i32): void {
  clearVisited(load<i32>(ROWS_AT));
  const entry = <u32>(load<i32>(ENTRY_AT) - 1);
  const from = rowKey(row, entry, mode);
  const count = mode == BY_SIGNS ? walk<RowBySigns>(row, from, 0, width) : walk<RowByBytes>(row, from, 0, width);
  for (let at = 0; at < count; at++) {
    const near = rowOf(load<u64>(beamAt + (<usize>at << 3)));
    const list = linksOf(near);
    const links = load<i32>(list);
    if (near == row || !isSet(allowedAt, near) || links == LINKS - 1) continue;
    store<u32>(list + (<usize>(links + 1) << 2), row);
    atomic.store<i32>(list, links + 1);
    return;
  }
  // All lists near are full: the entry's last link gives way, and what it led to is adopted in its turn.
  const list = linksOf(entry);
  const last = list + (<usize>load<i32>(list) << 2);
  const lost = load<u32>(last);
  store<u32>(last, row);
  const own = linksOf(row);
  const links = load<i32>(own);
  for (let at = 1; at <= links; at++) if (load<u32>(own + (<usize>at << 2)) == lost) return;
  store<u32>(own + (<usize>(min<i32>(links, LINKS - 2) + 1) << 2), lost);
  atomic.store<i32>(own, min<i32>(links, LINKS - 2) + 1);
}
