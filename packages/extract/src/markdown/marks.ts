/** Inline marks (emphasis, links, code …): which tag makes which, and which of them CommonMark would read as such. */
import { TAGS, tagId } from "../tokenizer/tokens.ts";

export const MarkKind = { none: 0, emphasis: 1, strong: 2, deleted: 3, tag: 4, code: 5, link: 6 } as const;

export type Mark = {
  readonly tag: number;
  kind: number;
  open: string;
  close: string;
  /** Which of the parts opens it; -1 until the first text inside. */
  at: number;
  readonly url?: string | undefined;
  readonly rel?: string | undefined;
  /** Where the text stood when a link began. */
  readonly textStart?: number;
  readonly partStart?: number;
};

/** An emphasis whose opening and closing parts are known; what cannot be read as one is blanked at the end of the block. */
export type Emphasis = { readonly kind: number; readonly open: number; readonly close: number };

type MarkShape = { readonly kind: number; readonly open: string; readonly close: string };

const INERT: MarkShape = { kind: MarkKind.none, open: "", close: "" };

/** By tag id. */
const SHAPES: readonly (MarkShape | undefined)[] = byTag({
  em: emphasis(MarkKind.emphasis, "*"),
  i: emphasis(MarkKind.emphasis, "*"),
  strong: emphasis(MarkKind.strong, "**"),
  b: emphasis(MarkKind.strong, "**"),
  del: emphasis(MarkKind.deleted, "~~"),
  s: emphasis(MarkKind.deleted, "~~"),
  strike: emphasis(MarkKind.deleted, "~~"),
  sub: { kind: MarkKind.tag, open: "<sub>", close: "</sub>" },
  sup: { kind: MarkKind.tag, open: "<sup>", close: "</sup>" },
  kbd: { kind: MarkKind.tag, open: "<kbd>", close: "</kbd>" },
  code: { kind: MarkKind.code, open: "", close: "" },
  tt: { kind: MarkKind.code, open: "", close: "" },
  samp: { kind: MarkKind.code, open: "", close: "" },
});

function byTag(shapes: Readonly<Record<string, MarkShape>>): (MarkShape | undefined)[] {
  const list = new Array<MarkShape | undefined>(TAGS.length + 1).fill(undefined);
  for (const [name, shape] of Object.entries(shapes)) list[tagId(name)] = shape;
  return list;
}

function emphasis(kind: number, mark: string): MarkShape {
  return { kind, open: mark, close: mark };
}

/** A new mark for an inline tag; undefined for tags that leave none. */
export function markOf(tag: number): Mark | undefined {
  const shape = SHAPES[tag];
  return shape && { tag, at: -1, kind: shape.kind, open: shape.open, close: shape.close };
}

export function isMarkTag(tag: number): boolean {
  return SHAPES[tag] !== undefined;
}

/** Takes a mark's meaning away, so that only its text is left. */
export function quench(mark: Mark): void {
  Object.assign(mark, INERT);
}

/** Emphases of one block that are looked at together; a block with more has them on single letters. */
const EMPHASES_MAX = 500;

/**
 * Blanks each emphasis that CommonMark (6.2, flanking) would not read as one: inside a word, or with a mark of punctuation at its
 * inner edge and a letter at its outer one. Two of a kind that touch become one.
 */
export function settleEmphases(parts: string[], emphases: readonly Emphasis[]): void {
  const ends = new Map(emphases.map((one) => [one.close, one]));
  if (emphases.length > EMPHASES_MAX) {
    for (const one of emphases) blank(parts, one, ends);
    return;
  }
  for (const one of [...emphases].sort((left, right) => left.open - right.open)) mergeTouching(parts, one, ends);
  // A mark that goes changes what its neighbours touch.
  for (let unread = unreadable(parts, ends); unread; unread = unreadable(parts, ends)) blank(parts, unread, ends);
}

function mergeTouching(parts: string[], one: Emphasis, ends: Map<number, Emphasis>): void {
  const before = previousPart(parts, one.open);
  const touched = ends.get(before);
  if (!touched) return;
  if (touched.kind !== one.kind) {
    blank(parts, one, ends);
    return;
  }
  parts[before] = "";
  parts[one.open] = "";
  ends.set(one.close, { ...one, open: touched.open });
  ends.delete(before);
}

function unreadable(parts: readonly string[], ends: ReadonlyMap<number, Emphasis>): Emphasis | undefined {
  for (const one of ends.values()) if (!isReadable(parts, one, isNested(one, ends))) return one;
  return undefined;
}

function isNested(one: Emphasis, ends: ReadonlyMap<number, Emphasis>): boolean {
  for (const other of ends.values()) if (other.open < one.open && other.close > one.close) return true;
  return false;
}

function blank(parts: string[], one: Emphasis, ends: Map<number, Emphasis>): void {
  const current = ends.get(one.close) ?? one;
  parts[current.open] = "";
  parts[current.close] = "";
  ends.delete(one.close);
}

function previousPart(parts: readonly string[], at: number): number {
  let before = at - 1;
  while (before >= 0 && parts[before] === "") before--;
  return before;
}

function isReadable(parts: readonly string[], { open, close }: Emphasis, isInner: boolean): boolean {
  const outerLeft = edge(parts, open, -1);
  const innerLeft = edge(parts, open, 1);
  const innerRight = edge(parts, close, -1);
  const outerRight = edge(parts, close, 1);
  // Readers differ on marks in marks, and on marks between punctuation, unless space or plain punctuation sets them apart.
  if ((isInner || isPunctuation(innerLeft)) && !/^[\s(“‘"']?$/.test(outerLeft)) return false;
  if ((isInner || isPunctuation(innerRight)) && !/^[\s.,;:?)”’"']?$/.test(outerRight)) return false;
  return isFlanking(outerLeft, innerLeft) && isFlanking(outerRight, innerRight);
}

/** Below this, words are parted by spaces, and emphasis inside one is decoration. */
const WORDLESS_SCRIPTS_FROM = 0x2e80;

function isFlanking(outer: string, inner: string): boolean {
  if (inner === "" || isSpace(inner)) return false;
  if (outer === "" || isSpace(outer) || isPunctuation(outer)) return true;
  return (outer.codePointAt(0) ?? 0) >= WORDLESS_SCRIPTS_FROM;
}

/** The character next to part `at` on one side, beyond marks of the same run. */
function edge(parts: readonly string[], at: number, step: 1 | -1): string {
  const run = parts[at]?.charAt(0) ?? "";
  for (let next = at + step; next >= 0 && next < parts.length; next += step) {
    const part = parts[next] ?? "";
    if (part === "" || (run === "*" && (part === "*" || part === "**"))) continue;
    if (part === "<br>") return "\n";
    if (step > 0) return String.fromCodePoint(part.codePointAt(0) ?? 32);
    const last = part.charCodeAt(part.length - 1);
    return last >= 0xdc00 && last <= 0xdfff ? part.slice(-2) : part.slice(-1);
  }
  return "";
}

function isSpace(char: string): boolean {
  return char === " " || char === "\n";
}

function isPunctuation(char: string): boolean {
  return /[\p{P}\p{S}]/u.test(char);
}
