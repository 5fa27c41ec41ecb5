/** The first words of every block, and what they share with the page's title, its description and its structured data. */
import type { Page } from "../page/page.ts";
import { attributeId, TOKEN_WORDS, TokenKind, tagId } from "../tokenizer/tokens.ts";
import { addBlockWords, addTextWords, HashList } from "./hashes.ts";
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

export class WordFacts {
  readonly words = new HashList();
  /** Words of block i stand from `start[i]` to `start[i + 1]`. */
  start = new Int32Array(0);
  /** Hash of all first words and the length: equal for equal blocks. */
  sameness = new Int32Array(0);
  readonly copies = new Map<number, number>();
  readonly title = new Set<number>();
  readonly #triples = new Set<number>();
  readonly #description = new Set<number>();
  readonly #list = new HashList();

  read(page: Page): void {
    const { count } = page.blocks;
    if (count + 1 > this.start.length) {
      this.start = new Int32Array(Math.ceil((count + 1) * 1.25));
      this.sameness = new Int32Array(Math.ceil((count + 1) * 1.25));
    }
    this.words.count = 0;
    this.copies.clear();
    for (let at = 0; at < count; at++) {
      this.start[at] = this.words.count;
      addBlockWords(this.words, page, at);
      let hash = page.blocks.chars[at] ?? 0;
      for (let word = this.start[at] ?? 0; word < this.words.count; word++)
        hash = Math.imul(hash ^ (this.words.words[word] ?? 0), 0x01000193);
      this.sameness[at] = hash;
      this.copies.set(hash, (this.copies.get(hash) ?? 0) + 1);
    }
    this.start[count] = this.words.count;
    this.#readHead(page);
  }

  /** Share of block `at`'s words that stand in the title. */
  inTitle(at: number): number {
    return this.#share(at, this.title);
  }

  inDescription(at: number): number {
    return this.#share(at, this.#description);
  }

  /** Share of the title's words that stand in block `at`. */
  ofTitle(at: number): number {
    if (this.title.size === 0) return 0;
    let found = 0;
    const from = this.start[at] ?? 0;
    const to = this.start[at + 1] ?? 0;
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
    for (let i = from + 2; i < to; i++) if (this.#triples.has(tripleAt(this.words.words, i))) found++;
    return found / (to - from - 2);
  }

  #share(at: number, set: ReadonlySet<number>): number {
    const from = this.start[at] ?? 0;
    const to = this.start[at + 1] ?? 0;
    if (from === to || set.size === 0) return 0;
    let found = 0;
    for (let i = from; i < to; i++) if (set.has(this.words.words[i] ?? 0)) found++;
    return found / (to - from);
  }

  #readHead(page: Page): void {
    this.title.clear();
    this.#description.clear();
    this.#triples.clear();
    const { words, count } = page.tokens;
    for (let token = 0; token < count; token++) {
      const word = words[token * TOKEN_WORDS] ?? 0;
      const kind = word & 15;
      const id = (word >> 8) & 0xffff;
      if (kind === TokenKind.raw && id === TITLE && this.title.size === 0) this.#addWords(page, token, this.title);
      else if (kind === TokenKind.raw && id === SCRIPT) this.#readSchema(page, token);
      else if (kind === TokenKind.open && id === META) this.#readMeta(page, token);
    }
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
