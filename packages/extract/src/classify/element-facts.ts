/** What is known of each element before any block is judged: its names, what it is hidden or marked as, and sums over its blocks. */
import type { Page } from "../page/page.ts";
import { TEXT_COUNTS, TextCount } from "../page/text-run.ts";
import { attributeId, TOKEN_WORDS, TokenKind } from "../tokenizer/tokens.ts";
import { addNameUnits, addNameWords, HashList } from "./hashes.ts";

const CLASS = attributeId("class");
const ID = attributeId("id");
const ROLE = attributeId("role");
const STYLE = attributeId("style");
const HIDDEN = attributeId("hidden");
const ARIA_HIDDEN = attributeId("aria-hidden");
const ARIA_LABEL = attributeId("aria-label");
const ITEMPROP = attributeId("itemprop");
const ITEMTYPE = attributeId("itemtype");
const TESTID = attributeId("data-testid");

/** Which attribute a name word comes from; part of its hash. */
const SEEDS = new Int32Array(64);
SEEDS[CLASS] = 1;
SEEDS[ID] = 1;
SEEDS[ROLE] = 2;
SEEDS[ITEMPROP] = 3;
SEEDS[ITEMTYPE] = 4;
SEEDS[TESTID] = 1;
SEEDS[ARIA_LABEL] = 5;
const CUSTOM_TAG_SEED = 6;
/** A tag's own hash, so that tags have weights as names have. */
const TAG_HASH = 0x7f4a7c15;

export class ElementFacts {
  /** Name words of all elements; those of element i stand from `nameStart[i]` to `nameStart[i + 1]`. */
  readonly names = new HashList();
  nameStart = new Int32Array(0);
  /** 1 where the element itself is hidden (style, attribute). */
  hidden = new Uint8Array(0);
  /** Hash of tag and class: elements alike have one. */
  likeness = new Int32Array(0);
  /** Sums over all blocks inside. */
  chars = new Float64Array(0);
  linkChars = new Float64Array(0);
  words = new Float64Array(0);
  sentences = new Float64Array(0);
  commas = new Float64Array(0);
  /** Characters of blocks that read like prose. */
  prose = new Float64Array(0);
  /** Position among the element children of its parent, and how many there are. */
  childIndex = new Int32Array(0);
  children = new Int32Array(0);

  read(page: Page): void {
    const { count } = page.elements;
    if (count + 1 > this.hidden.length) this.#grow(Math.ceil((count + 1) * 1.25));
    this.names.count = 0;
    for (let at = 0; at < count; at++) this.#readNames(page, at);
    this.nameStart[count] = this.names.count;
    this.#countChildren(page);
    this.#sum(page);
  }

  #readNames(page: Page, at: number): void {
    this.nameStart[at] = this.names.count;
    this.hidden[at] = 0;
    const tag = page.elements.tag[at] ?? 0;
    const token = page.elements.token[at] ?? -1;
    let likeness = Math.imul(tag + 1, 0x9e3779b1);
    this.names.add(Math.imul(tag + 1, TAG_HASH));
    if (token >= 0) {
      const { words, units } = page.tokens;
      const { html } = page;
      const last = token + (words[token * TOKEN_WORDS + 3] ?? 0);
      if (tag === 0) likeness ^= this.#addTagName(html, words[token * TOKEN_WORDS + 1] ?? 0);
      for (let next = token + 1; next <= last; next++) {
        const base = next * TOKEN_WORDS;
        const word = words[base] ?? 0;
        if ((word & 15) !== TokenKind.attribute) continue;
        const id = (word >> 8) & 0xffff;
        const seed = SEEDS[id] ?? 0;
        if (seed > 0) {
          const from = this.names.count;
          addNameUnits(this.names, units, { start: words[base + 1] ?? 0, end: words[base + 2] ?? 0, seed });
          if (id === CLASS)
            for (let name = from; name < this.names.count; name++)
              likeness = Math.imul(likeness ^ (this.names.words[name] ?? 0), 0x85ebca6b);
        } else if (id === STYLE) {
          const style = html.slice(words[base + 1] ?? 0, words[base + 2] ?? 0);
          if (/display\s*:\s*none|visibility\s*:\s*hidden/i.test(style)) this.hidden[at] = 1;
        } else if (id === HIDDEN) this.hidden[at] = 1;
        else if (id === ARIA_HIDDEN && units[words[base + 1] ?? 0] === 116) this.hidden[at] = 1;
      }
    }
    this.likeness[at] = likeness;
  }

  #addTagName(html: string, start: number): number {
    let end = start + 1;
    while (end < start + 40 && /[a-z0-9-]/i.test(html[end] ?? "")) end++;
    const from = this.names.count;
    addNameWords(this.names, html.slice(start + 1, end), CUSTOM_TAG_SEED);
    return this.names.words[from] ?? 0;
  }

  #countChildren(page: Page): void {
    const { count, parent } = page.elements;
    this.children.fill(0, 0, count);
    for (let at = 1; at < count; at++) {
      const above = parent[at] ?? 0;
      this.childIndex[at] = this.children[above] ?? 0;
      this.children[above] = (this.children[above] ?? 0) + 1;
    }
  }

  #sum(page: Page): void {
    const { blocks, elements } = page;
    for (const sums of [this.chars, this.linkChars, this.words, this.sentences, this.commas, this.prose])
      sums.fill(0, 0, elements.count);
    for (let at = 0; at < blocks.count; at++) {
      const element = blocks.element[at] ?? 0;
      const base = at * TEXT_COUNTS;
      const chars = blocks.chars[at] ?? 0;
      const linkChars = blocks.linkChars[at] ?? 0;
      const words = blocks.counts[base + TextCount.words] ?? 0;
      add(this.chars, element, chars);
      add(this.linkChars, element, linkChars);
      add(this.words, element, words);
      add(this.sentences, element, blocks.counts[base + TextCount.sentences] ?? 0);
      add(this.commas, element, blocks.counts[base + TextCount.commas] ?? 0);
      add(this.prose, element, proseOf(chars, linkChars, words));
    }
    for (let at = elements.count - 1; at > 0; at--) {
      const above = elements.parent[at] ?? 0;
      add(this.chars, above, this.chars[at] ?? 0);
      add(this.linkChars, above, this.linkChars[at] ?? 0);
      add(this.words, above, this.words[at] ?? 0);
      add(this.sentences, above, this.sentences[at] ?? 0);
      add(this.commas, above, this.commas[at] ?? 0);
      add(this.prose, above, this.prose[at] ?? 0);
    }
  }

  #grow(size: number): void {
    this.nameStart = new Int32Array(size);
    this.hidden = new Uint8Array(size);
    this.likeness = new Int32Array(size);
    this.chars = new Float64Array(size);
    this.linkChars = new Float64Array(size);
    this.words = new Float64Array(size);
    this.sentences = new Float64Array(size);
    this.commas = new Float64Array(size);
    this.prose = new Float64Array(size);
    this.childIndex = new Int32Array(size);
    this.children = new Int32Array(size);
  }
}

/** Characters that read like prose: those of longer blocks that are no links. */
export function proseOf(chars: number, linkChars: number, words: number): number {
  const plain = chars - linkChars;
  if (linkChars > 0.5 * chars) return 0;
  return words >= 10 || chars >= 60 ? plain : plain * 0.1;
}

function add(sums: Float64Array, at: number, value: number): void {
  sums[at] = (sums[at] ?? 0) + value;
}
