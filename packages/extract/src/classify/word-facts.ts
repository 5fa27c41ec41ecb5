/** The first words of every block, and what they share with the page's title, its description and its structured data. */
import type { Page } from "../page/page.ts";
import { attributeId, TOKEN_WORDS, TokenKind, tagId } from "../tokenizer/tokens.ts";
import { addBlockWords, addTextWords, HashList } from "./hashes.ts";
import { NumberTable } from "./number-table.ts";
import { attributeText } from "./page-words.ts";

const TITLE = tagId("title");
const META = tagId("meta");
const SCRIPT = tagId("script");
const NAME = attributeId("name");
const PROPERTY = attributeId("property");
const CONTENT = attributeId("content");
const TYPE = attributeId("type");

/** Words of structured data that are looked at: the text of a long article. */
const SCHEMA_WORDS_MAX = 20_000;
const TITLE_WORDS_MAX = 60;

const InSet = { title: 1, description: 2, triples: 4 } as const;

export class WordFacts {
  readonly words = new HashList();
  /** Words of block i stand from `start[i]` to `start[i + 1]`. */
  start = new Int32Array(0);
  /** Number of each block's kind: blocks of equal first words and length are one. */
  kind = new Int32Array(0);
  /** Blocks of each kind. */
  copies = new Int32Array(0);
  /** Blocks of a block's kind that stand before it. */
  copiesBefore = new Int32Array(0);
  readonly #kinds = new NumberTable();
  readonly title = new Set<number>();
  readonly #triples = new Set<number>();
  readonly #description = new Set<number>();
  /** Bits of the sets (`InSet`) that hold a hash of each low half: most words are in none, and need not be looked up. */
  readonly #filter = new Uint8Array(1 << 16);
  readonly #list = new HashList();

  read(page: Page): void {
    const { count } = page.blocks;
    if (count + 1 > this.start.length) {
      this.start = new Int32Array(Math.ceil((count + 1) * 1.25));
      this.kind = new Int32Array(this.start.length);
      this.copies = new Int32Array(this.start.length);
      this.copiesBefore = new Int32Array(this.start.length);
    }
    this.words.count = 0;
    this.#kinds.start(count);
    let kinds = 0;
    for (let at = 0; at < count; at++) {
      this.start[at] = this.words.count;
      addBlockWords(this.words, page, at);
      let hash = page.blocks.chars[at] ?? 0;
      for (let word = this.start[at] ?? 0; word < this.words.count; word++)
        hash = Math.imul(hash ^ (this.words.words[word] ?? 0), 0x01000193);
      const kind = this.#kinds.add(hash, kinds);
      if (kind === kinds) this.copies[kinds++] = 0;
      this.kind[at] = kind;
      const before = this.copies[kind] ?? 0;
      this.copiesBefore[at] = before;
      this.copies[kind] = before + 1;
    }
    this.start[count] = this.words.count;
    this.#readHead(page);
  }

  /** Share of block `at`'s words that stand in the title. */
  inTitle(at: number): number {
    return this.#share(at, this.title, InSet.title);
  }

  inDescription(at: number): number {
    return this.#share(at, this.#description, InSet.description);
  }

  /** Share of the title's words that stand in block `at`. */
  ofTitle(at: number): number {
    if (this.title.size === 0) return 0;
    let found = 0;
    const from = this.start[at] ?? 0;
    const to = this.start[at + 1] ?? 0;
    if (!this.#isLikelyIn(at, InSet.title)) return 0;
    for (const word of this.title) {
      for (let i = from; i < to; i++) {
        if (this.words.words[i] !== word) continue;
        found++;
        break;
      }
    }
    return found / this.title.size;
  }

  /** Share of block `at`'s triples of words that stand in the structured data; -1 when the block or the data has none. */
  inSchema(at: number): number {
    const from = this.start[at] ?? 0;
    const to = this.start[at + 1] ?? 0;
    if (to - from < 3 || this.#triples.size === 0) return -1;
    let found = 0;
    for (let i = from + 2; i < to; i++) {
      const triple = tripleAt(this.words.words, i);
      if (((this.#filter[triple & 0xffff] ?? 0) & InSet.triples) !== 0 && this.#triples.has(triple)) found++;
    }
    return found / (to - from - 2);
  }

  /** Whether a word of block `at` may stand in a set. */
  #isLikelyIn(at: number, bit: number): boolean {
    const to = this.start[at + 1] ?? 0;
    for (let i = this.start[at] ?? 0; i < to; i++)
      if (((this.#filter[(this.words.words[i] ?? 0) & 0xffff] ?? 0) & bit) !== 0) return true;
    return false;
  }

  #share(at: number, set: ReadonlySet<number>, bit: number): number {
    const from = this.start[at] ?? 0;
    const to = this.start[at + 1] ?? 0;
    if (from === to || set.size === 0) return 0;
    let found = 0;
    for (let i = from; i < to; i++) {
      const word = this.words.words[i] ?? 0;
      if (((this.#filter[word & 0xffff] ?? 0) & bit) !== 0 && set.has(word)) found++;
    }
    return found / (to - from);
  }

  #readHead(page: Page): void {
    this.title.clear();
    this.#description.clear();
    this.#triples.clear();
    this.#filter.fill(0);
    const { words, count } = page.tokens;
    for (let token = 0; token < count; token++) {
      const word = words[token * TOKEN_WORDS] ?? 0;
      const kind = word & 15;
      const id = (word >> 8) & 0xffff;
      if (kind === TokenKind.raw && id === TITLE && this.title.size === 0) this.#addWords(page, token, this.title);
      else if (kind === TokenKind.raw && id === SCRIPT) this.#readSchema(page, token);
      else if (kind === TokenKind.open && id === META) this.#readMeta(page, token);
    }
    this.#fillFilter();
  }

  #fillFilter(): void {
    for (const word of this.title) this.#mark(word, InSet.title);
    for (const word of this.#description) this.#mark(word, InSet.description);
    for (const triple of this.#triples) this.#mark(triple, InSet.triples);
  }

  #mark(hash: number, bit: number): void {
    this.#filter[hash & 0xffff] = (this.#filter[hash & 0xffff] ?? 0) | bit;
  }

  #readMeta(page: Page, token: number): void {
    const name = attributeText(page, token, PROPERTY) || attributeText(page, token, NAME);
    if (name !== "og:title" && name !== "description" && name !== "og:description") return;
    const last = token + (page.tokens.words[token * TOKEN_WORDS + 3] ?? 0);
    for (let at = token + 1; at <= last; at++) {
      if ((((page.tokens.words[at * TOKEN_WORDS] ?? 0) >> 8) & 0xffff) !== CONTENT) continue;
      this.#addWords(page, at, name === "og:title" ? this.title : this.#description);
    }
  }

  #addWords(page: Page, token: number, set: Set<number>): void {
    const list = this.#list;
    list.count = 0;
    const start = page.tokens.words[token * TOKEN_WORDS + 1] ?? 0;
    const end = page.tokens.words[token * TOKEN_WORDS + 2] ?? 0;
    addTextWords(list, page.tokens.units, { start, end, max: TITLE_WORDS_MAX });
    for (let at = 0; at < list.count; at++) set.add(list.words[at] ?? 0);
  }

  #readSchema(page: Page, token: number): void {
    let open = token - 1;
    while (open >= 0 && ((page.tokens.words[open * TOKEN_WORDS] ?? 0) & 15) === TokenKind.attribute) open--;
    if (!attributeText(page, open, TYPE).includes("ld+json")) return;
    const list = this.#list;
    list.count = 0;
    const start = page.tokens.words[token * TOKEN_WORDS + 1] ?? 0;
    const end = page.tokens.words[token * TOKEN_WORDS + 2] ?? 0;
    addTextWords(list, page.tokens.units, { start, end, max: SCHEMA_WORDS_MAX });
    for (let at = 2; at < list.count; at++) this.#triples.add(tripleAt(list.words, at));
  }
}

function tripleAt(words: Int32Array, at: number): number {
  const one = Math.imul((words[at - 2] ?? 0) ^ 0x2545f491, 0x9e3779b1);
  const two = Math.imul(one ^ (words[at - 1] ?? 0), 0x85ebca6b);
  return Math.imul(two ^ (words[at] ?? 0), 0xc2b2ae35);
}
