/**
 * How good a result is, for whoever reads thousands of them and looks at the worst. Every term grows with what it measures and nothing else
 * lowers it, so a page with more text, fewer links, more structure or more metadata never scores less.
 */
import type { ExtractedDocument, Quality } from "../document.ts";

/** What each term is at most; together 100. */
const SHARE = { length: 35, links: 15, structure: 15, metadata: 15, gate: 20 } as const;

/** Characters at which the term of length has 63 % of its share: a short news item. */
const LENGTH_CHARS = 1_500;
const HEADINGS_ENOUGH = 3;
const PARAGRAPHS_ENOUGH = 8;

/** What each field of metadata is worth. */
const FIELDS = { title: 5, description: 3, published: 3, byline: 2, language: 2 } as const;

/** Terms `length`, `links`, `structure`, `metadata`, `gate`, each from 0 to its share; the score is their sum, rounded. O(text). */
export function qualityOf(document: ExtractedDocument): Quality {
  const { text, gate } = document;
  const fullness = 1 - Math.exp(-text.length / LENGTH_CHARS);
  const terms = {
    length: SHARE.length * fullness,
    links: SHARE.links * (1 - linkDensity(document)) * fullness,
    structure: (SHARE.structure / 3) * structureOf(document),
    metadata: metadataOf(document),
    // What no gate looked at (Markdown, text, PDF) needs no browser.
    gate: SHARE.gate * (gate?.probability ?? 1) * fullness,
  };
  const rounded = Object.entries(terms).map(([name, value]) => [name, Math.round(value * 10) / 10] as const);
  return { score: Math.round(rounded.reduce((sum, [, value]) => sum + value, 0)), terms: Object.fromEntries(rounded) };
}

/** Characters of links over characters of text, 0–1. */
function linkDensity({ text, links }: ExtractedDocument): number {
  if (text.length === 0) return 1;
  const linked = links.reduce((sum, link) => sum + link.text.length, 0);
  return Math.min(1, linked / text.length);
}

/** 0–3: headings, paragraphs, and whether there are lists, tables or code. */
function structureOf({ text, headings, code = [], tables = [] }: ExtractedDocument): number {
  const isRich = code.length + tables.length > 0 || /^\s*- /m.test(text);
  return (
    Math.min(1, headings.length / HEADINGS_ENOUGH) +
    Math.min(1, paragraphsOf(text) / PARAGRAPHS_ENOUGH) +
    (isRich ? 1 : 0)
  );
}

function paragraphsOf(text: string): number {
  let count = text === "" ? 0 : 1;
  for (let at = text.indexOf("\n\n"); at >= 0; at = text.indexOf("\n\n", at + 2)) count++;
  return count;
}

function metadataOf(document: ExtractedDocument): number {
  let sum = 0;
  for (const [name, worth] of Object.entries(FIELDS)) if (document[name as keyof typeof FIELDS]) sum += worth;
  return sum;
}
