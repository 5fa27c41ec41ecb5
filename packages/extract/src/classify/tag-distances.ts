/** How far above each element the nearest element of a tracked kind is: 0 itself, `FAR` when there is none. */
import type { Page } from "../page/page.ts";
import { TAGS, tagId } from "../tokenizer/tokens.ts";
import type { ElementFacts } from "./element-facts.ts";

export const TRACKED = [
  "nav",
  "header",
  "footer",
  "aside",
  "main",
  "article",
  "section",
  "form",
  "table",
  "ul ol menu",
  "li",
  "blockquote",
  "figure",
  "details",
  "dialog",
  "button select",
  "template",
  "noscript",
  "address",
  "p",
  "dl",
] as const;

export const FAR = 30;
/** One more column after the tags': the nearest hidden element. */
export const TRACKED_COLUMNS = TRACKED.length + 1;

const COLUMN_OF = columns();

function columns(): Int8Array {
  const column = new Int8Array(TAGS.length + 1).fill(-1);
  TRACKED.forEach((names, at) => {
    for (const name of names.split(" ")) column[tagId(name)] = at;
  });
  return column;
}

export class TagDistances {
  /** `TRACKED_COLUMNS` a row, one row an element. */
  rows = new Uint8Array(0);

  read(page: Page, facts: ElementFacts): void {
    const { count, parent, tag } = page.elements;
    if (count * TRACKED_COLUMNS > this.rows.length)
      this.rows = new Uint8Array(Math.ceil(count * 1.25) * TRACKED_COLUMNS);
    const { rows } = this;
    rows.fill(FAR, 0, TRACKED_COLUMNS);
    for (let at = 1; at < count; at++) {
      const base = at * TRACKED_COLUMNS;
      const above = (parent[at] ?? 0) * TRACKED_COLUMNS;
      for (let column = 0; column < TRACKED_COLUMNS; column++) {
        const distance = rows[above + column] ?? FAR;
        rows[base + column] = distance < FAR ? distance + 1 : FAR;
      }
      const own = COLUMN_OF[tag[at] ?? 0] ?? -1;
      if (own >= 0) rows[base + own] = 0;
      if (facts.hidden[at] === 1) rows[base + TRACKED_COLUMNS - 1] = 0;
    }
  }
}
