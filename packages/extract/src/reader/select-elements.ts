/** The parts of a page that CSS selectors choose. Selectors Level 4 as css-select has it; the tree is htmlparser2's. */
import { MillraceError } from "@millrace/core";
import { SELECTOR_CHARS_MAX, SELECTORS_MAX } from "@millrace/protocol";
import { compile, selectAll } from "css-select";
import { type AnyNode, type Element, isTag as isElement } from "domhandler";
import { parseDocument } from "htmlparser2";
import { SELECTED_ELEMENTS_MAX } from "../limits.ts";

/** Throws `invalid_argument`, naming the selector, when one is not well-formed or there are too many. */
export function checkSelectors(selectors: readonly string[]): void {
  if (selectors.length === 0 || selectors.length > SELECTORS_MAX)
    throw invalid(`${selectors.length} selectors were given; 1 to ${SELECTORS_MAX} are taken`);
  for (const selector of selectors) {
    const shown = JSON.stringify(selector.slice(0, 80));
    if (selector.trim() === "" || selector.length > SELECTOR_CHARS_MAX)
      throw invalid(`the selector ${shown} has ${selector.length} characters; 1 to ${SELECTOR_CHARS_MAX} are taken`);
    try {
      compile(selector);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw invalid(`the selector ${shown} is not one of CSS: ${why}`);
    }
  }
}

/**
 * The HTML of the elements that any of the selectors matches, in page order, as it stands in the page; an element inside another that is
 * chosen comes with that one. "" when nothing matches.
 */
export function selectElements(html: string, selectors: readonly string[]): string {
  const document = parseDocument(html, { withStartIndices: true, withEndIndices: true });
  const chosen = selectAll<AnyNode, AnyNode>(selectors.join(", "), document);
  const parts: string[] = [];
  let at = 0;
  for (const node of chosen.sort((a, b) => (a.startIndex ?? 0) - (b.startIndex ?? 0))) {
    const { startIndex } = node;
    if (startIndex === null || startIndex < at) continue;
    if (parts.length === SELECTED_ELEMENTS_MAX)
      throw new MillraceError(
        "too_large",
        `the selectors choose more than ${SELECTED_ELEMENTS_MAX} elements; choose what holds them`,
      );
    at = endOf(node, html);
    parts.push(html.slice(startIndex, at));
  }
  return parts.join("\n");
}

/** The index after the node. The parser counts the tag that ended an open element to it, be it another's. */
function endOf(node: AnyNode, html: string): number {
  let last = node;
  while (isElement(last) && !hasEndTag(last, html)) {
    if (last.next?.startIndex != null) return last.next.startIndex;
    if (!last.lastChild) break;
    last = last.lastChild;
  }
  const end = last.endIndex ?? node.startIndex ?? 0;
  // In "</li >" the parser ends the element before the blank.
  return isElement(last) && hasEndTag(last, html) ? Math.max(end, html.indexOf(">", end)) + 1 : end + 1;
}

function hasEndTag({ name, endIndex }: Element, html: string): boolean {
  if (endIndex === null) return false;
  const start = html.lastIndexOf("<", endIndex);
  return html.startsWith("/", start + 1) && html.slice(start + 2, start + 2 + name.length).toLowerCase() === name;
}

function invalid(message: string): MillraceError {
  return new MillraceError("invalid_argument", message);
}
