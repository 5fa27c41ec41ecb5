/** Blocks alike: those in elements of one name under parents of one name, and those at one path from the root. */
import type { Page } from "../page/page.ts";
import type { ElementFacts } from "./element-facts.ts";
import { NumberTable } from "./number-table.ts";

/** Sums over one grouping of a page's blocks. */
export class Grouping {
  /** Group of each block. */
  of = new Int32Array(0);
  count = 0;
  blocks = new Float64Array(0);
  chars = new Float64Array(0);
  linkChars = new Float64Array(0);
  readonly #known = new NumberTable();

  start(blocks: number): void {
    if (blocks > this.of.length) {
      const size = Math.ceil(blocks * 1.25);
      this.of = new Int32Array(size);
      this.blocks = new Float64Array(size);
      this.chars = new Float64Array(size);
      this.linkChars = new Float64Array(size);
    }
    this.count = 0;
    this.#known.start(blocks);
  }

  add(at: number, key: number, page: Page): void {
    const group = this.#known.add(key, this.count);
    if (group === this.count) {
      this.count++;
      this.blocks[group] = 0;
      this.chars[group] = 0;
      this.linkChars[group] = 0;
    }
    this.of[at] = group;
    this.blocks[group] = (this.blocks[group] ?? 0) + 1;
    this.chars[group] = (this.chars[group] ?? 0) + (page.blocks.chars[at] ?? 0);
    this.linkChars[group] = (this.linkChars[group] ?? 0) + (page.blocks.linkChars[at] ?? 0);
  }
}

export class Alike {
  readonly name = new Grouping();
  readonly path = new Grouping();
  #paths = new Int32Array(0);

  read(page: Page, facts: ElementFacts): void {
    const { blocks, elements } = page;
    if (elements.count > this.#paths.length) this.#paths = new Int32Array(Math.ceil(elements.count * 1.25));
    this.#paths[0] = 1;
    for (let at = 1; at < elements.count; at++)
      this.#paths[at] = Math.imul((this.#paths[elements.parent[at] ?? 0] ?? 0) ^ (facts.likeness[at] ?? 0), 0x01000193);
    this.name.start(blocks.count);
    this.path.start(blocks.count);
    for (let at = 0; at < blocks.count; at++) {
      const own = blocks.element[at] ?? 0;
      const above = Math.max(0, elements.parent[own] ?? 0);
      const kind = (blocks.kind[at] ?? 0) + 1;
      const name = Math.imul(facts.likeness[own] ?? 0, 0x2545f491) ^ (facts.likeness[above] ?? 0);
      this.name.add(at, Math.imul(name, kind), page);
      this.path.add(at, Math.imul(this.#paths[own] ?? 0, kind), page);
    }
  }
}
