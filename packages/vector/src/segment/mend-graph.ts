import { LINK_BYTES, UPPER_BYTES, WORD } from "./layout.ts";
import type { Segment } from "./segment.ts";

/**
 * Makes a graph sound whose builder ended in the middle of a step: what a half-linked row left in other rows' lists is taken out, with
 * what half-written lists name twice; the entry is a linked row again. Searches may go on meanwhile. O(links).
 */
export function mendGraph(segment: Segment): void {
  const { layout, words } = segment;
  mendEntry(segment);
  const seen = new Uint32Array(segment.capacity);
  const { linked } = segment;
  for (let row = 0; row < linked; row++) {
    mendList(words, (layout.linksAt + row * LINK_BYTES) / 4, { row, linked, seen, stamp: row + 1 });
  }
  for (let row = 0; row < linked; row++) {
    const upper = upperOf(segment, row);
    for (let level = 0; level < (upper & 15); level++) {
      // Each list has a stamp of its own: those of one row name the same rows.
      const stamp = linked + 1 + (upper >>> 4) + level;
      mendList(words, (layout.upperAt + ((upper >>> 4) + level) * UPPER_BYTES) / 4, { row, linked, seen, stamp });
    }
  }
}

/** An entry that is not linked yet gives way to the linked row with the most levels. */
function mendEntry(segment: Segment): void {
  const { words, linked } = segment;
  const entry = words[WORD.entry] ?? 0;
  if (entry === 0 || linked === 0) {
    const begun = ["entry", "linked", "topLevel", "upperUsed", "graphMeasuredAt"] as const;
    for (const name of begun) segment.setState(name, 0);
    return;
  }
  let highest = entry - 1;
  if (entry > linked) {
    highest = 0;
    for (let row = 1; row < linked; row++) if (levelsOf(segment, row) > levelsOf(segment, highest)) highest = row;
  }
  segment.setState("entry", highest + 1);
  segment.setState("topLevel", levelsOf(segment, highest));
}

/** Keeps of a list each linked row once. The count is lowered last, so that who reads it meanwhile finds linked rows or too many of them. */
function mendList(
  words: Uint32Array,
  at: number,
  list: { readonly row: number; readonly linked: number; readonly seen: Uint32Array; readonly stamp: number },
): void {
  const { row, linked, seen, stamp } = list;
  const count = words[at] ?? 0;
  let kept = 0;
  for (let place = at + 1; place <= at + count; place++) {
    const link = words[place] ?? 0;
    if (link >= linked || link === row || seen[link] === stamp) continue;
    seen[link] = stamp;
    kept++;
    words[at + kept] = link;
  }
  if (kept < count) Atomics.store(words, at, kept);
}

function upperOf({ words, layout }: Segment, row: number): number {
  return words[layout.upperOfAt / 4 + row] ?? 0;
}

function levelsOf(segment: Segment, row: number): number {
  return upperOf(segment, row) & 15;
}
