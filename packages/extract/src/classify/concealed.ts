/**
 * Classes that say "not shown". Style sheets are mostly files of their own and are not read, so what a class means is told by its name,
 * as frameworks name it; the words of a name alone ("overflow-hidden", "pointer-events-none") say nothing.
 */
import type { Page } from "../page/page.ts";
import { attributeId } from "../tokenizer/tokens.ts";
import type { ElementFacts } from "./element-facts.ts";
import { attributeText } from "./page-words.ts";

const CLASS = attributeId("class");

/** One class, after a short prefix of the framework's at most ("wt-", "aok-", "is-") that is no width of the screen and denies nothing. */
const CONCEALING =
  /(?:^|\s)(?:(?!(?:xs|sm|md|lg|xl|xxl|no|not|un|aria|js)-)[a-z]{1,4}-)?(?:hidden|hide|d-none|display-none|invisible|visuallyhidden)(?=\s|$)/i;
/** Shown all the same, from some width of the screen on or in some state: "hidden md:block", "d-none d-lg-flex", "hidden group-[.open]:block". */
const SHOWN_WHEN =
  /(?:^|\s)[^\s:]+:!?(?:block|flex|grid|inline|inline-block|inline-flex|table|contents|list-item|visible)(?=\s|$)/i;
const SHOWN_WHEN_WIDE =
  /(?:xs|sm|md|lg|xl|\d|desktop|tablet|mobile|phone|large|medium|small|screen|up)[:-]!?(?:block|flex|grid|inline|table|contents|visible|show)/i;
/** What holds more of the page's text is the page itself, concealed until its scripts have run. */
const PAGE_SHARE = 0.9;
/** Characters that must be left: a sentence or two. */
const SHOWN_CHARS_MIN = 200;

/** Whether the value of a `class` attribute conceals its element on every screen. */
export function isConcealing(classes: string): boolean {
  return CONCEALING.test(classes) && !SHOWN_WHEN.test(classes) && !SHOWN_WHEN_WIDE.test(classes);
}

/**
 * Drops what a class conceals. For shops' pages: there it is overlays, tooltips, other variants and values for scripts. On pages that
 * tell something it may as well be an answer or a tab that opens, so the model decides alone.
 */
export function dropConcealed(page: Page, { chars }: ElementFacts, keep: Uint8Array): void {
  const { blocks, elements } = page;
  const isConcealed = new Uint8Array(elements.count);
  for (let at = 1; at < elements.count; at++) {
    isConcealed[at] = isConcealed[elements.parent[at] ?? 0] ?? 0;
    if (isConcealed[at] === 1 || (chars[at] ?? 0) > PAGE_SHARE * (chars[0] ?? 0)) continue;
    const token = elements.token[at] ?? -1;
    if (token >= 0 && isConcealing(attributeText(page, token, CLASS))) isConcealed[at] = 1;
  }
  let shownChars = 0;
  for (let at = 0; at < blocks.count; at++) {
    if (keep[at] === 1 && isConcealed[blocks.element[at] ?? 0] === 0) shownChars += blocks.chars[at] ?? 0;
  }
  // A page in several parts that all wait for its scripts.
  if (shownChars < SHOWN_CHARS_MIN) return;
  for (let at = 0; at < blocks.count; at++) if (isConcealed[blocks.element[at] ?? 0] === 1) keep[at] = 0;
}
