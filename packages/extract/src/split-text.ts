/** A document's text as units that are not cut: headings, paragraphs, code blocks, and pieces of those that are too long. */
import type { ExtractedDocument } from "./document.ts";

export type Unit = {
  readonly start: number;
  readonly end: number;
  /** Counts up at each heading of level 1 … 3: a chunk stays within one, unless it is tiny. */
  readonly section: number;
  readonly isHeading: boolean;
};

const SECTION_LEVEL_MAX = 3;
/** Where a sentence ends: Latin, CJK, Arabic, Devanagari marks, closing quotes after them. */
const SENTENCE_END = /[.!?…]["'”’)\]]*\s|[。!?؟।]["'”’」』)]*/gu;

/** Units in order, free of white space at both ends, none longer than `max`; together they hold all other characters. */
export function splitText(
  document: Pick<ExtractedDocument, "text" | "headings" | "code">,
  max: number,
  target: number,
): Unit[] {
  const { text } = document;
  const units: Unit[] = [];
  const headingEnds = new Map(document.headings.map((heading) => [heading.start, heading]));
  let section = 0;
  for (const { start, end, isCode } of paragraphs(document)) {
    const heading = headingEnds.get(start);
    if (heading && heading.level <= SECTION_LEVEL_MAX) section++;
    for (const part of cut(text, { start, end, isCode }, { max, target }))
      units.push({ ...part, section, isHeading: heading !== undefined });
  }
  return units;
}

type Range = { readonly start: number; readonly end: number };
type Paragraph = Range & { readonly isCode: boolean };

/** Ranges between empty lines and at headings; a code block is one range although it holds empty lines. */
function* paragraphs({
  text,
  headings,
  code,
}: Pick<ExtractedDocument, "text" | "headings" | "code">): Generator<Paragraph> {
  const marks = [
    ...headings.map((heading) => ({ start: heading.start, end: heading.start, isCode: false })),
    ...(code ?? []).map((range) => ({ ...range, isCode: true })),
  ];
  marks.sort((left, right) => left.start - right.start);
  let at = 0;
  for (const mark of marks) {
    if (mark.start < at) continue;
    yield* plain(text, at, mark.start);
    if (mark.isCode) yield* trimmed(text, { start: mark.start, end: Math.min(mark.end, text.length), isCode: true });
    at = Math.min(text.length, mark.isCode ? mark.end : mark.start);
  }
  yield* plain(text, at, text.length);
}

function* plain(text: string, start: number, end: number): Generator<Paragraph> {
  let at = start;
  while (at < end) {
    const blank = text.indexOf("\n\n", at);
    const stop = blank < 0 || blank > end ? end : blank;
    yield* trimmed(text, { start: at, end: stop, isCode: false });
    at = stop + 2;
  }
}

function* trimmed(text: string, { start, end, isCode }: Paragraph): Generator<Paragraph> {
  let first = start;
  let last = end;
  while (first < last && isBlank(text, first)) first++;
  while (last > first && isBlank(text, last - 1)) last--;
  if (last > first) yield { start: first, end: last, isCode };
}

/** Cuts a range above the limit at lines (code, lists, rows), else at sentences, else at words, else between characters. */
function* cut(
  text: string,
  range: Paragraph,
  sizes: { readonly max: number; readonly target: number },
): Generator<Range> {
  let { start } = range;
  while (range.end - start > sizes.max) {
    const window = text.slice(start, start + sizes.max);
    let length = range.isCode ? lastLine(window, sizes.target) : lastBreak(window, sizes.target);
    if (splitsPair(text, start + length)) length--;
    const [part] = trimmed(text, { start, end: start + length, isCode: range.isCode });
    if (part) yield part;
    start += length;
    while (start < range.end && isBlank(text, start)) start++;
  }
  if (start < range.end) yield { start, end: range.end };
}

function lastLine(window: string, target: number): number {
  const blank = window.lastIndexOf("\n\n", target);
  if (blank > target / 2) return blank + 1;
  const line = window.lastIndexOf("\n", target);
  return line > 0 ? line + 1 : lastBreak(window, target);
}

/** The cut nearest below the target, or the first above it, best kind first. */
function lastBreak(window: string, target: number): number {
  const line = window.lastIndexOf("\n", target);
  if (line > target / 2) return line + 1;
  let best = 0;
  for (const found of window.matchAll(SENTENCE_END)) {
    const end = found.index + found[0].length;
    if (end > target && best > target / 3) break;
    best = end;
    if (end > target) break;
  }
  if (best > target / 3) return best;
  const word = window.lastIndexOf(" ", target);
  return word > target / 2 ? word + 1 : target;
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 32 || (code >= 9 && code <= 13) || code === 0xa0 || (code > 0xff && /\s/.test(text.charAt(at)));
}

function splitsPair(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  return before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff;
}
