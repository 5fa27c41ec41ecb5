/** What is kept by policy, whatever the model thinks of it. */
import { BlockKind, type Page } from "../page/page.ts";
import type { PageFacts } from "./page-facts.ts";
import { FAR, TRACKED, TRACKED_COLUMNS } from "./tag-distances.ts";

/** Pages with at most so many characters, most of them outside links, are notes without furniture: the model has seen none. */
const PLAIN_CHARS_MAX = 1_500;
const PLAIN_BLOCKS_MAX = 25;
const PLAIN_LINK_SHARE_MAX = 0.3;
/** A dropped block this long between text and code is text of its own. */
const LABEL_CHARS_MIN = 40;
const CODE_BLOCKS_MAX = 12;
const CODE_SCORE_MIN = 0.05;
/** Less likely blocks are furniture there too. */
const PLAIN_SCORE_MIN = 0.13;
const PLAIN_LINK_SCORE_MIN = 0.4;
/** Inside these a block is furniture even on a small page. */
const FURNITURE = ["nav", "footer", "aside", "form", "dialog", "button select", "template"].map((name) =>
  (TRACKED as readonly string[]).indexOf(name),
);
/** A title that is less likely than this is another page's. */
const TITLE_SCORE_MIN = 0.02;

/** The heading that repeats the page's title, where it stands before the text and was not kept; -1 otherwise. */
export function titleBefore(keep: Uint8Array, scores: Float32Array, title: number): number {
  if (title < 0 || keep[title] === 1 || (scores[title] ?? 0) < TITLE_SCORE_MIN) return -1;
  return keep.indexOf(1) > title ? title : -1;
}

/** Keeps all of a small page but its navigation and the like. */
export function keepPlainPage(page: Page, { elements, distances }: PageFacts, { keep, scores }: Chosen): void {
  const { blocks } = page;
  const chars = elements.chars[0] ?? 0;
  if (chars > PLAIN_CHARS_MAX || blocks.count > PLAIN_BLOCKS_MAX) return;
  if ((elements.linkChars[0] ?? 0) > PLAIN_LINK_SHARE_MAX * chars) return;
  for (let at = 0; at < blocks.count; at++) {
    const isLink = (blocks.linkChars[at] ?? 0) > 0.8 * (blocks.chars[at] ?? 0);
    if ((scores[at] ?? 0) < (isLink ? PLAIN_LINK_SCORE_MIN : PLAIN_SCORE_MIN) || blocks.kind[at] === BlockKind.control)
      continue;
    const row = (blocks.element[at] ?? 0) * TRACKED_COLUMNS;
    const isHidden = (distances.rows[row + TRACKED_COLUMNS - 1] ?? FAR) < FAR;
    const isFurniture = FURNITURE.some((column) => (distances.rows[row + column] ?? FAR) < FAR);
    if (!isHidden && !isFurniture) keep[at] = 1;
  }
}

/** Code with kept text right before or right after it is part of what that text explains. */
export function keepCode(page: Page, chosen: Chosen): void {
  const { count } = page.blocks;
  for (let at = 0; at < count; at++) if (isKeptText(page, chosen, at)) keepCodeFrom(page, chosen, { at, step: 1 });
  for (let at = count - 1; at >= 0; at--)
    if (isKeptText(page, chosen, at)) keepCodeFrom(page, chosen, { at, step: -1 });
}

function isKeptText({ blocks }: Page, { keep }: Chosen, at: number): boolean {
  return keep[at] === 1 && blocks.kind[at] !== BlockKind.code;
}

/** Goes from a kept block over code and short labels up to other text. */
function keepCodeFrom({ blocks }: Page, { keep, scores }: Chosen, from: { at: number; step: 1 | -1 }): void {
  for (let steps = 1; steps <= CODE_BLOCKS_MAX; steps++) {
    const at = from.at + steps * from.step;
    if (blocks.kind[at] === BlockKind.code) {
      if ((scores[at] ?? 0) > CODE_SCORE_MIN) keep[at] = 1;
    } else if (keep[at] !== 0 || (blocks.chars[at] ?? 0) >= LABEL_CHARS_MIN) return;
  }
}

type Chosen = { readonly keep: Uint8Array; readonly scores: Float32Array };
