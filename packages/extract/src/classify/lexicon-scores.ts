/** A page's names and words looked up in the lexicon: what each element is called, what each block says, what type the page is. */
import type { Page } from "../page/page.ts";
import type { ElementFacts } from "./element-facts.ts";
import { HashList } from "./hashes.ts";
import { bucketOf, type Lexicon, PAGE_BUCKETS } from "./lexicon.ts";
import { addPageWords } from "./page-words.ts";
import type { WordFacts } from "./word-facts.ts";

export class LexiconScores {
  /** Sum of an element's own names. */
  own = new Float32Array(0);
  /** Sum, least and most over it and all above. */
  chain = new Float32Array(0);
  least = new Float32Array(0);
  most = new Float32Array(0);
  /** Of a block's words: sum over the root of their number, least, most. */
  text = new Float32Array(0);
  textLeast = new Float32Array(0);
  textMost = new Float32Array(0);
  /** Softmax over page types. */
  types = new Float32Array(0);
  readonly #pageWords = new HashList();
  /** The page, by number, that last had a word of each bucket. */
  readonly #seenOn = new Float64Array(PAGE_BUCKETS);
  #pages = 0;

  read(page: Page, lexicon: Lexicon, from: LexiconSource): void {
    this.#grow(page);
    this.#readNames(page, lexicon, from.facts);
    this.#readText(page, lexicon, from.words);
    this.#readTypes(page, lexicon, from);
  }

  #readNames(page: Page, { names }: Lexicon, facts: ElementFacts): void {
    for (let at = 0; at < page.elements.count; at++) {
      let sum = 0;
      for (let i = facts.nameStart[at] ?? 0; i < (facts.nameStart[at + 1] ?? 0); i++)
        sum += names[bucketOf(facts.names.words[i] ?? 0, names.length)] ?? 0;
      const above = page.elements.parent[at] ?? -1;
      this.own[at] = sum;
      this.chain[at] = sum + (above < 0 ? 0 : (this.chain[above] ?? 0));
      this.least[at] = Math.min(sum, above < 0 ? 0 : (this.least[above] ?? 0));
      this.most[at] = Math.max(sum, above < 0 ? 0 : (this.most[above] ?? 0));
    }
  }

  #readText(page: Page, { text }: Lexicon, words: WordFacts): void {
    for (let at = 0; at < page.blocks.count; at++) {
      const from = words.start[at] ?? 0;
      const to = words.start[at + 1] ?? 0;
      let sum = 0;
      let least = 0;
      let most = 0;
      for (let i = from; i < to; i++) {
        const weight = text[bucketOf(words.words.words[i] ?? 0, text.length)] ?? 0;
        sum += weight;
        if (weight < least) least = weight;
        if (weight > most) most = weight;
      }
      this.text[at] = to > from ? sum / Math.sqrt(to - from) : 0;
      this.textLeast[at] = least;
      this.textMost[at] = most;
    }
  }

  /** Each word counts once, however often the page has it: its own words and all names of its elements. */
  #readTypes(page: Page, lexicon: Lexicon, { facts, url }: LexiconSource): void {
    const list = this.#pageWords;
    list.count = 0;
    addPageWords(list, page, facts, url);
    const { types } = this;
    for (let type = 0; type < types.length; type++) types[type] = lexicon.pageBias[type] ?? 0;
    this.#pages++;
    this.#addTypes(list, lexicon);
    this.#addTypes(facts.names, lexicon);
    softmax(types);
  }

  #addTypes(list: HashList, lexicon: Lexicon): void {
    const { types } = this;
    const weights = weightsByBucket(lexicon);
    for (let i = 0; i < list.count; i++) {
      const bucket = bucketOf(list.words[i] ?? 0, PAGE_BUCKETS);
      if (this.#seenOn[bucket] === this.#pages) continue;
      this.#seenOn[bucket] = this.#pages;
      const from = bucket * types.length;
      for (let type = 0; type < types.length; type++) types[type] = (types[type] ?? 0) + (weights[from + type] ?? 0);
    }
  }

  #grow(page: Page): void {
    if (page.elements.count > this.own.length) {
      const size = Math.ceil(page.elements.count * 1.25);
      this.own = new Float32Array(size);
      this.chain = new Float32Array(size);
      this.least = new Float32Array(size);
      this.most = new Float32Array(size);
    }
    if (page.blocks.count > this.text.length) {
      const size = Math.ceil(page.blocks.count * 1.25);
      this.text = new Float32Array(size);
      this.textLeast = new Float32Array(size);
      this.textMost = new Float32Array(size);
    }
    if (this.types.length !== PAGE_TYPES.length) this.types = new Float32Array(PAGE_TYPES.length);
  }
}

const byBucket = new WeakMap<Lexicon, Float32Array>();

/** The weights of page words with all types' of one bucket side by side: a word costs one look at memory, not one a type (measured). */
function weightsByBucket(lexicon: Lexicon): Float32Array {
  const known = byBucket.get(lexicon);
  if (known) return known;
  const weights = new Float32Array(PAGE_BUCKETS * PAGE_TYPES.length);
  for (let at = 0; at < weights.length; at++)
    weights[at] = lexicon.page[at % PAGE_TYPES.length]?.[Math.floor(at / PAGE_TYPES.length)] ?? 0;
  byBucket.set(lexicon, weights);
  return weights;
}

function softmax(values: Float32Array): void {
  let most = -Infinity;
  for (const value of values) most = Math.max(most, value);
  let total = 0;
  for (let at = 0; at < values.length; at++) {
    values[at] = Math.exp((values[at] ?? 0) - most);
    total += values[at] ?? 0;
  }
  for (let at = 0; at < values.length; at++) values[at] = (values[at] ?? 0) / total;
}

export type LexiconSource = {
  readonly facts: ElementFacts;
  readonly words: WordFacts;
  readonly url: string | undefined;
};

/** The types of pages, in the order of the model's columns. */
export const PAGE_TYPES = ["article", "documentation", "forum", "product", "collection", "listing", "service"] as const;
export type PageType = (typeof PAGE_TYPES)[number];
