/** Where in the document's outline, and on which page, an offset lies. */
import type { ExtractedDocument, Heading, PageStart } from "./document.ts";
import { shortLabel } from "./short-label.ts";

/**
 * A function giving the path of headings for a range: that of the first text in it that is not itself a heading, so that
 * a chunk of "Part II", "Chapter 3" and its first lines stands under both. Calls must come in order of `start`.
 */
export function headingPaths(
  document: Pick<ExtractedDocument, "text" | "headings">,
): (start: number, end: number) => string[] {
  const { text, headings } = document;
  let stack: Heading[] = [];
  let next = 0;
  const enter = () => {
    const heading = headings[next++] as Heading;
    stack = [...stack.filter((above) => above.level < heading.level), heading];
  };
  return (start, end) => {
    while (next < headings.length && (headings[next] as Heading).start <= start) enter();
    let path = stack;
    let at = endOf(stack.at(-1), start);
    let look = next;
    // Headings that follow each other without text between them.
    for (
      let heading = headings[look];
      heading && heading.start < end && text.slice(at, heading.start).trim() === "";
      heading = headings[++look]
    ) {
      const { level } = heading;
      path = [...path.filter((above) => above.level < level), heading];
      at = heading.start + heading.text.length;
    }
    return path.map((heading) => shortLabel(heading.text));
  };
}

function endOf(heading: Heading | undefined, start: number): number {
  return heading ? Math.max(start, heading.start + heading.text.length) : start;
}

/** The page that `offset` lies on; undefined for documents without pages. Binary search. */
export function pageAt(pages: readonly PageStart[] | undefined, offset: number): number | undefined {
  if (!pages || pages.length === 0) return undefined;
  let low = 0;
  let high = pages.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((pages[middle]?.start ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return pages[low]?.page;
}
