/**
 * Items that a page repeats: posts, products, results, cards. Elements alike (same tag and classes) under one parent are a group
 * from three on; each block belongs to the innermost group that holds it with its neighbours, and to the outermost.
 */
import type { Page } from "../page/page.ts";
import type { ElementFacts } from "./element-facts.ts";
import { NumberTable } from "./number-table.ts";

export const GROUP_ITEMS_MIN = 3;

export class Repeats {
  /** Items in the group an element is an item of, itself counted; 0 when it is none. */
  items = new Int32Array(0);
  /** Position among them. */
  itemIndex = new Int32Array(0);
  /** Characters of all items, and their sum of squares: how even they are. */
  groupChars = new Float64Array(0);
  groupLinkChars = new Float64Array(0);
  groupSquares = new Float64Array(0);
  /** First item of the group: names it. -1 when none. */
  group = new Int32Array(0);
  /** The innermost and the outermost item at or above the element that holds text: -1 when none. */
  inner = new Int32Array(0);
  outer = new Int32Array(0);
  readonly #firsts = new NumberTable();

  read(page: Page, facts: ElementFacts): void {
    const { count, parent } = page.elements;
    if (count > this.items.length) this.#grow(Math.ceil(count * 1.25));
    this.#firsts.start(count);
    for (const list of [this.groupChars, this.groupLinkChars, this.groupSquares]) list.fill(0, 0, count);
    this.items.fill(0, 0, count);
    for (let at = 1; at < count; at++) this.#join(at, parent[at] ?? 0, facts);
    this.inner[0] = -1;
    this.outer[0] = -1;
    for (let at = 1; at < count; at++) {
      const above = parent[at] ?? 0;
      const first = this.group[at] ?? -1;
      const isItem = first >= 0 && (this.items[first] ?? 0) >= GROUP_ITEMS_MIN;
      if (!isItem) this.group[at] = -1;
      this.inner[at] = isItem ? at : (this.inner[above] ?? -1);
      this.outer[at] = (this.outer[above] ?? -1) >= 0 ? (this.outer[above] ?? -1) : isItem ? at : -1;
    }
  }

  /** Items in the group of item `at`. */
  itemsOf(at: number): number {
    const first = this.group[at] ?? -1;
    return first < 0 ? 0 : (this.items[first] ?? 0);
  }

  #join(at: number, above: number, facts: ElementFacts): void {
    this.group[at] = -1;
    if ((facts.chars[at] ?? 0) === 0) return;
    const key = Math.imul(above + 1, 0x9e3779b1) ^ (facts.likeness[at] ?? 0);
    const first = this.#firsts.add(key, at);
    this.group[at] = first;
    this.itemIndex[at] = this.items[first] ?? 0;
    this.items[first] = (this.items[first] ?? 0) + 1;
    const chars = facts.chars[at] ?? 0;
    this.groupChars[first] = (this.groupChars[first] ?? 0) + chars;
    this.groupLinkChars[first] = (this.groupLinkChars[first] ?? 0) + (facts.linkChars[at] ?? 0);
    this.groupSquares[first] = (this.groupSquares[first] ?? 0) + chars * chars;
  }

  #grow(size: number): void {
    this.items = new Int32Array(size);
    this.itemIndex = new Int32Array(size);
    this.groupChars = new Float64Array(size);
    this.groupLinkChars = new Float64Array(size);
    this.groupSquares = new Float64Array(size);
    this.group = new Int32Array(size);
    this.inner = new Int32Array(size);
    this.outer = new Int32Array(size);
  }
}
