/** The pages of a PDF to a document. */
import { assemblePlain, resolveLink } from "./assemble-plain.ts";
import { countWords, type ExtractedDocument, type Heading, type Link, type PageStart } from "./document.ts";
import { languageOf } from "./language.ts";
import { TEXT_CHARS_MAX } from "./limits.ts";
import { type OutlineEntry, type PdfPage, readPdfBlocks } from "./pdf-lines.ts";
import { plainMarkdown } from "./plain-markdown.ts";

export type PdfInput = {
  readonly pages: readonly PdfPage[];
  readonly outline: readonly OutlineEntry[];
  readonly urls: readonly string[];
  readonly title: string;
  readonly author: string;
  readonly subject: string;
  readonly bytes: number;
};

/** Titles that tools write and nobody chose. */
const MADE_UP_TITLE = /^(untitled|document\d*|microsoft word - .*|.*\.(dvi|docx?|tex|indd|pdf|qxd|html?|odt))$/i;

export function assemblePdf(input: PdfInput): ExtractedDocument {
  const { text, headings, pages } = joinPages(input);
  const language = languageOf(undefined, text);
  const title = input.title === "" || MADE_UP_TITLE.test(input.title) ? largestLine(input.pages) : input.title;
  return {
    contentType: "application/pdf",
    title,
    ...(language === undefined ? {} : { language }),
    text,
    markdown: plainMarkdown({ text, headings }),
    headings,
    links: linksOf(input.urls),
    pages,
    ...(input.author === "" ? {} : { byline: input.author.slice(0, 200) }),
    ...(input.subject === "" ? {} : { description: input.subject }),
    bytes: input.bytes,
    wordCount: countWords(text),
  };
}

/** Headings that every manual page has and no document is called. */
const STOCK_HEADING =
  /^(name|synopsis|description|options|usage|bugs|author|see also|contents|table of contents|abstract|introduction|preface)$/i;
/** The running title of a manual page: `BASH(1)`. */
const MANUAL_PAGE = /^[\w.+:-]+\(\d\w*\)/;
const TITLE_CHARS_MAX = 120;
/** A title is set larger than the text; less than this much larger is chance. */
const TITLE_SCALE_MIN = 1.15;
/** A first page of so few lines is a cover: all of it may be set large. */
const COVER_LINES_MAX = 12;

/** What is set largest on the first page that has text; "" when nothing there stands out as a title. */
function largestLine(pages: readonly PdfPage[]): string {
  const lines = pages.find((page) => page.lines.length > 0)?.lines ?? [];
  const readable = lines.filter((line) => /\p{L}{3}/u.test(line.text));
  const manual = MANUAL_PAGE.exec(readable[0]?.text ?? "")?.[0];
  if (manual) return manual;
  const sizes = readable.map(({ size }) => size).sort((a, b) => a - b);
  const usual = sizes[sizes.length >> 1] ?? 0;
  const titled = readable.filter(({ text }) => text.length <= TITLE_CHARS_MAX && !STOCK_HEADING.test(text.trim()));
  const [first] = titled;
  if (!first) return "";
  const largest = titled.reduce((best, line) => (line.size > best.size ? line : best), first);
  const isCover = readable.length <= COVER_LINES_MAX;
  return isCover || largest.size >= usual * TITLE_SCALE_MIN ? largest.text.replace(/[*†‡]+$/, "").trim() : "";
}

function joinPages(input: PdfInput): {
  readonly text: string;
  readonly headings: Heading[];
  readonly pages: PageStart[];
} {
  let text = "";
  const headings: Heading[] = [];
  const pages: PageStart[] = [];
  for (const { page, blocks } of readPdfBlocks(input.pages, input.outline)) {
    const part = assemblePlain(blocks);
    if (part.text === "") continue;
    if (text.length + part.text.length > TEXT_CHARS_MAX) break;
    if (text !== "") text += "\n\n";
    const offset = text.length;
    pages.push({ page, start: offset });
    for (const heading of part.headings) headings.push({ ...heading, start: heading.start + offset });
    text += part.text;
  }
  return { text, headings, pages };
}

function linksOf(urls: readonly string[]): Link[] {
  const seen = new Map<string, Link>();
  for (const url of urls) {
    const absolute = resolveLink(url, undefined);
    if (absolute !== undefined && !seen.has(absolute)) seen.set(absolute, { url: absolute, text: url });
  }
  return [...seen.values()];
}
