/**
 * The one pass from tokens to blocks. It keeps a stack of the open elements that are no inline ones and closes them as the HTML
 * tree builder would where it matters for text (paragraphs, list items, table parts, scopes); formatting elements are only counted.
 */
import { DEPTH_MAX } from "../limits.ts";
import { TOKEN_WORDS, TokenFlag, TokenKind, type Tokens, tagId } from "../tokenizer/tokens.ts";
import { BlockKind, type Page } from "./page.ts";
import { PageArrays } from "./page-arrays.ts";
import { TAG_BITS, TagBit } from "./tag-kinds.ts";
import { addText, TextRun } from "./text-run.ts";

const A = tagId("a");
const BR = tagId("br");
const P = tagId("p");
const LI = tagId("li");
const DT = tagId("dt");
const DD = tagId("dd");
const TR = tagId("tr");
const TD = tagId("td");
const TH = tagId("th");
const PRE = tagId("pre");
const DIV = tagId("div");
const H1 = tagId("h1");
const H6 = tagId("h6");
const TABLE = tagId("table");
const SVG = tagId("svg");
const OPTION = tagId("option");
const CAPTION = tagId("caption");
const FIGCAPTION = tagId("figcaption");
const UL = tagId("ul");
const OL = tagId("ol");
const MENU = tagId("menu");
const DL = tagId("dl");
const TEMPLATE = tagId("template");
const IMG = tagId("img");

/** Table parts and the tags whose start ends them. */
const ROW_GROUPS = new Set(["thead", "tbody", "tfoot"].map(tagId));

/** Reads a page's tokens into blocks. The arrays belong to this module: the page is good until the next call. */
export function readPage(html: string, tokens: Tokens): Page {
  reader.start(tokens);
  reader.run();
  return { html, tokens, ...arrays.views() };
}

const arrays = new PageArrays();

class PageReader {
  #units: Uint16Array = new Uint16Array(0);
  #words: Int32Array = new Int32Array(0);
  #count = 0;
  /** Open elements by index; `#tags` holds their tags. */
  readonly #stack = new Int32Array(DEPTH_MAX + 1);
  readonly #tags = new Uint8Array(DEPTH_MAX + 1);
  #depth = 0;
  /** Open elements by tag: what is not open is not looked for (a walk a tag made deep pages quadratic). */
  readonly #openByTag = new Int32Array(256);
  readonly #run = new TextRun();
  #first = 0;
  #link = -1;
  #linkDepth = 0;
  #linkAtStart = -1;
  #bold = 0;
  #svg = 0;
  #pre = 0;
  /** Where the outermost open `pre` stands, and the lists it stands in. */
  #preDepth = 0;
  #preLists = 0;
  #lists = 0;
  #breaks = 0;

  start(tokens: Tokens): void {
    this.#units = tokens.units;
    this.#words = tokens.words;
    this.#count = tokens.count;
    this.#depth = 0;
    this.#openByTag.fill(0);
    this.#first = 0;
    this.#link = -1;
    this.#linkAtStart = -1;
    this.#bold = 0;
    this.#svg = 0;
    this.#pre = 0;
    this.#lists = 0;
    this.#breaks = 0;
    this.#run.clear();
    arrays.start(tokens.count);
    this.#stack[0] = arrays.addElement(0, -1, -1);
    this.#tags[0] = 0;
  }

  run(): void {
    const words = this.#words;
    const run = this.#run;
    const units = this.#units;
    for (let at = 0; at < this.#count; at++) {
      const word = words[at * TOKEN_WORDS] ?? 0;
      const kind = word & 15;
      if (kind === TokenKind.text) {
        if (this.#svg > 0) continue;
        const blank = (word & TokenFlag.blank) !== 0;
        if (!blank) this.#breaks = 0;
        run.isLink = this.#link >= 0;
        run.isBold = this.#bold > 0;
        if (blank) run.space = true;
        else addText(run, units, { start: words[at * TOKEN_WORDS + 1] ?? 0, end: words[at * TOKEN_WORDS + 2] ?? 0 });
      } else if (kind === TokenKind.open) this.#open(at, (word >> 8) & 0xffff, (word & TokenFlag.selfClosing) !== 0);
      else if (kind === TokenKind.close) this.#close(at, (word >> 8) & 0xffff);
    }
    this.#flush(this.#count, this.#count);
    while (this.#depth > 0) this.#pop();
    arrays.closeElement(0);
  }

  #open(at: number, id: number, isSelfClosing: boolean): void {
    const bits = TAG_BITS[id] ?? 0;
    if ((bits & TagBit.block) === 0 && (id !== 0 || !this.#isCustom(at))) {
      this.#openInline(at, id, bits, isSelfClosing);
      return;
    }
    // A box ends a drawing that nobody closed (HTML, "any other start tag" in foreign content breaks out).
    this.#svg = 0;
    const next = at + 1 + (this.#words[at * TOKEN_WORDS + 3] ?? 0);
    const isLine = this.#pre > 0 && this.#isLine(id);
    if (isLine) this.#run.space = true;
    if (!isLine || this.#run.chars === 0) this.#flush(at, next);
    if ((bits & TagBit.closesParagraph) !== 0) this.#closeParagraph();
    this.#closeImplied(id, bits);
    if ((bits & TagBit.empty) !== 0 || this.#depth >= DEPTH_MAX) return;
    this.#depth++;
    this.#stack[this.#depth] = arrays.addElement(id, this.#stack[this.#depth - 1] ?? 0, at);
    this.#tags[this.#depth] = id;
    this.#openByTag[id] = (this.#openByTag[id] ?? 0) + 1;
    if (id === PRE) this.#enterCode();
    else if (id === UL || id === OL || id === MENU) this.#lists++;
    if (id === TH) this.#bold++;
  }

  #openInline(at: number, id: number, bits: number, isSelfClosing: boolean): void {
    if (id === A) {
      this.#link = at;
      this.#linkDepth = this.#depth;
      if (this.#run.chars === 0) this.#linkAtStart = -1;
    } else if (id === BR) {
      this.#run.space = true;
      if (++this.#breaks >= 2 && this.#pre === 0 && this.#run.chars > 0) this.#flush(at, at + 1);
    } else if ((bits & TagBit.bold) !== 0) this.#bold++;
    else if (id === SVG && !isSelfClosing) this.#svg++;
    else if (id === IMG) this.#run.images++;
  }

  #close(at: number, id: number): void {
    const bits = TAG_BITS[id] ?? 0;
    if ((bits & TagBit.block) === 0 && (id !== 0 || !this.#isCustom(at))) {
      if (id === A) this.#link = -1;
      else if ((bits & TagBit.bold) !== 0) this.#bold = Math.max(0, this.#bold - 1);
      else if (id === SVG) this.#svg = Math.max(0, this.#svg - 1);
      return;
    }
    const depth = this.#depthOf(at, id, bits);
    if (depth === 0) {
      // A stray `</p>` still ends the text before it.
      if (id === P) this.#flush(at, at + 1);
      return;
    }
    if (this.#pre > 0 && depth > this.#preDepth && this.#isLine(id)) this.#run.space = true;
    else this.#flush(at, at + 1);
    while (this.#depth >= depth) this.#pop();
  }

  #enterCode(): void {
    if (this.#pre++ > 0) return;
    this.#preDepth = this.#depth;
    this.#preLists = this.#lists;
  }

  /** Whether a tag in a `pre` is a line of its code: boxes and list items there are lines, and all lines are one text. */
  #isLine(id: number): boolean {
    return id === DIV || id === OL || id === UL || (id === LI && this.#lists > this.#preLists);
  }

  /** Depth of the element that an end tag closes, 0 when there is none in scope. */
  #depthOf(at: number, id: number, bits: number): number {
    const isHeading = (bits & TagBit.heading) !== 0;
    if (!isHeading && this.#openByTag[id] === 0) return 0;
    const isTablePart = id === TABLE || id === TD || id === TH || id === TR || ROW_GROUPS.has(id) || id === CAPTION;
    for (let depth = this.#depth; depth > 0; depth--) {
      const tag = this.#tags[depth] ?? 0;
      if (tag === id && (id !== 0 || this.#isSameName(at, depth))) return depth;
      if (isHeading && tag >= H1 && tag <= H6) return depth;
      if (isTablePart ? tag === TABLE : ((TAG_BITS[tag] ?? 0) & TagBit.scope) !== 0) return 0;
    }
    return 0;
  }

  #closeParagraph(): void {
    if (this.#openByTag[P] === 0) return;
    for (let depth = this.#depth; depth > 0; depth--) {
      const tag = this.#tags[depth] ?? 0;
      if (tag === P) {
        while (this.#depth >= depth) this.#pop();
        return;
      }
      if (((TAG_BITS[tag] ?? 0) & (TagBit.scope | TagBit.control)) !== 0) return;
    }
  }

  #closeImplied(id: number, bits: number): void {
    if (id === LI) this.#closeNearest(LI, LI, (tag) => tag === UL || tag === OL || tag === MENU || tag === TABLE);
    else if (id === DT || id === DD) this.#closeNearest(DT, DD, (tag) => tag === DL || tag === TABLE);
    else if (id === TD || id === TH) this.#closeNearest(TD, TH, (tag) => tag === TR || tag === TABLE);
    else if (id === TR) this.#closeNearest(TR, TR, (tag) => tag === TABLE);
    else if (ROW_GROUPS.has(id)) {
      for (const group of ROW_GROUPS) this.#closeNearest(group, group, (tag) => tag === TABLE);
    } else if (id === OPTION) this.#closeNearest(OPTION, OPTION, (tag) => tag !== OPTION);
    else if ((bits & TagBit.heading) !== 0) {
      const tag = this.#tags[this.#depth] ?? 0;
      if (tag >= H1 && tag <= H6) this.#pop();
    }
  }

  #closeNearest(one: number, other: number, isBarrier: (tag: number) => boolean): void {
    if (this.#openByTag[one] === 0 && this.#openByTag[other] === 0) return;
    for (let depth = this.#depth; depth > 0; depth--) {
      const tag = this.#tags[depth] ?? 0;
      if (tag === one || tag === other) {
        while (this.#depth >= depth) this.#pop();
        return;
      }
      if (isBarrier(tag)) return;
    }
  }

  #pop(): void {
    const id = this.#tags[this.#depth] ?? 0;
    arrays.closeElement(this.#stack[this.#depth] ?? 0);
    this.#openByTag[id] = (this.#openByTag[id] ?? 0) - 1;
    if (id === PRE) this.#pre--;
    else if (id === UL || id === OL || id === MENU) this.#lists--;
    else if (id === TH) this.#bold = Math.max(0, this.#bold - 1);
    this.#depth--;
    // Formatting that its block leaves open ends with it.
    if (this.#link >= 0 && this.#depth < this.#linkDepth) this.#link = -1;
  }

  /** Ends the text before token `end`; the next run begins at token `next`. */
  #flush(end: number, next: number): void {
    const run = this.#run;
    if (run.chars > 0) {
      run.finish();
      const kind = this.#kind();
      const level = kind === BlockKind.heading ? this.#headingLevel() : Math.min(255, this.#lists);
      arrays.addBlock(run, {
        kind,
        level,
        element: this.#stack[this.#depth] ?? 0,
        start: this.#first,
        end,
        link: this.#linkAtStart,
      });
    }
    run.clear();
    this.#first = next;
    this.#linkAtStart = this.#link;
    this.#breaks = 0;
  }

  #headingLevel(): number {
    for (let depth = this.#depth; depth > 0; depth--) {
      const tag = this.#tags[depth] ?? 0;
      if (tag >= H1 && tag <= H6) return tag - H1 + 1;
    }
    return 1;
  }

  /** What a run is, by the nearest element that says so. */
  #kind(): number {
    if (this.#pre > 0) return BlockKind.code;
    for (let depth = this.#depth; depth > 0; depth--) {
      const tag = this.#tags[depth] ?? 0;
      const bits = TAG_BITS[tag] ?? 0;
      if ((bits & TagBit.heading) !== 0) return BlockKind.heading;
      if ((bits & TagBit.control) !== 0) return BlockKind.control;
      if (tag === TD || tag === TH) return BlockKind.cell;
      if (tag === LI) return arrays.blocksIn(this.#stack[depth] ?? 0) === 0 ? BlockKind.item : BlockKind.paragraph;
      if (tag === DT) return BlockKind.term;
      if (tag === CAPTION || tag === FIGCAPTION) return BlockKind.caption;
      if (tag === P || tag === UL || tag === OL || tag === DL || tag === TABLE || tag === TEMPLATE) break;
    }
    return BlockKind.paragraph;
  }

  #isCustom(at: number): boolean {
    const start = this.#words[at * TOKEN_WORDS + 1] ?? 0;
    for (let i = start + 1; i < start + 40; i++) {
      const code = this.#units[i] as number;
      if (code === 45) return true;
      if (code <= 32 || code === 62 || (code === 47 && i > start + 1)) return false;
    }
    return false;
  }

  /** Whether the end tag at `at` names the element at `depth`; both are unknown tags. */
  #isSameName(at: number, depth: number): boolean {
    const units = this.#units;
    let left = (this.#words[at * TOKEN_WORDS + 1] ?? 0) + 2;
    let right = (this.#words[(arrays.tokenOf(this.#stack[depth] ?? 0) ?? 0) * TOKEN_WORDS + 1] ?? 0) + 1;
    for (;;) {
      const one = (units[left++] as number) | 32;
      const other = (units[right++] as number) | 32;
      const isEnd = !(one === 45 || (one >= 48 && one <= 57) || (one >= 97 && one <= 122));
      const isOtherEnd = !(other === 45 || (other >= 48 && other <= 57) || (other >= 97 && other <= 122));
      if (isEnd || isOtherEnd) return isEnd && isOtherEnd;
      if (one !== other) return false;
    }
  }
}

const reader = new PageReader();
