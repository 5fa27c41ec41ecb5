/**
 * The inline content of a block, read again from its tokens: as plain text and as Markdown at once. Spaces and the opening of marks
 * wait until text follows, so that `<b>bold </b>text` becomes `**bold** text` and empty elements leave nothing.
 */
import { decodeReferences } from "../entities.ts";
import type { Page } from "../page/page.ts";
import { attributeId, TOKEN_WORDS, TokenFlag, TokenKind, tagId } from "../tokenizer/tokens.ts";
import { attributeOf } from "./attributes.ts";
import { destination, escapeInline } from "./escape.ts";
import { InlineParts } from "./inline-parts.ts";
import { isInvisible } from "./invisible.ts";
import type { LinkList } from "./link-list.ts";
import { isMarkTag, type Mark, MarkKind, markOf, quench } from "./marks.ts";
import type { Image, MediaList } from "./media-list.ts";
import { collapse, evenPart } from "./white-space.ts";

const A = tagId("a");
const BR = tagId("br");
const IMG = tagId("img");
const MATH = tagId("math");
const SUP = tagId("sup");
const RP = tagId("rp");
const RT = tagId("rt");
const HREF = attributeId("href");
const REL = attributeId("rel");
/** Elements whose content no reader sees, or sees only when something fails. */
const SKIPPED = new Set(["svg", "audio", "video", "canvas", "select", "template"].map(tagId));
const EMPTY = new Set(
  "br hr img input wbr source track embed area param col link meta base image".split(" ").map(tagId),
);

/** Marks open at once; pages that leave more open have forgotten to close them. */
const MARKS_MAX = 32;
/** Tokens looked through for a formula's end. */
const MATH_TOKENS_MAX = 2_000;

/** Permalink marks that generators hang on headings. */
const PERMALINK = /^(?:[¶§#🔗⚓∞]\ufe0f?)+$/u;
const TRAILING_PERMALINK = /\s*[¶🔗]$/u;

export const InlineStyle = { paragraph: 0, heading: 1, item: 2, cell: 3, term: 4, caption: 5 } as const;

export type InlineRange = {
  readonly start: number;
  readonly end: number;
  /** The open token of a link around the block, or -1. */
  readonly link: number;
  /** `InlineStyle` */
  readonly style: number;
};

export class InlineReader {
  text = "";
  markdown = "";
  readonly #page: Page;
  readonly #links: LinkList;
  readonly #media: MediaList;
  #style = 0;
  readonly #parts = new InlineParts();
  #marks: Mark[] = [];
  #isTextSpaced = false;
  #isSpaced = false;
  /** A `br` that waits, for the text and for the Markdown. */
  #isTextBroken = false;
  #isBroken = false;
  /** The text since the last link began. */
  #linkText = "";
  #codeMark: Mark | undefined;

  constructor(page: Page, links: LinkList, media: MediaList) {
    this.#page = page;
    this.#links = links;
    this.#media = media;
  }

  /** Reads the tokens of one block into `text` and `markdown`, both empty when nothing of it shows. */
  read(range: InlineRange): void {
    this.#start(range);
    const { words } = this.#page.tokens;
    for (let at = range.start; at < range.end; at++) {
      const word = words[at * TOKEN_WORDS] ?? 0;
      const kind = word & 15;
      if (kind === TokenKind.text) this.#readText(at, word);
      else if (kind === TokenKind.open) at = this.#open(at, word, range.end);
      else if (kind === TokenKind.close) this.#end((word >> 8) & 0xffff);
    }
    this.#finish();
  }

  #start({ link, style }: InlineRange): void {
    this.text = "";
    this.#style = style;
    this.#parts.clear();
    this.#marks = [];
    this.#isTextSpaced = false;
    this.#isSpaced = false;
    this.#isTextBroken = false;
    this.#isBroken = false;
    this.#codeMark = undefined;
    if (style === InlineStyle.term)
      this.#marks.push({ tag: -1, kind: MarkKind.strong, open: "**", close: "**", at: -1 });
    if (style === InlineStyle.caption)
      this.#marks.push({ tag: -1, kind: MarkKind.emphasis, open: "*", close: "*", at: -1 });
    if (link >= 0) this.#openLink(link);
  }

  #finish(): void {
    while (this.#marks.length > 0) this.#closeTop();
    this.markdown = this.text === "" ? "" : this.#parts.finish(this.#style === InlineStyle.cell);
    if (this.#style === InlineStyle.heading && (this.text.endsWith("¶") || this.text.endsWith("🔗"))) {
      this.text = this.text.replace(TRAILING_PERMALINK, "");
      this.markdown = this.markdown.replace(TRAILING_PERMALINK, "");
    }
  }

  #readText(at: number, word: number): void {
    if ((word & TokenFlag.blank) !== 0) {
      this.#space();
      return;
    }
    const { html, tokens } = this.#page;
    const start = tokens.words[at * TOKEN_WORDS + 1] ?? 0;
    const end = tokens.words[at * TOKEN_WORDS + 2] ?? 0;
    const even = (word & TokenFlag.entity) === 0 ? evenPart(tokens.units, start, end) : undefined;
    if (even) {
      if (even.start > start) this.#space();
      this.#write(html.slice(even.start, even.end));
      if (even.end < end) this.#space();
      return;
    }
    const raw = html.slice(start, end);
    this.#add(collapse((word & TokenFlag.entity) === 0 ? raw : decodeReferences(raw)));
  }

  /** `shown` has single spaces only, maybe at its ends. */
  #add(shown: string): void {
    const isSpaceFirst = shown.charCodeAt(0) === 32;
    if (isSpaceFirst) this.#space();
    const isSpaceLast = shown.charCodeAt(shown.length - 1) === 32;
    if (shown.length > (isSpaceFirst ? 1 : 0)) {
      this.#write(isSpaceFirst || isSpaceLast ? shown.trim() : shown);
      if (isSpaceLast) this.#space();
    }
  }

  #space(): void {
    this.#isTextSpaced = this.text !== "";
    this.#isSpaced = this.#parts.length > 0;
  }

  #write(plain: string): void {
    const isBroken = this.#isTextBroken && this.text !== "";
    const shown = isBroken ? `${this.#isOneLine ? " " : "\n"}${plain}` : this.#isTextSpaced ? ` ${plain}` : plain;
    this.#isTextBroken = false;
    this.#isTextSpaced = false;
    this.text += shown;
    this.#linkText += shown;
    if (this.#codeMark) this.#writeCode(this.#codeMark, plain);
    else {
      this.#writeGap();
      this.#openMarks();
      this.#parts.pushText(plain, this.#isLabel);
    }
  }

  #writeCode(mark: Mark, plain: string): void {
    if (mark.at >= 0 && !this.#isBroken) {
      this.#parts.strings[mark.at] += this.#isSpaced ? ` ${plain}` : plain;
      this.#isSpaced = false;
      return;
    }
    this.#writeGap();
    this.#openMarks();
    mark.at = this.#parts.length;
    this.#parts.pushCode(plain);
  }

  get #isOneLine(): boolean {
    return this.#style === InlineStyle.heading || this.#style === InlineStyle.item || this.#style === InlineStyle.cell;
  }

  get #isLabel(): boolean {
    return this.#marks.some(isOpenLink);
  }

  /** The space or line break that was waiting. */
  #writeGap(): void {
    if (this.#isBroken && this.#parts.length > 0) {
      if (this.#style === InlineStyle.cell) this.#parts.push("<br>");
      else this.#parts.push(this.#style === InlineStyle.heading ? " " : "  \n");
    } else if (this.#isSpaced)
      this.#parts.pushText(
        " ",
        this.#marks.some((mark) => mark.at >= 0 && isOpenLink(mark)),
      );
    this.#isBroken = false;
    this.#isSpaced = false;
  }

  #openMarks(): void {
    for (const mark of this.#marks) {
      if (mark.at >= 0 || mark.kind === MarkKind.code) continue;
      mark.at = this.#parts.length;
      this.#parts.push(mark.open);
    }
  }

  /** Gives the last token that belongs to the tag: its attributes, or its whole content when that does not show. */
  #open(at: number, word: number, end: number): number {
    const id = (word >> 8) & 0xffff;
    const attributes = this.#page.tokens.words[at * TOKEN_WORDS + 3] ?? 0;
    const last = at + attributes;
    if (id === BR) this.#break();
    else if (id === IMG) this.#addImage(at);
    else if (EMPTY.has(id)) return last;
    else if (id === RP || SKIPPED.has(id) || (attributes > 0 && isInvisible(this.#page, at)))
      return (word & TokenFlag.selfClosing) !== 0 && SKIPPED.has(id) ? last : this.#endOf(at, id, end);
    else if (id === MATH) return this.#openMath(at, end);
    else if (id === A) this.#openLink(at);
    else if (id === RT) this.#write("(");
    else if (isMarkTag(id)) this.#openMark(id);
    return last;
  }

  #break(): void {
    this.#isTextBroken = true;
    this.#isBroken = true;
  }

  /** The end tag of the element that opens at `at`, or the block's last token when there is none. */
  #endOf(at: number, id: number, end: number): number {
    const { words } = this.#page.tokens;
    let depth = 1;
    for (let token = at + 1; token < end; token++) {
      const word = words[token * TOKEN_WORDS] ?? 0;
      if (((word >> 8) & 0xffff) !== id) continue;
      if ((word & 15) === TokenKind.open) depth++;
      else if ((word & 15) === TokenKind.close && --depth === 0) return token;
    }
    return end - 1;
  }

  /** A formula that carries its TeX is shown as that; others as the text of their signs. */
  #openMath(at: number, end: number): number {
    const { words } = this.#page.tokens;
    const close = this.#endOf(at, MATH, Math.min(end, at + MATH_TOKENS_MAX));
    for (let token = at + 1; token < close; token++) {
      const word = words[token * TOKEN_WORDS] ?? 0;
      const start = words[token * TOKEN_WORDS + 1] ?? 0;
      if ((word & 15) !== TokenKind.open || !this.#page.html.startsWith("annotation", start + 1)) continue;
      if (!this.#page.html.slice(start, words[token * TOKEN_WORDS + 2]).includes("tex")) continue;
      const text = token + 1 + (words[token * TOKEN_WORDS + 3] ?? 0);
      const raw = this.#page.html.slice(words[text * TOKEN_WORDS + 1], words[text * TOKEN_WORDS + 2]);
      this.#add(`$${collapse(decodeReferences(raw)).trim()}$`);
      return close;
    }
    return at + (words[at * TOKEN_WORDS + 3] ?? 0);
  }

  #openMark(id: number): void {
    const mark = markOf(id);
    if (!mark || this.#marks.length >= MARKS_MAX) return;
    const isSame = this.#marks.some((other) => other.kind === mark.kind && mark.kind !== MarkKind.none);
    // Headings and terms are marked as a whole.
    const isMarked =
      (this.#style === InlineStyle.heading && mark.kind === MarkKind.strong) ||
      (this.#style === InlineStyle.term && mark.kind === MarkKind.emphasis);
    if (this.#codeMark || isSame || isMarked) quench(mark);
    else if (mark.kind === MarkKind.code) this.#codeMark = mark;
    this.#marks.push(mark);
  }

  #openLink(at: number): void {
    if (this.#marks.some((mark) => mark.kind === MarkKind.link)) this.#close(A);
    const href = attributeOf(this.#page, at, HREF);
    const url = this.#links.resolve(href);
    const top = this.#marks.at(-1);
    // The mark of a note is read better as "[1]" than raised.
    if (url === undefined && top?.tag === SUP && top.at < 0) quench(top);
    const open = url === undefined || this.#codeMark ? "" : "[";
    this.#linkText = "";
    this.#marks.push({
      tag: A,
      kind: MarkKind.link,
      open,
      close: "",
      at: -1,
      url,
      rel: attributeOf(this.#page, at, REL),
      textStart: this.text.length,
      partStart: this.#parts.length,
    });
  }

  #end(id: number): void {
    if (id === RT) this.#write(")");
    else if (id === A || isMarkTag(id)) this.#close(id);
  }

  #close(id: number): void {
    let at = this.#marks.length - 1;
    while (at >= 0 && this.#marks[at]?.tag !== id) at--;
    if (at < 0) return;
    // Marks that were opened inside and are still open go on after it.
    const reopened: Mark[] = [];
    while (this.#marks.length > at) {
      const mark = this.#closeTop();
      if (mark && this.#marks.length > at && mark.kind !== MarkKind.link) reopened.push(mark);
    }
    for (const mark of reopened.reverse()) {
      const next = { ...mark, at: -1 };
      this.#marks.push(next);
      if (next.kind === MarkKind.code) this.#codeMark = next;
    }
  }

  #closeTop(): Mark | undefined {
    const mark = this.#marks.pop();
    if (!mark) return undefined;
    if (mark === this.#codeMark) this.#codeMark = undefined;
    else if (mark.kind === MarkKind.link) this.#closeLink(mark);
    else if (mark.at >= 0 && mark.close !== "") {
      if (mark.kind !== MarkKind.tag)
        this.#parts.addEmphasis({ kind: mark.kind, open: mark.at, close: this.#parts.length });
      this.#parts.push(mark.close);
    }
    return mark;
  }

  #closeLink(mark: Mark): void {
    const plain = this.#linkText.trim();
    if (mark.textStart === this.text.length || plain === "") return;
    if (PERMALINK.test(plain)) {
      this.#takeBack(mark);
      return;
    }
    if (mark.url === undefined) return;
    this.#links.add(mark.url, plain.replaceAll("\n", " "), mark.rel);
    if (mark.open === "" || mark.at < 0) return;
    if (this.#isAddress(plain, mark.url)) this.#parts.makeAddress(mark.at, plain);
    else this.#parts.push(`](${destination(mark.url)})`);
  }

  /** Whether a link's text says its address, so that GFM links it by itself. */
  #isAddress(text: string, url: string): boolean {
    if (/[\s<>]/.test(text)) return false;
    if (url.startsWith("mailto:")) return url === `mailto:${text}`;
    if (text.startsWith("www.")) return this.#links.resolve(`http://${text}`) === url;
    return /^https?:\/\//.test(text) && this.#links.resolve(text) === url;
  }

  /** Takes a permalink's text away again; marks that opened for it wait anew. */
  #takeBack(mark: Mark): void {
    const length = mark.partStart ?? 0;
    const before = this.text.slice(0, mark.textStart);
    const after = this.text.slice(mark.textStart);
    this.text = before.trimEnd();
    this.#isTextSpaced = this.text !== "" && (before !== this.text || after.startsWith(" ") || this.#isTextSpaced);
    this.#isSpaced = this.#isTextSpaced;
    this.#parts.truncate(length);
    for (const open of this.#marks) if (open.at >= length) open.at = -1;
  }

  #addImage(at: number): void {
    const image = this.#media.addImage(this.#page, at);
    if (!image || image.alt === "" || this.#codeMark) return;
    this.#writeGap();
    this.#parts.push(imageMarkdown(image, this.#style === InlineStyle.cell));
  }
}

function isOpenLink(mark: Mark): boolean {
  return mark.kind === MarkKind.link && mark.url !== undefined;
}

/** An image with its words, in Markdown. */
export function imageMarkdown({ url, alt }: Image, isCell = false): string {
  return `![${escapeInline(alt, { isLabel: true, isCell })}](${destination(url)})`;
}
