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

/** Sorts the run of `count` keys at `at`: short runs, so by insertion. */
export function sortKeys(at: usize, count: i32): void {
  for (let next = 1; next < count; next++) insertKey(at, next, load<u64>(at + (<usize>next << 3)));
}
