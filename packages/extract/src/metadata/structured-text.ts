/** Text that a page carries as data: JSON-LD, and the state of application shells, whose elements are empty until scripts run. */
import type { Page } from "../page/page.ts";
import { readPayloads } from "./hydration.ts";
import { linkData } from "./linked-data.ts";
import { proseStrings } from "./prose-strings.ts";
import type { Metadata } from "./read-metadata.ts";
import { thingText } from "./thing-text.ts";

export type StructuredText = {
  /** Markdown without links: headings of questions, lists, posts with their authors in bold. */
  readonly markdown: string;
  /** The same as plain text, blocks separated by an empty line. */
  readonly text: string;
  /** "json-ld:NewsArticle", "next", "nuxt", "json" or "state". */
  readonly source: string;
};

/** A page whose elements show more characters than this says what it has to say. */
const SHELL_CHARS_MAX = 2_000;
/** Text shorter than this is a teaser that the page's description says as well. */
const TEXT_CHARS_MIN = 200;
/** Data must say more than this many times as much as was kept to take its place. */
const TIMES_MORE = 3;

/**
 * The text of the page's data where its elements are an application's shell, else undefined. Scripts are parsed for such pages only.
 * docs/extract-metadata.md has the rule's figures.
 */
export function shellText(page: Page, metadata: Pick<Metadata, "jsonLd">, kept: string): StructuredText | undefined {
  let shown = 0;
  for (const chars of page.blocks.chars) shown += chars;
  if (shown > SHELL_CHARS_MAX) return undefined;
  const best = readStructuredText(page, metadata);
  return best && best.text.length > TIMES_MORE * kept.length ? best : undefined;
}

/** The longest text of the page's data: JSON-LD, or the state of its scripts where that says more than twice as much. */
export function readStructuredText(page: Page, metadata: Pick<Metadata, "jsonLd">): StructuredText | undefined {
  let best = readLinkedText(metadata.jsonLd);
  for (const { kind, value } of readPayloads(page)) {
    const markdown = proseStrings(value).join("\n\n");
    if (markdown.length >= TEXT_CHARS_MIN && markdown.length > 2 * (best?.markdown.length ?? 0)) {
      best = structured(markdown, kind);
    }
  }
  return best;
}

/** The longest text of one JSON-LD thing: an article's body, a recipe, a thread, questions with answers, a product's description. */
export function readLinkedText(jsonLd: readonly unknown[]): StructuredText | undefined {
  const data = linkData(jsonLd);
  let best: StructuredText | undefined;
  for (const thing of data.things) {
    const { type, markdown } = thingText(thing, data);
    if (markdown.length >= TEXT_CHARS_MIN && markdown.length > (best?.markdown.length ?? 0)) {
      best = structured(markdown, `json-ld:${type}`);
    }
  }
  return best;
}

function structured(markdown: string, source: string): StructuredText {
  const text = markdown.replace(/^## /gm, "").replace(/^\*\*(.{1,100})\*\*$/gm, "$1");
  return { markdown, text, source };
}
