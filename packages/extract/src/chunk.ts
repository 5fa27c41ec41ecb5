/**
 * Cuts a document into pieces to embed and to cite. A chunk is a range of the document's text, nothing is rewritten, so a
 * citation's offsets are exact by construction. Cuts fall at headings, then paragraphs, then sentences.
 */
import { checkInteger } from "@millrace/core";
import type { ExtractedDocument } from "./document.ts";
import { headingPaths, pageAt } from "./heading-path.ts";
import { splitText, type Unit } from "./split-text.ts";

export type Chunk = {
  /** 0, 1, 2 … in order of the text. */
  readonly index: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Headings that the chunk stands under, outermost first, its own first. */
  readonly headings: readonly string[];
  /** PDF: the page it begins on. */
  readonly page?: number;
};

export type ChunkOptions = {
  /** Characters aimed at; default 900: about 200 words, what small embedders hold. */
  readonly targetChars?: number;
  /** Characters never passed; default 1,600. */
  readonly maxChars?: number;
  /** Neighbours under one heading are joined up to this; default 200. */
  readonly minChars?: number;
  /** Characters of the chunk before that a chunk repeats, under the same heading only; default 0. */
  readonly overlapChars?: number;
};

type Piece = { start: number; end: number; readonly section: number };
type Sizes = { readonly target: number; readonly max: number; readonly min: number; readonly overlap: number };
type ChunkSource = Pick<ExtractedDocument, "text" | "headings" | "code" | "pages">;

/**
 * Chunks in order. With no overlap they do not share a character, and together they hold every character that is not white
 * space. Throws `invalid_argument` for sizes that contradict each other. Linear in the text.
 */
export function chunk(document: ChunkSource, options: ChunkOptions = {}): Chunk[] {
  const sizes = sizesOf(options);
  const units = splitText(document, sizes.max, sizes.target);
  const pieces = joinTiny(pack(units, sizes), sizes);
  if (sizes.overlap > 0) overlap(document.text, pieces, sizes);
  const paths = headingPaths(document);
  return pieces.map(({ start, end }, index) => {
    const page = pageAt(document.pages, start);
    return { index, start, end, headings: paths(start, end), ...(page === undefined ? {} : { page }) };
  });
}

function sizesOf(options: ChunkOptions): Sizes {
  const max = checkInteger("maxChars", options.maxChars ?? 1_600, { min: 64, max: 100_000 });
  const target = checkInteger("targetChars", options.targetChars ?? Math.min(900, max), { min: 32, max });
  const min = checkInteger("minChars", options.minChars ?? Math.min(200, target), { min: 0, max: target });
  return {
    max,
    target,
    min,
    overlap: checkInteger("overlapChars", options.overlapChars ?? 0, { min: 0, max: Math.floor(max / 2) }),
  };
}

/** Fills pieces up to the target, within a section; a unit that would leave a small remainder behind is taken along. */
function pack(units: readonly Unit[], { target, max, min }: Sizes): Piece[] {
  const pieces: Piece[] = [];
  for (const unit of units) {
    const last = pieces.at(-1);
    const joined = last ? unit.end - last.start : 0;
    const isSmall = last !== undefined && (last.end - last.start < min || unit.end - unit.start < min);
    const limit = isSmall && !unit.isHeading ? Math.min(max, target + min) : target;
    if (last && last.section === unit.section && joined <= limit && !(unit.isHeading && last.end - last.start >= min))
      last.end = unit.end;
    else pieces.push({ start: unit.start, end: unit.end, section: unit.section });
  }
  return pieces;
}

/** Joins pieces below the minimum with a neighbour: the one of the same section first, else the one after. */
function joinTiny(pieces: readonly Piece[], { max, min, target }: Sizes): Piece[] {
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    const fits = last !== undefined && piece.end - last.start <= max;
    const isTail = last !== undefined && last.section === piece.section && piece.end - piece.start < min;
    // A heading with nothing under it, or next to nothing, goes with what follows.
    const isLead = last !== undefined && last.end - last.start < min && piece.end - last.start <= target + min;
    if (last && fits && (isTail || isLead))
      joined[joined.length - 1] = { start: last.start, end: piece.end, section: piece.section };
    else joined.push({ ...piece });
  }
  const last = joined.at(-1);
  const before = joined.at(-2);
  if (last && before && last.end - last.start < min && last.end - before.start <= max)
    joined.splice(-2, 2, { ...before, end: last.end });
  return joined;
}

/** Begins each piece earlier, at a word, inside its section and its limit. Backwards, so that each looks at what was before it. */
function overlap(text: string, pieces: Piece[], { overlap: chars, max }: Sizes): void {
  for (let at = pieces.length - 1; at > 0; at--) {
    const piece = pieces[at] as Piece;
    const before = pieces[at - 1] as Piece;
    if (before.section !== piece.section) continue;
    const earliest = Math.max(before.start + 1, piece.end - max, piece.start - chars);
    if (earliest >= piece.start) continue;
    const gap = text.slice(earliest, piece.start).search(/\s\S/);
    if (gap >= 0) piece.start = earliest + gap + 1;
  }
}
