/**
 * The boxes that Markdown shows by what stands before each line: list items and quotes. One pass over a page's elements says which
 * box and which table each stands in; its arrays are used again for the next page.
 */
import { LIST_DEPTH_MAX } from "../limits.ts";
import type { Page } from "../page/page.ts";
import { attributeId, tagId } from "../tokenizer/tokens.ts";
import { numberOf } from "./attributes.ts";

const UL = tagId("ul");
const OL = tagId("ol");
const MENU = tagId("menu");
const LI = tagId("li");
const BLOCKQUOTE = tagId("blockquote");
const TABLE = tagId("table");
const START = attributeId("start");
const VALUE = attributeId("value");

/** Markdown's own limit is nine digits. */
const NUMBER_MAX = 999_999_999;

export class Boxes {
  #page: Page | undefined;
  #box = new Int32Array(0);
  #above = new Int32Array(0);
  #depth = new Uint8Array(0);
  #table = new Int32Array(0);
  /** Of a list: items so far, and the last one. Of an item: its place. */
  #order = new Int32Array(0);
  #lastItem = new Int32Array(0);

  read(page: Page): void {
    this.#page = page;
    const { count, tag, parent } = page.elements;
    if (count > this.#box.length) this.#grow(Math.ceil(count * 1.25));
    this.#box[0] = -1;
    this.#table[0] = -1;
    for (let at = 1; at < count; at++) {
      const up = parent[at] ?? 0;
      const id = tag[at] ?? 0;
      this.#box[at] = this.#box[up] ?? -1;
      this.#table[at] = id === TABLE ? at : (this.#table[up] ?? -1);
      if (id === LI) this.#addItem(at, up);
      else if (id === BLOCKQUOTE) this.#addBox(at);
      else if (isList(id)) this.#addList(at, up);
    }
  }

  /** The innermost item or quote around `element` or at it, -1 for none. */
  of(element: number): number {
    return this.#box[element] ?? -1;
  }

  /** The box around a box, -1 for none. */
  above(box: number): number {
    return this.#above[box] ?? -1;
  }

  /** How many boxes stand one in the other, from `box` outwards. */
  depth(box: number): number {
    return box < 0 ? 0 : (this.#depth[box] ?? 0);
  }

  /** The innermost table around `element`, -1 for none. */
  tableOf(element: number): number {
    return this.#table[element] ?? -1;
  }

  isItem(box: number): boolean {
    return box >= 0 && this.#page?.elements.tag[box] === LI;
  }

  /** Depth of the items around `box`, itself included. */
  itemDepth(box: number): number {
    let depth = 0;
    for (let at = box; at >= 0; at = this.above(at)) if (this.isItem(at)) depth++;
    return depth;
  }

  /** The ordered list that `item` belongs to, -1 when its list is not ordered. */
  orderedListOf(item: number): number {
    const elements = this.#page?.elements;
    const list = elements?.parent[item] ?? -1;
    return elements?.tag[list] === OL ? list : -1;
  }

  /** What a browser shows before an item of an ordered list. */
  numberOf(item: number): number {
    const page = this.#page;
    if (!page) return 1;
    const list = this.orderedListOf(item);
    const own = numberOf(page, page.elements.token[item] ?? 0, VALUE);
    const first = numberOf(page, page.elements.token[list] ?? 0, START) ?? 1;
    return Math.min(NUMBER_MAX, Math.max(0, own ?? first + (this.#order[item] ?? 0)));
  }

  #addItem(at: number, list: number): void {
    const count = this.#order[list] ?? 0;
    this.#order[at] = count;
    if (isList(this.#page?.elements.tag[list] ?? 0)) {
      this.#order[list] = count + 1;
      this.#lastItem[list] = at;
    }
    this.#addBox(at);
  }

  /** A list directly in a list is shown as part of the item before it. */
  #addList(at: number, up: number): void {
    this.#order[at] = 0;
    this.#lastItem[at] = -1;
    if (!isList(this.#page?.elements.tag[up] ?? 0)) return;
    const item = this.#lastItem[up] ?? -1;
    if (item >= 0) this.#box[at] = this.#box[item] ?? -1;
  }

  /** Boxes deeper than the limit are shown as part of the last one. */
  #addBox(at: number): void {
    const above = this.#box[at] ?? -1;
    const depth = this.depth(above) + 1;
    if (depth > LIST_DEPTH_MAX) return;
    this.#above[at] = above;
    this.#depth[at] = depth;
    this.#box[at] = at;
  }

  #grow(size: number): void {
    this.#box = new Int32Array(size);
    this.#above = new Int32Array(size);
    this.#depth = new Uint8Array(size);
    this.#table = new Int32Array(size);
    this.#order = new Int32Array(size);
    this.#lastItem = new Int32Array(size);
  }
}

function isList(id: number): boolean {
  return id === UL || id === OL || id === MENU;
}
