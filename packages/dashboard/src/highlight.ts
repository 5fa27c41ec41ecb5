/** Cuts a text at the words that matched, so that they can be marked. */
export type Piece = { readonly text: string; readonly isMatch: boolean };

/** The pieces joined are the text; ranges may overlap, touch, be out of order or reach beyond the text. */
export function cutAtMatches(text: string, ranges: readonly (readonly number[])[]): Piece[] {
  const pieces: Piece[] = [];
  const add = (part: string, isMatch: boolean) => {
    if (part !== "") pieces.push({ text: part, isMatch });
  };
  let at = 0;
  for (const [start = 0, end = 0] of ranges.toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0))) {
    if (end <= at) continue;
    add(text.slice(at, Math.max(at, start)), false);
    add(text.slice(Math.max(at, start), end), true);
    at = Math.max(at, end);
  }
  add(text.slice(at), false);
  return pieces;
}
