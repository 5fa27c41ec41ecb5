/** Which blocks of a page stand in elements of one tag. */
import type { Page } from "../page/page.ts";

/** First block and the one after the last of the outermost elements with a tag that hold any, one after the other. */
export function rangesOf({ count, tag, blockStart, blockEnd }: Page["elements"], id: number): readonly number[] {
  const ranges: number[] = [];
  let until = 0;
  for (let at = 0; at < count; at++) {
    if (tag[at] !== id || (blockEnd[at] ?? 0) <= until || blockStart[at] === blockEnd[at]) continue;
    until = blockEnd[at] ?? 0;
    ranges.push(blockStart[at] ?? 0, until);
  }
  return ranges;
}
