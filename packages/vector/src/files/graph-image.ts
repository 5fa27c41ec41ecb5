import { HEADER_BYTES, LINK_BYTES, UPPER_BYTES, WORD } from "../segment/layout.ts";
import type { Segment } from "../segment/segment.ts";
import { LEVELS_MAX } from "./format.ts";

/** A graph as it was between two steps of its building, with the words that go with it. */
export type GraphImage = {
  readonly words: Uint32Array<ArrayBuffer>;
  readonly links: Uint8Array<ArrayBuffer>;
  readonly upperOf: Uint8Array<ArrayBuffer>;
  readonly upper: Uint8Array<ArrayBuffer>;
};

/** What to hand over when an image is posted, so that it is not copied. */
export function buffersOf({ words, links, upperOf, upper }: GraphImage): ArrayBuffer[] {
  return [words.buffer, links.buffer, upperOf.buffer, upper.buffer];
}

/** Copies the graph: 196 bytes a linked row. To be called by the thread that builds it, or when none does. */
export function graphImageOf(segment: Segment): GraphImage {
  const { layout, linked, memory } = segment;
  const bytes = new Uint8Array(memory.buffer);
  const copy = (at: number, length: number): Uint8Array<ArrayBuffer> => new Uint8Array(bytes.subarray(at, at + length));
  return {
    words: new Uint32Array(segment.words.subarray(0, HEADER_BYTES / 4)),
    links: copy(layout.linksAt, linked * LINK_BYTES),
    upperOf: copy(layout.upperOfAt, linked * 4),
    upper: copy(layout.upperAt, segment.state("upperUsed") * UPPER_BYTES),
  };
}

/** Whether every link leads to a linked row and every list lies within its bounds, so that no walk can leave the graph. O(links). */
export function isGraphSound(segment: Segment): boolean {
  const { words, layout, linked } = segment;
  const used = segment.state("upperUsed");
  const levelsOf = (row: number): number => (words[layout.upperOfAt / 4 + row] ?? 0) & 15;
  for (let row = 0; row < linked; row++) {
    const first = (words[layout.upperOfAt / 4 + row] ?? 0) >>> 4;
    const levels = levelsOf(row);
    if (levels > LEVELS_MAX || (levels > 0 && first + levels > used)) return false;
    if (!isListSound(words, layout.linksAt / 4 + (row * LINK_BYTES) / 4, { most: LINK_BYTES / 4 - 1, linked }))
      return false;
  }
  for (let list = 0; list < used; list++) {
    const at = (layout.upperAt + list * UPPER_BYTES) / 4;
    if (!isListSound(words, at, { most: UPPER_BYTES / 4 - 1, linked })) return false;
  }
  const entry = words[WORD.entry] ?? 0;
  return linked === 0 || (entry <= linked && levelsOf(entry - 1) >= (words[WORD.topLevel] ?? 0));
}

/** Whether a list at word `at` has at most `most` links, all to linked rows. */
function isListSound(
  words: Uint32Array,
  at: number,
  bounds: { readonly most: number; readonly linked: number },
): boolean {
  const count = words[at] ?? 0;
  if (count > bounds.most) return false;
  for (let link = at + 1; link <= at + count; link++) if ((words[link] ?? 0) >= bounds.linked) return false;
  return true;
}
