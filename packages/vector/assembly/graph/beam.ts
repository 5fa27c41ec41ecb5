/**
 * The candidates of one search: keys (score, row, bit 0: expanded) in ascending order, best first. A sorted run and not a heap:
 * most offers fail at the last key, and the rest move few entries (measured).
 */
import { BEAM_MAX } from "./layout";

/** Puts `key` into the sorted run of `count` keys at `at`, which has room; returns its place. */
@inline
export function insertKey(at: usize, count: i32, key: u64): i32 {
  let place = count;
  let to = at + (<usize>count << 3);
  while (place > 0) {
    const before = load<u64>(to - 8);
    if (before <= key) break;
    store<u64>(to, before);
    to -= 8;
    place--;
  }
  store<u64>(to, key);
  return place;
}

/** Moves of single keys that cost as much as one of a block. */
const NEAR: i32 = 32;

/** As insertKey, for long runs and keys that belong anywhere in them. */
export function insertAnywhere(at: usize, count: i32, key: u64): void {
  if (count <= NEAR || load<u64>(at + (<usize>(count - NEAR) << 3)) <= key) {
    insertKey(at, count, key);
    return;
  }
  let low = 0;
  let high = count - NEAR;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u64>(at + (<usize>middle << 3)) <= key) low = middle + 1;
    else high = middle;
  }
  const place = at + (<usize>low << 3);
  memory.copy(place + 8, place, <usize>(count - low) << 3);
  store<u64>(place, key);
}

/** Sorts the run of `count` keys at `at`: short runs, so by insertion. */
export function sortKeys(at: usize, count: i32): void {
  for (let next = 1; next < count; next++) insertKey(at, next, load<u64>(at + (<usize>next << 3)));
}
