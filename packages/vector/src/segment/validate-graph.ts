import { LINK_BYTES, UPPER_BYTES } from "./layout.ts";
import type { Report } from "./problem.ts";
import type { Segment } from "./segment.ts";

/** Links of one list: its words but the count. */
const LINKS_MAX = LINK_BYTES / 4 - 1;
const UPPER_LINKS_MAX = UPPER_BYTES / 4 - 1;

export type GraphCheck = { readonly segment: Segment; readonly report: Report; readonly isRepaired: boolean };

/** Levels of a row above 0, and the place of its first list above 0. */
type Upper = { readonly levels: number; readonly first: number };

/** The graph over the linked rows: entry, levels, lists, reachability. Follows no link that leads out of the segment. */
export function checkGraph(check: GraphCheck): void {
  const { segment } = check;
  if (segment.linked === 0) {
    if (segment.state("entry") !== 0) check.report("entry", undefined, "there is an entry and no row is linked");
    return;
  }
  checkLevels(check);
  for (let row = 0; row < segment.linked; row++) {
    const { levels } = upperOf(segment, row);
    for (let level = 0; level <= levels; level++) checkList(check, row, level);
  }
  if (check.isRepaired) checkReached(check);
}

/** Every row's upper lists lie in the part in use and are its own; the entry is on the top level. */
function checkLevels({ segment, report }: GraphCheck): void {
  const used = segment.state("upperUsed");
  const owners = new Int32Array(used).fill(-1);
  let top = 0;
  for (let row = 0; row < segment.linked; row++) {
    const { levels, first } = upperOf(segment, row);
    top = Math.max(top, levels);
    for (let place = first; place < first + levels; place++) {
      const owner = owners[place];
      if (owner === undefined) report("level", row, `its list ${place} is beyond the ${used} in use`);
      else if (owner >= 0) report("level", row, `its list ${place} is row ${owner}'s`);
      else owners[place] = row;
    }
  }
  const entry = segment.state("entry") - 1;
  if (entry < 0 || entry >= segment.linked) {
    report("entry", entry, `the entry of ${segment.linked} linked rows`);
    return;
  }
  const { levels } = upperOf(segment, entry);
  if (levels !== top || segment.state("topLevel") !== top) {
    report("entry", entry, `on level ${levels}, told to be on ${segment.state("topLevel")}; the top is ${top}`);
  }
}

function checkList({ segment, report }: GraphCheck, row: number, level: number): void {
  const links = linksOf(segment, row, level);
  if (!links) {
    report("degree", row, `level ${level} has a list of more links than there is room for`);
    return;
  }
  const seen = new Set<number>();
  for (const to of links) {
    if (to === row) report("self", row, `links to itself on level ${level}`);
    else if (to >= segment.linked)
      report("link", row, `links to ${to} on level ${level}; linked are ${segment.linked}`);
    else if (upperOf(segment, to).levels < level)
      report("level", row, `links to ${to} on level ${level}, which it is not on`);
    if (seen.has(to)) report("repeat", row, `links to ${to} twice on level ${level}`);
    seen.add(to);
  }
}

/** Walks level 0 from the entry, breadth first. */
function checkReached({ segment, report }: GraphCheck): void {
  const { linked } = segment;
  const reached = new Uint8Array(linked);
  const queue = [segment.state("entry") - 1];
  for (const row of queue) {
    if (row < 0 || row >= linked || reached[row] === 1) continue;
    reached[row] = 1;
    for (const to of linksOf(segment, row, 0) ?? []) if (reached[to] === 0) queue.push(to);
  }
  for (let row = 0; row < linked; row++)
    if (reached[row] === 0) report("unreached", row, "no path from the entry on level 0");
}

function upperOf({ words, layout }: Segment, row: number): Upper {
  const upper = words[layout.upperOfAt / 4 + row] ?? 0;
  return { levels: upper & 15, first: upper >>> 4 };
}

/** The rows a list leads to; undefined when its count cannot be or it lies outside. */
function linksOf(segment: Segment, row: number, level: number): Uint32Array | undefined {
  const { words, layout } = segment;
  const most = level === 0 ? LINKS_MAX : UPPER_LINKS_MAX;
  const place = upperOf(segment, row).first + level - 1;
  if (level > 0 && place >= layout.upperMax) return undefined;
  const at = level === 0 ? layout.linksAt + row * LINK_BYTES : layout.upperAt + place * UPPER_BYTES;
  const count = words[at / 4] ?? 0;
  return count <= most ? words.subarray(at / 4 + 1, at / 4 + 1 + count) : undefined;
}
