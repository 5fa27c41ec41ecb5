/** Where matched words stand in a chunk's text. */

/** Two noncharacters: Unicode keeps them out of every text that is interchanged. */
export const MARK_START = "\ufdd0";
export const MARK_END = "\ufdd1";

/**
 * Ranges `[start, end)` of UTF-16 code units in the text without its marks, in order and apart from each other. A mark without its
 * partner is dropped.
 */
export function toHighlights(marked: string): [number, number][] {
  const found: [number, number][] = [];
  let marks = 0;
  let start = -1;
  for (let at = 0; at < marked.length; at++) {
    const char = marked[at];
    if (char !== MARK_START && char !== MARK_END) continue;
    const offset = at - marks++;
    if (char === MARK_START) start = offset;
    else if (start >= 0) {
      if (offset > start) found.push([start, offset]);
      start = -1;
    }
  }
  return found;
}
