/** The arrays behind a page: kept from page to page and grown when one needs more. */
import { BLOCKS_MAX } from "../limits.ts";
import type { Blocks, Elements } from "./page.ts";
import { TEXT_COUNTS, TextCount, type TextRun } from "./text-run.ts";

export type NewBlock = {
  readonly kind: number;
  readonly level: number;
  readonly element: number;
  readonly start: number;
  readonly end: number;
  readonly link: number;
};

export class PageArrays {
  #blocks = 0;
  #elements = 0;
  #kind = new Uint8Array(0);
  #level = new Uint8Array(0);
  #element = new Int32Array(0);
  #tokenStart = new Int32Array(0);
  #tokenEnd = new Int32Array(0);
  #link = new Int32Array(0);
  #chars = new Int32Array(0);
  #linkChars = new Int32Array(0);
  #counts = new Int32Array(0);
  #tag = new Uint8Array(0);
  #parent = new Int32Array(0);
  #token = new Int32Array(0);
  #depth = new Int32Array(0);
  #blockStart = new Int32Array(0);
  #blockEnd = new Int32Array(0);

  /** Empties the arrays and makes room for what `tokens` tokens can hold. */
  start(tokens: number): void {
    this.#blocks = 0;
    this.#elements = 0;
    if (tokens + 2 > this.#tag.length) this.#grow(Math.ceil((tokens + 2) * 1.25));
  }

  addElement(tag: number, parent: number, token: number): number {
    const at = this.#elements++;
    this.#tag[at] = tag;
    this.#parent[at] = parent;
    this.#token[at] = token;
    this.#depth[at] = parent < 0 ? 0 : (this.#depth[parent] ?? 0) + 1;
    this.#blockStart[at] = this.#blocks;
    return at;
  }

  closeElement(at: number): void {
    this.#blockEnd[at] = this.#blocks;
  }

  /** Blocks so far inside an open element. */
  blocksIn(element: number): number {
    return this.#blocks - (this.#blockStart[element] ?? 0);
  }

  tokenOf(element: number): number | undefined {
    return this.#token[element];
  }

  addBlock(run: TextRun, block: NewBlock): void {
    if (this.#blocks >= BLOCKS_MAX) return;
    const at = this.#blocks++;
    this.#kind[at] = block.kind;
    this.#level[at] = block.level;
    this.#element[at] = block.element;
    this.#tokenStart[at] = block.start;
    this.#tokenEnd[at] = block.end;
    this.#link[at] = block.link;
    run.counts[TextCount.images] = run.images;
    this.#chars[at] = run.counts[TextCount.chars] ?? 0;
    this.#linkChars[at] = run.counts[TextCount.linkChars] ?? 0;
    const base = at * TEXT_COUNTS;
    for (let i = 0; i < TEXT_COUNTS; i++) this.#counts[base + i] = run.counts[i] ?? 0;
  }

  views(): { readonly blocks: Blocks; readonly elements: Elements } {
    const blocks = this.#blocks;
    const elements = this.#elements;
    return {
      blocks: {
        count: blocks,
        kind: this.#kind.subarray(0, blocks),
        level: this.#level.subarray(0, blocks),
        element: this.#element.subarray(0, blocks),
        tokenStart: this.#tokenStart.subarray(0, blocks),
        tokenEnd: this.#tokenEnd.subarray(0, blocks),
        link: this.#link.subarray(0, blocks),
        chars: this.#chars.subarray(0, blocks),
        linkChars: this.#linkChars.subarray(0, blocks),
        counts: this.#counts.subarray(0, blocks * TEXT_COUNTS),
      },
      elements: {
        count: elements,
        tag: this.#tag.subarray(0, elements),
        parent: this.#parent.subarray(0, elements),
        token: this.#token.subarray(0, elements),
        depth: this.#depth.subarray(0, elements),
        blockStart: this.#blockStart.subarray(0, elements),
        blockEnd: this.#blockEnd.subarray(0, elements),
      },
    };
  }

  /** A page has fewer blocks and elements than tokens, so one size serves all. */
  #grow(size: number): void {
    this.#kind = new Uint8Array(size);
    this.#level = new Uint8Array(size);
    this.#element = new Int32Array(size);
    this.#tokenStart = new Int32Array(size);
    this.#tokenEnd = new Int32Array(size);
    this.#link = new Int32Array(size);
    this.#chars = new Int32Array(size);
    this.#linkChars = new Int32Array(size);
    this.#counts = new Int32Array(size * TEXT_COUNTS);
    this.#tag = new Uint8Array(size);
    this.#parent = new Int32Array(size);
    this.#token = new Int32Array(size);
    this.#depth = new Int32Array(size);
    this.#blockStart = new Int32Array(size);
    this.#blockEnd = new Int32Array(size);
  }
}
