/** What the module exports: one segment's rows, graph and searches, for one thread. */
import { insertAnywhere, insertKey } from "./beam";
import { allowedShare, beginRepair, BY_SIGNS, isSet, link, repairSome, setDegree, touches, visits, walkQuery } from "./graph";
import {
  allowedAt, aliveAt, beamAt, configure, ENTRY_AT, foundAt, LINKED_AT, lowAt, ROWS_AT, TOP_LEVEL_AT, UPPER_USED_AT, USES_LOW_AT, visitedAt,
} from "./layout";
import { fineScore, isFarBySigns, keyOf, planeScore, queryByteScore, rowOf, scoreOf } from "./score";
import { decodeRow } from "./decode";
import { append, inputSquares, prepareQuery, prepareRow } from "./transform";

export { allowedShare, append, beginRepair, configure, decodeRow, inputSquares, prepareQuery, prepareRow, repairSome, setDegree, touches };

/** Rows in the beam. */
let held: i32 = 0;

/** Links `count` more rows, or as many as there are; returns how many are linked in all. */
export function linkMany(count: i32, width: i32, mode: i32): i32 {
  const rows = load<i32>(ROWS_AT);
  while (count-- > 0 && load<i32>(LINKED_AT) < rows) link(width, mode);
  return load<i32>(LINKED_AT);
}

/** Begins a search: fills the beam by the graph, from the linked rows; see `walkQuery`. */
export function searchGraph(width: i32, mode: i32, rows: i32, bitmap: usize): i32 {
  held = walkQuery(width, mode, rows, bitmap);
  return held;
}

/** Whether this thread's searches look at low bytes: 0 as the header says, 1 never, 2 always; to measure what they bring. */
let fineness: i32 = 0;

export function setFineness(value: i32): void {
  fineness = value;
}

/** Unlinks all rows. Searches that walk meanwhile still see linked rows only, but may find fewer. */
export function resetGraph(): void {
  atomic.store<i32>(ENTRY_AT, 0);
  atomic.store<i32>(LINKED_AT, 0);
  store<i32>(TOP_LEVEL_AT, 0);
  store<i32>(UPPER_USED_AT, 0);
}

/** Rows that the last snapshot covers. */
let seen: i32 = 0;

/**
 * Copies which rows are alive to this thread's bitmap, as of one moment, and returns how many. A row is published before the one
 * it replaces is removed, and lies above it; so from low to high, until no row was added, the copy holds one of the two or both.
 */
export function snapshot(): i32 {
  let alive: i32 = 0;
  let at: usize = 0;
  while (true) {
    seen = atomic.load<i32>(ROWS_AT);
    const whole = <usize>(seen >> 6) << 3;
    for (; at < whole; at += 8) alive += copyBits(at, ~0);
    const partial = seen & 63 ? copyBits(at, ((<u64>1) << (seen & 63)) - 1) : 0;
    if (atomic.load<i32>(ROWS_AT) == seen) return alive + partial;
  }
}

@inline
function copyBits(at: usize, mask: u64): i32 {
  const bits = atomic.load<u64>(aliveAt + at) & mask;
  store<u64>(allowedAt + at, bits);
  return <i32>popcnt(bits);
}

export function snapshotRows(): i32 {
  return seen;
}

/** Begins a search with an empty beam. */
export function begin(): void {
  held = 0;
}

/** What a scan goes by besides BY_SIGNS and BY_BYTES: the query's numbers and both bytes of a row's, which `finish` keeps. */
const BY_BOTH: i32 = 3;

@inline
function keyBy(row: u32, mode: i32): u64 {
  if (mode == BY_SIGNS) return keyOf(planeScore(row), row);
  return keyOf(mode == BY_BOTH ? fineScore(row) : queryByteScore(row), row);
}

/**
 * Offers rows `from` .. `to` − 1 to the beam of `width`, by signs, bytes or both bytes; with a bitmap only those whose bit is set, with
 * `unseen` only those that the walk before has not visited. By signs a full beam is offered only what may enter it (isFarBySigns).
 */
export function scan(from: i32, to: i32, width: i32, mode: i32, bitmap: usize, unseen: i32): i32 {
  if (bitmap == 0 && !unseen && mode != BY_BOTH) return mode == BY_SIGNS ? scanAll<u8>(from, to, width) : scanAll<u16>(from, to, width);
  for (let row = <u32>from; row < <u32>to; row++) {
    if (bitmap) {
      if ((row & 31) == 0 && load<u32>(bitmap + <usize>((row >> 5) << 2)) == 0) {
        row += 31;
        continue;
      }
      if (!isSet(bitmap, row)) continue;
    }
    if (unseen && isSet(visitedAt, row)) continue;
    if (mode == BY_SIGNS && held == width && isFarBySigns(row, lastScore())) continue;
    offer(keyBy(row, mode), width);
  }
  return held;
}

/** Of a full beam. */
@inline
function lastScore(): f32 {
  return scoreOf(load<u64>(beamAt + (<usize>(held - 1) << 3)));
}

@inline
function offer(key: u64, width: i32): void {
  if (held == width) {
    if (key >= load<u64>(beamAt + (<usize>(held - 1) << 3))) return;
    held--;
  }
  insertAnywhere(beamAt, held, key);
  held++;
}

/** By signs for u8, by bytes for u16. */
function scanAll<T>(from: i32, to: i32, width: i32): i32 {
  let last = held == width ? load<u64>(beamAt + (<usize>(held - 1) << 3)) : u64.MAX_VALUE;
  let least: f32 = held == width ? scoreOf(last) : -f32.MAX_VALUE;
  for (let row = <u32>from; row < <u32>to; row++) {
    if (sizeof<T>() == 1 && isFarBySigns(row, least)) continue;
    const key = sizeof<T>() == 1 ? keyOf(planeScore(row), row) : keyOf(queryByteScore(row), row);
    if (key >= last) continue;
    offer(key, width);
    if (held < width) continue;
    last = load<u64>(beamAt + (<usize>(held - 1) << 3));
    least = scoreOf(last);
  }
  return held;
}

/**
 * Scores what the beam holds by bytes, then, when the segment keeps low bytes, the best of them by both, and writes the best
 * `k` whose bit is set as (row u32, score f32) at foundAt; returns how many.
 */
export function finish(k: i32, bitmap: usize): i32 {
  const isFine = lowAt != 0 && (fineness == 0 ? load<i32>(USES_LOW_AT) : fineness - 1) != 0;
  let count = best(held, isFine ? min<i32>(held, (k << 1) + 32) : k, bitmap);
  if (isFine) {
    for (let at = 0; at < count; at++) {
      const place = foundAt + (<usize>at << 3);
      const row = rowOf(load<u64>(place));
      const key = keyOf(fineScore(row), row);
      insertKey(foundAt, at, key);
    }
    count = min<i32>(count, k);
  }
  for (let at = 0; at < count; at++) {
    const place = foundAt + (<usize>at << 3);
    const key = load<u64>(place);
    store<u32>(place, rowOf(key));
    store<f32>(place, scoreOf(key), 4);
  }
  return count;
}

/** The best `k` of the `total` keys in the beam by bytes, sorted at foundAt. */
function best(total: i32, k: i32, bitmap: usize): i32 {
  let count = 0;
  for (let at = 0; at < total; at++) {
    const row = rowOf(load<u64>(beamAt + (<usize>at << 3)));
    if (bitmap && !isSet(bitmap, row)) continue;
    const key = keyOf(queryByteScore(row), row);
    if (count == k) {
      if (key >= load<u64>(foundAt + (<usize>(count - 1) << 3))) continue;
      count--;
    }
    insertKey(foundAt, count, key);
    count++;
  }
  return count;
}

/** Rows whose distance was taken since the module was made. */
export function visited(): i32 {
  return visits;
}
