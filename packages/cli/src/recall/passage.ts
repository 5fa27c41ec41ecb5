/** A passage set for a terminal: its lines broken between words, the words that matched marked. */

export type Piece = { readonly text: string; readonly isHit: boolean };
export type PassageOptions = { readonly columns: number; readonly linesMax: number };

type Word = {
  readonly length: number;
  readonly pieces: readonly Piece[];
  readonly hasHit: boolean;
  /** The first of a paragraph. */
  readonly isFirst: boolean;
};

/**
 * Lines of pieces. `highlights` are offsets [start, end) into `text`. Of a passage longer than `linesMax` the part with the first match is
 * shown, and … where something was left out.
 */
export function setPassage(
  text: string,
  highlights: readonly (readonly number[])[],
  { columns, linesMax }: PassageOptions,
): Piece[][] {
  const lines = breakLines(toWords(text, highlights), columns - 2);
  const firstHit = lines.findIndex((line) => line.some(({ hasHit }) => hasHit));
  const begin = firstHit < linesMax - 1 ? 0 : Math.min(firstHit - 1, lines.length - linesMax);
  const shown = lines.slice(begin, begin + linesMax);
  return shown.map((line, at) => {
    const pieces = line.flatMap((word, index) =>
      index === 0 ? word.pieces : [gap(line[index - 1], word), ...word.pieces],
    );
    if (at === 0 && begin > 0) pieces.unshift({ text: "… ", isHit: false });
    if (at === shown.length - 1 && begin + linesMax < lines.length) pieces.push({ text: " …", isHit: false });
    return pieces;
  });
}

/** Where the passage goes on after headings that are shown above it; 0 when nothing else would be left. */
export function afterHeadings(text: string, headings: readonly string[]): number {
  let at = 0;
  for (let isFound = true; isFound; ) {
    const rest = text.slice(at);
    const start = at + rest.length - rest.trimStart().length;
    const heading = headings.find(
      (one) => one !== "" && /^\s*\n/.test(text.slice(start + one.length)) && text.startsWith(one, start),
    );
    isFound = heading !== undefined;
    if (heading) at = start + heading.length;
  }
  return text.slice(at).trim() === "" ? 0 : at;
}

function toWords(text: string, highlights: readonly (readonly number[])[]): Word[] {
  const hits = [...highlights].sort((left, right) => (left[0] ?? 0) - (right[0] ?? 0));
  const words: Word[] = [];
  let next = 0;
  let before = 0;
  for (const match of text.matchAll(/\S+/g)) {
    const start = match.index;
    const end = start + match[0].length;
    while ((hits[next]?.[1] ?? Number.POSITIVE_INFINITY) <= start) next++;
    const pieces = piecesOf(text, { start, end }, hits.slice(next, next + 8));
    const isFirst = /\n\s*\n/.test(text.slice(before, start));
    words.push({ length: end - start, pieces, hasHit: pieces.some(({ isHit }) => isHit), isFirst });
    before = end;
  }
  return words;
}

function piecesOf(
  text: string,
  { start, end }: { readonly start: number; readonly end: number },
  hits: readonly (readonly number[])[],
): Piece[] {
  const pieces: Piece[] = [];
  let at = start;
  for (const [hitStart = 0, hitEnd = 0] of hits) {
    const from = Math.max(at, hitStart);
    const to = Math.min(end, hitEnd);
    if (from >= to) continue;
    if (from > at) pieces.push({ text: text.slice(at, from), isHit: false });
    pieces.push({ text: text.slice(from, to), isHit: true });
    at = to;
  }
  if (at < end) pieces.push({ text: text.slice(at, end), isHit: false });
  return pieces;
}

function breakLines(words: readonly Word[], columns: number): Word[][] {
  const lines: Word[][] = [];
  let line: Word[] = [];
  let length = 0;
  for (const word of words) {
    if (line.length > 0 && (word.isFirst || length + 1 + word.length > columns)) {
      lines.push(line);
      line = [];
      length = 0;
    }
    length += word.length + (line.length > 0 ? 1 : 0);
    line.push(word);
  }
  return line.length > 0 ? [...lines, line] : lines;
}

/** Between two words that matched, as in a phrase, the space is marked too. */
function gap(left: Word | undefined, right: Word): Piece {
  return { text: " ", isHit: left?.pieces.at(-1)?.isHit === true && right.pieces[0]?.isHit === true };
}
