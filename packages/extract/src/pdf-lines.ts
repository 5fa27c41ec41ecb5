/** Lines of PDF pages, as the reader found them, to blocks: paragraphs, list items, headings by size or outline. */
import type { PlainBlock, PlainBlockKind } from "./plain-block.ts";

export type PdfLine = {
  readonly text: string;
  /** Height of the first character's box, which follows the size of the type. */
  readonly size: number;
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
};

export type PdfPage = { readonly page: number; readonly lines: readonly PdfLine[] };

/** An entry of the document's own table of contents. */
export type OutlineEntry = { readonly title: string; readonly level: number };

export type PageBlocks = { readonly page: number; readonly blocks: readonly PlainBlock[] };

/** A heading is at least this much larger than the body text. */
const HEADING_SCALE = 1.15;
const HEADING_CHARS_MAX = 200;
const LEVELS_MAX = 4;
/** Lines this far apart, in sizes, are two paragraphs; ordinary leading is 1.2. */
const PARAGRAPH_GAP = 1.65;
/** PDFium joins a hyphenated word of two lines with U+FFFE instead of breaking the line. */
const INNER_HYPHEN = /\ufffe/g;
const NUMBERED = /^\s*(?:\d+\.)*\d+\.?\s+\p{L}/u;
/** A line of a table of contents: leaders, then a page number. */
const CONTENTS_LINE = /(?:\s?\.){4,}\s*\w*\s*$/;
const BULLET = /^\s*[•◦▪▸■●○–*·‣]\s+/u;
const LEADERS = /(?:\s?\.){4,}\s*/g;

/** Joins the lines of all pages. Lines repeated at the edges of pages (running titles, page numbers) are left out. */
export function readPdfBlocks(pages: readonly PdfPage[], outline: readonly OutlineEntry[]): PageBlocks[] {
  const running = runningLines(pages);
  const body = bodySize(pages);
  const levelOf = headingLevels(pages, { outline, body });
  return pages.map(({ page, lines }) => {
    const kept = lines.filter((line, at) => !(isEdge(at, lines.length) && running.has(edgeKey(line.text))));
    return { page, blocks: joinLines(kept, levelOf) };
  });
}

function joinLines(lines: readonly PdfLine[], levelOf: (line: PdfLine) => number): PlainBlock[] {
  const blocks: PlainBlock[] = [];
  const rightEdge = lines.reduce((edge, line) => Math.max(edge, line.right), 0);
  let text = "";
  let kind: PlainBlockKind = "paragraph";
  let level = 0;
  let previous: PdfLine | undefined;
  const flush = () => {
    const clean = text.replace(INNER_HYPHEN, "").replace(LEADERS, " ").replace(/\s+/g, " ").trim();
    if (clean !== "") blocks.push({ kind, level, text: clean, links: [] });
    text = "";
  };
  for (const line of lines) {
    const lineLevel = levelOf(line);
    const isBullet = lineLevel === 0 && BULLET.test(line.text);
    const isNew =
      !previous ||
      isBullet ||
      lineLevel !== (kind === "heading" ? level : 0) ||
      (lineLevel > 0 && NUMBERED.test(line.text)) ||
      breaksBefore(previous, line, rightEdge);
    if (isNew) {
      flush();
      kind = kindOf(line, lineLevel, isBullet);
      level = lineLevel > 0 ? lineLevel : isBullet ? 1 : 0;
    }
    text = joinText(text, isBullet ? line.text.replace(BULLET, "") : line.text);
    previous = line;
  }
  flush();
  return blocks;
}

function kindOf(line: PdfLine, level: number, isBullet: boolean): PlainBlockKind {
  if (level > 0) return "heading";
  if (isBullet) return "item";
  return CONTENTS_LINE.test(line.text) ? "row" : "paragraph";
}

function breaksBefore(previous: PdfLine, line: PdfLine, rightEdge: number): boolean {
  const size = Math.max(previous.size, line.size, 1);
  const drop = previous.bottom - line.bottom;
  const endsSentence = /[.!?:;]["')\]]*\s*$/.test(previous.text);
  if (CONTENTS_LINE.test(previous.text)) return true;
  // A jump upwards is the next column: the paragraph goes on unless the last line closed it.
  if (drop < -size) return endsSentence;
  if (drop > PARAGRAPH_GAP * size) return true;
  return endsSentence && (previous.right < rightEdge * 0.8 || line.left > previous.left + size);
}

/** PDFium writes this for a hyphen at a line's end where the word goes on. */
const PDFIUM_HYPHEN = "\u0002";
const SOFT_HYPHEN = "\u00ad";

function joinText(text: string, line: string): string {
  if (text === "") return line;
  const last = text.at(-1);
  if (last === SOFT_HYPHEN || last === PDFIUM_HYPHEN) return text.slice(0, -1) + line.trimStart();
  if (/\p{L}-\s*$/u.test(text) && /^\s*\p{Ll}/u.test(line)) return text.replace(/-\s*$/, "") + line.trimStart();
  return `${text} ${line}`;
}

/** The size that most characters are set in. */
function bodySize(pages: readonly PdfPage[]): number {
  const chars = new Map<number, number>();
  for (const { lines } of pages)
    for (const { size, text } of lines) chars.set(roundSize(size), (chars.get(roundSize(size)) ?? 0) + text.length);
  return [...chars].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [0, 0] as [number, number])[0];
}

function headingLevels(
  pages: readonly PdfPage[],
  { outline, body }: { readonly outline: readonly OutlineEntry[]; readonly body: number },
): (line: PdfLine) => number {
  const byTitle = new Map(outline.map((entry) => [titleKey(entry.title), Math.min(6, entry.level)]));
  const found = new Set<string>();
  for (const { lines } of pages)
    for (const line of lines) if (byTitle.has(titleKey(line.text))) found.add(titleKey(line.text));
  // A table of contents also repeats the titles, with leaders; those lines do not match, being followed by a page number.
  if (outline.length > 0 && found.size * 2 >= byTitle.size) return (line) => byTitle.get(titleKey(line.text)) ?? 0;
  const sizes = new Set<number>();
  for (const { lines } of pages) for (const line of lines) if (isLarge(line, body)) sizes.add(roundSize(line.size));
  const ranked = [...sizes].sort((left, right) => right - left);
  return (line) => (isLarge(line, body) ? Math.min(LEVELS_MAX, ranked.indexOf(roundSize(line.size)) + 1) : 0);
}

function isLarge(line: PdfLine, body: number): boolean {
  return (
    roundSize(line.size) >= body * HEADING_SCALE && line.text.length <= HEADING_CHARS_MAX && /\p{L}{2}/u.test(line.text)
  );
}

function roundSize(size: number): number {
  return Math.round(size * 2) / 2;
}

function titleKey(text: string): string {
  return text
    .toLowerCase()
    .replace(/^[\d.\sivx]+(?=\p{L})/u, "")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

/** Lines that stand at the edge of many pages, their numbers aside. */
function runningLines(pages: readonly PdfPage[]): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const { lines } of pages) {
    const keys = new Set(lines.filter((_, at) => isEdge(at, lines.length)).map((line) => edgeKey(line.text)));
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const least = Math.max(3, pages.length * 0.3);
  return new Set([...counts].filter(([, count]) => count >= least).map(([key]) => key));
}

function isEdge(at: number, count: number): boolean {
  return at < 2 || at >= count - 2;
}

function edgeKey(text: string): string {
  const trimmed = text.trim().toLowerCase();
  return /^[\divxlc]+$/.test(trimmed) ? "#" : trimmed.replace(/\d+/g, "#");
}
