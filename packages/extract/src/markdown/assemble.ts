/**
 * Kept blocks to a document: plain text with the offsets of its headings and code, Markdown that a language model reads well, and
 * what stands in the text (links, media, tables). Only the tokens of kept blocks and of the gaps beside them are read again.
 */
import type { DocumentTable, Heading, Link, Media, TextRange } from "../document.ts";
import { TABLES_MAX, TEXT_CHARS_MAX } from "../limits.ts";
import { BlockKind, type Page } from "../page/page.ts";
import { BlockWriter } from "./block-writer.ts";
import { Boxes } from "./boxes.ts";
import { cleanHtml } from "./clean-html.ts";
import { languageOfCode, preOf, readCode } from "./code-block.ts";
import { codeFence, escapeHeadingEnd, escapeLineStart } from "./escape.ts";
import { type GapSide, readGap } from "./gaps.ts";
import { InlineReader, InlineStyle, imageMarkdown } from "./inline-reader.ts";
import { LinkList } from "./link-list.ts";
import { MediaList } from "./media-list.ts";
import { readTable, showTable } from "./tables.ts";

export type AssembleOptions = {
  /** What relative addresses are relative to; without it they are left out. */
  readonly base?: string | undefined;
  /** Whether to make clean HTML as well. */
  readonly html?: boolean | undefined;
  /** Whether blocks stay that repeat the one before: a page does so by mistake, a file's author on purpose. Default false. */
  readonly repeats?: boolean | undefined;
};

export type AssembledMarkdown = {
  /** Blocks parted by an empty line, items on lines with "- ", rows with " | ", code as it stands. */
  readonly text: string;
  /** GFM; read back and assembled again it is the same. */
  readonly markdown: string;
  readonly html?: string;
  /** Offsets into `text`, in order. */
  readonly headings: readonly Heading[];
  readonly code: readonly TextRange[];
  /** Absolute http(s) addresses, each once. */
  readonly links: readonly Link[];
  readonly media: readonly Media[];
  readonly tables: readonly DocumentTable[];
  /** Characters of the block at which the text was cut; 0 when it is whole. */
  readonly leftOutChars: number;
};

/** Assembles the blocks of `page` whose flag in `keep` is 1. Text beyond `TEXT_CHARS_MAX` is cut at a block. */
export function assembleMarkdown(page: Page, keep: Uint8Array, options: AssembleOptions = {}): AssembledMarkdown {
  boxes.read(page);
  const assembly = new Assembly(page, keep, options);
  assembly.run();
  const assembled = assembly.result();
  return options.html === true ? { ...assembled, html: cleanHtml(assembled.markdown) } : assembled;
}

const boxes = new Boxes();

/** A repeated line this long is a slip of the page (a title above a title), not a list of equal values. */
const REPEATED_CHARS_MIN = 12;

const SpaceBefore = { block: "\n\n", item: "\n" } as const;

class Assembly {
  readonly #page: Page;
  readonly #keep: Uint8Array;
  readonly #keepsRepeats: boolean;
  readonly #links: LinkList;
  readonly #media: MediaList;
  readonly #reader: InlineReader;
  readonly #writer = new BlockWriter(boxes);
  readonly #headings: Heading[] = [];
  readonly #code: TextRange[] = [];
  readonly #tables: DocumentTable[] = [];
  readonly #layoutTables = new Set<number>();
  #text = "";
  /** The last block that shows, and the token after it. */
  #last = -1;
  #lastToken = 0;
  #lastText = "";
  #wasItem = false;
  /** Items that something stands in already. */
  readonly #begun = new Set<number>();
  #link = -1;
  #leftOutChars = 0;

  constructor(page: Page, keep: Uint8Array, { base, repeats }: AssembleOptions) {
    this.#page = page;
    this.#keep = keep;
    this.#keepsRepeats = repeats === true;
    this.#links = new LinkList(base);
    this.#media = new MediaList(this.#links);
    this.#reader = new InlineReader(page, this.#links, this.#media);
  }

  run(): void {
    const { count } = this.#page.blocks;
    for (let at = 0; at < count && this.#leftOutChars === 0; at++) if (this.#keep[at] === 1) at = this.#add(at);
    if (this.#last >= 0 && this.#leftOutChars === 0) this.#addGap(-1);
  }

  result(): AssembledMarkdown {
    return {
      text: this.#text,
      markdown: this.#writer.markdown,
      headings: this.#headings,
      code: this.#code,
      links: this.#links.all,
      media: this.#media.all,
      tables: this.#tables,
      leftOutChars: this.#leftOutChars,
    };
  }

  /** Adds block `at`, with those that belong to it, and gives the last of them. */
  #add(at: number): number {
    const { kind, element } = this.#page.blocks;
    const around = element[at] ?? 0;
    if (kind[at] === BlockKind.code) return this.#addCode(at, around);
    const table = boxes.tableOf(around);
    const last = table >= 0 && !this.#layoutTables.has(table) ? this.#addTable(at, table) : -1;
    if (last >= 0) return last;
    this.#addText(at, around);
    return at;
  }

  #addText(at: number, around: number): void {
    const box = boxes.of(around);
    const kind = this.#page.blocks.kind[at] ?? 0;
    const isItem = boxes.isItem(box) && !this.#begun.has(box);
    const style = styleOf(kind, isItem);
    this.#read(at, style);
    const { text, markdown } = this.#reader;
    if (text === "" || (!isItem && this.#isRepeated(text))) return;
    const indent = isItem ? "  ".repeat(boxes.itemDepth(box) - 1) : "";
    const start = this.#addPlain(isItem ? `${indent}- ${text}` : text, isItem);
    if (start < 0) return;
    this.#addGap(at);
    const level = this.#page.blocks.level[at] || 1;
    if (kind === BlockKind.heading) {
      const offset = isItem ? indent.length + 2 : 0;
      this.#headings.push({ level, text, start: start + offset });
      this.#writer.write(box, `${"#".repeat(level)} ${escapeHeadingEnd(markdown)}`, false);
    } else this.#writer.write(box, withLineStarts(markdown), true);
    this.#end(at, { text, box });
  }

  #isRepeated(text: string): boolean {
    return !this.#keepsRepeats && text.length >= REPEATED_CHARS_MIN && text === this.#lastText;
  }

  #addCode(at: number, around: number): number {
    const { blocks, elements } = this.#page;
    const pre = preOf(this.#page, around);
    let last = at;
    for (let next = at + 1; next < (elements.blockEnd[pre] ?? 0); next++) if (this.#keep[next] === 1) last = next;
    const code = readCode(this.#page, blocks.tokenStart[at] ?? 0, blocks.tokenEnd[last] ?? 0);
    if (code === "" || this.#isGutter(code, last)) return last;
    const start = this.#addPlain(code, false);
    if (start < 0) return last;
    this.#addGap(at);
    this.#code.push({ start, end: start + code.length });
    const box = boxes.of(around);
    this.#writer.write(box, codeFence(code, languageOfCode(this.#page, pre)), false);
    this.#end(last, { text: code, box });
    return last;
  }

  /** A column of line numbers: nothing but numbers, and code beside it in the same table. */
  #isGutter(code: string, last: number): boolean {
    const { kind, element, count } = this.#page.blocks;
    if (!/^\d+(?:\s+\d+)*$/.test(code) || last + 1 >= count) return false;
    const table = boxes.tableOf(element[last] ?? 0);
    return table >= 0 && kind[last + 1] === BlockKind.code && boxes.tableOf(element[last + 1] ?? 0) === table;
  }

  /** Adds the whole table, and gives the last kept block in it; -1 when it is one of layout. */
  #addTable(at: number, table: number): number {
    const grid = readTable(this.#page, this.#keep, table);
    const shown = grid && showTable(grid, this.#reader, (block, style) => this.#read(block, style));
    if (!grid || !shown) {
      this.#layoutTables.add(table);
      return -1;
    }
    for (const caption of grid.captions) this.#addText(caption, this.#page.blocks.element[caption] ?? 0);
    const end = this.#page.elements.blockEnd[table] ?? at + 1;
    let last = at;
    for (let next = at; next < end; next++) if (this.#keep[next] === 1) last = next;
    const { text, markdown, table: values } = shown;
    const start = this.#addPlain(text, false);
    if (start < 0) return last;
    this.#addGap(at);
    const box = boxes.of(table);
    this.#writer.write(box, markdown, false);
    const caption = grid.captions.map((block) => this.#plain(block)).join(" ");
    if (this.#tables.length < TABLES_MAX) this.#tables.push(caption === "" ? values : { caption, ...values });
    this.#end(last, { text, box });
    return last;
  }

  #plain(block: number): string {
    this.#read(block, InlineStyle.cell);
    return this.#reader.text;
  }

  /** Reads a block that is kept; others read as nothing. A link around several blocks is shown at the first. */
  #read(at: number, style: number): void {
    const { tokenStart, tokenEnd, link } = this.#page.blocks;
    const start = tokenStart[at] ?? 0;
    const around = link[at] ?? -1;
    const isAgain = around >= 0 && around === this.#link;
    this.#reader.read({
      start,
      end: this.#keep[at] === 1 ? (tokenEnd[at] ?? 0) : start,
      link: isAgain ? -1 : around,
      style,
    });
    if (this.#reader.text !== "") this.#link = around;
  }

  /** Adds to the plain text and gives where it begins, or -1 when the text is full. */
  #addPlain(shown: string, isItem: boolean): number {
    if (this.#text.length + shown.length + 2 > TEXT_CHARS_MAX) {
      this.#leftOutChars = shown.length;
      return -1;
    }
    if (this.#text !== "") this.#text += isItem && this.#wasItem ? SpaceBefore.item : SpaceBefore.block;
    const start = this.#text.length;
    this.#text += shown;
    this.#wasItem = isItem;
    return start;
  }

  #end(last: number, { text, box }: { readonly text: string; readonly box: number }): void {
    this.#last = last;
    this.#lastToken = this.#page.blocks.tokenEnd[last] ?? 0;
    this.#lastText = text;
    for (let at = box; at >= 0 && !this.#begun.has(at); at = boxes.above(at)) this.#begun.add(at);
  }

  /** Adds the images and rules between the last block that shows and block `next`; -1 for what follows the last. */
  #addGap(next: number): void {
    const { blocks, elements } = this.#page;
    const end = next < 0 ? this.#page.tokens.count : (blocks.tokenStart[next] ?? 0);
    const before = this.#last;
    const box = next < 0 ? -1 : boxes.of(blocks.element[next] ?? 0);
    const add = (gap: { start: number; end: number; side: GapSide }) => {
      for (const { token, image } of readGap(this.#page, this.#media, gap)) {
        let around = box;
        while (around >= 0 && (elements.token[around] ?? 0) > token) around = boxes.above(around);
        if (image) this.#writer.write(around, imageMarkdown(image), false);
        else this.#writer.write(this.#writer.openBox(around), "---", false);
      }
    };
    if (before >= 0 && next === before + 1) add({ start: this.#lastToken, end, side: "both" });
    else {
      if (before >= 0) add({ start: this.#lastToken, end: blocks.tokenStart[before + 1] ?? end, side: "before" });
      if (next >= 0) add({ start: next > 0 ? (blocks.tokenEnd[next - 1] ?? 0) : 0, end, side: "after" });
    }
  }
}

function styleOf(kind: number, isItem: boolean): number {
  if (kind === BlockKind.heading) return InlineStyle.heading;
  if (kind === BlockKind.term) return InlineStyle.term;
  if (kind === BlockKind.caption) return InlineStyle.caption;
  return isItem ? InlineStyle.item : InlineStyle.paragraph;
}

function withLineStarts(markdown: string): string {
  if (!markdown.includes("\n")) return escapeLineStart(markdown);
  return markdown.split("\n").map(escapeLineStart).join("\n");
}
