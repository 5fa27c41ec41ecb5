/** Kept blocks to the document's text, with the offsets of headings, code and links. */

import type { Heading, Link, TextRange } from "./document.ts";
import { LINKS_MAX, TEXT_CHARS_MAX } from "./limits.ts";
import type { PlainBlock } from "./plain-block.ts";

export type Assembled = {
  readonly text: string;
  readonly headings: readonly Heading[];
  readonly links: readonly Link[];
  readonly code: readonly TextRange[];
  /** Characters of the block at which the text was cut; 0 when it is whole. */
  readonly leftOutChars: number;
};

/** Permalink marks that generators hang on headings. */
const HEADING_MARK = /\s*[¶§#🔗]+$|^[¶§#🔗]+\s*/gu;

const PERMALINK = /\s*¶$/u;

/** Joins `blocks` in order; `base` makes the links absolute. Text past the limit is cut at a block. */
export function assemblePlain(blocks: Iterable<PlainBlock>, base?: string): Assembled {
  let text = "";
  let leftOutChars = 0;
  let previous: PlainBlock | undefined;
  const headings: Heading[] = [];
  const code: TextRange[] = [];
  const links = new LinkList(base);
  for (const block of blocks) {
    const shown = show(block);
    if (shown === "") continue;
    if (text.length + shown.length + 2 > TEXT_CHARS_MAX) {
      leftOutChars = shown.length;
      break;
    }
    if (previous) text += separator(previous, block);
    const start = text.length;
    text += shown;
    if (block.kind === "heading") headings.push({ level: block.level, text: shown, start });
    else if (block.kind === "code") code.push({ start, end: text.length });
    links.add(block.links);
    previous = block;
  }
  return { text, headings, links: links.all, code, leftOutChars };
}

function separator(previous: PlainBlock, block: PlainBlock): string {
  return block.kind === previous.kind && (block.kind === "item" || block.kind === "row") ? "\n" : "\n\n";
}

function show(block: PlainBlock): string {
  if (block.kind === "heading") return block.text.replace(/\s+/g, " ").replace(HEADING_MARK, "").trim();
  if (block.kind === "code") return block.text;
  if (block.kind !== "item") return block.text.replace(PERMALINK, "");
  return `${"  ".repeat(Math.min(block.level, 8) - 1)}- ${block.text.replace(/\s*\n\s*/g, " ").replace(PERMALINK, "")}`;
}

class LinkList {
  readonly #base: string | undefined;
  readonly #seen = new Map<string, Link>();

  constructor(base: string | undefined) {
    this.#base = base;
  }

  get all(): readonly Link[] {
    return [...this.#seen.values()];
  }

  add(links: readonly Link[]): void {
    for (const { url, text } of links) {
      if (this.#seen.size >= LINKS_MAX) return;
      const absolute = resolveLink(url, this.#base);
      if (absolute !== undefined && !this.#seen.has(absolute)) this.#seen.set(absolute, { url: absolute, text });
    }
  }
}

/** The absolute http(s) address, or undefined for a mark on the same page and for other schemes. */
export function resolveLink(url: string, base: string | undefined): string | undefined {
  if (url === "" || url.startsWith("#")) return undefined;
  const parsed = URL.parse(url, base);
  return parsed && (parsed.protocol === "http:" || parsed.protocol === "https:") ? parsed.href : undefined;
}
