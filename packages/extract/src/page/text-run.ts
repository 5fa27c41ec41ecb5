/** The statistics of one run of inline text, gathered a character at a time while the page is read. */

/** What is counted of a block; the order is that of `Blocks.counts`. */
export const TextCount = {
  chars: 0,
  linkChars: 1,
  words: 2,
  digits: 3,
  upper: 4,
  /** Words that begin with a capital. */
  capitalized: 5,
  /** . ! ? and their relatives in other scripts, at a word's end. */
  sentences: 6,
  commas: 7,
  /** Other marks: | / · • » : - and the like. */
  marks: 8,
  boldChars: 9,
  links: 10,
  images: 11,
  /** Letters beyond ASCII. */
  foreign: 12,
  currency: 13,
  letters: 14,
} as const;

export const TEXT_COUNTS = 15;

export class TextRun {
  readonly counts = new Int32Array(TEXT_COUNTS);
  /** Class of the last character of the block. */
  last = 0;
  space = false;
  inWord = false;
  isLink = false;
  isBold = false;
  wasLink = false;
  chars = 0;
  images = 0;

  /** Counts the sentence that ends with the run. */
  finish(): void {
    if (this.last === END) this.counts[TextCount.sentences] = (this.counts[TextCount.sentences] ?? 0) + 1;
  }

  clear(): void {
    // Fewer numbers than a call of `fill` is worth (measured).
    for (let at = 0; at < TEXT_COUNTS; at++) this.counts[at] = 0;
    this.last = 0;
    this.space = false;
    this.inWord = false;
    this.wasLink = false;
    this.chars = 0;
    this.images = 0;
  }
}

const SPACE = 1;
const LOWER = 2;
const UPPER = 3;
const DIGIT = 4;
const END = 5;
const COMMA = 6;
const MARK = 7;
const CURRENCY = 8;
const OTHER = 9;

/** Class by code unit below 256. */
const CLASSES = classesOf();

function classesOf(): Uint8Array {
  const classes = new Uint8Array(256).fill(OTHER);
  for (let code = 0; code <= 32; code++) classes[code] = SPACE;
  classes[0xa0] = SPACE;
  classes[0xad] = SPACE;
  for (let code = 97; code <= 122; code++) classes[code] = LOWER;
  for (let code = 65; code <= 90; code++) classes[code] = UPPER;
  for (let code = 48; code <= 57; code++) classes[code] = DIGIT;
  for (let code = 0xc0; code < 256; code++) classes[code] = code < 0xdf ? UPPER : LOWER;
  const set = (chars: string, value: number) => {
    for (const char of chars) classes[char.charCodeAt(0)] = value;
  };
  set(".!?", END);
  set(",;", COMMA);
  set("|/:-·»«<>*+=#@_~", MARK);
  set("$€£¥", CURRENCY);
  return classes;
}

/** Class of a code unit beyond Latin-1. */
function classOfWide(code: number): number {
  if (code < 0x2000) return LOWER;
  if (code <= 0x206f) {
    if (code <= 0x200d || code === 0x2028 || code === 0x2029 || code === 0x202f || code === 0x205f || code === 0x2060)
      return SPACE;
    if (code === 0x2026) return END;
    return code === 0x2022 ? MARK : OTHER;
  }
  if (code >= 0x20a0 && code <= 0x20cf) return CURRENCY;
  if (code < 0x2c00) return MARK;
  if (code === 0x3002 || code === 0xff01 || code === 0xff1f || code === 0x0964) return END;
  if (code === 0x3001 || code === 0xff0c) return COMMA;
  if (code === 0x3000 || code === 0xfeff) return SPACE;
  if (code < 0x3040 && code >= 0x3000) return MARK;
  return LOWER;
}

export type Span = { readonly start: number; readonly end: number };

/** Adds the units from `start` to `end` of a page, at least one of which is no white space of HTML's. */
export function addText(run: TextRun, units: Uint16Array, { start, end }: Span): void {
  const { counts } = run;
  let { last, space, inWord } = run;
  let chars = 0;
  let words = 0;
  let letters = 0;
  for (let at = start; at < end; at++) {
    let code = units[at] as number;
    if (code === 38) {
      const reference = referenceEnd(units, at, end);
      if (reference > 0) {
        code = referenceCode(units, at);
        at = reference;
      }
    }
    const kind = code < 256 ? (CLASSES[code] ?? OTHER) : classOfWide(code);
    if (kind === SPACE) {
      if (inWord && last === END) counts[TextCount.sentences] = (counts[TextCount.sentences] ?? 0) + 1;
      space = true;
      inWord = false;
      continue;
    }
    if (space) {
      if (run.chars + chars > 0) chars++;
      space = false;
      inWord = false;
    }
    chars++;
    if (!inWord) {
      inWord = true;
      words++;
      if (kind === UPPER) counts[TextCount.capitalized] = (counts[TextCount.capitalized] ?? 0) + 1;
    }
    last = kind;
    if (kind === LOWER) {
      // Most letters follow another one: they count as characters and letters, and change nothing else.
      const first = at;
      while (at + 1 < end && isAsciiLower(units[at + 1] as number)) at++;
      chars += at - first;
      letters += at - first + 1;
      if (code > 127) counts[TextCount.foreign] = (counts[TextCount.foreign] ?? 0) + 1;
    } else if (kind === UPPER) {
      letters++;
      counts[TextCount.upper] = (counts[TextCount.upper] ?? 0) + 1;
    } else if (kind === DIGIT) counts[TextCount.digits] = (counts[TextCount.digits] ?? 0) + 1;
    else if (kind === COMMA) counts[TextCount.commas] = (counts[TextCount.commas] ?? 0) + 1;
    else if (kind === MARK) counts[TextCount.marks] = (counts[TextCount.marks] ?? 0) + 1;
    else if (kind === CURRENCY) counts[TextCount.currency] = (counts[TextCount.currency] ?? 0) + 1;
    else if (kind === END && code > 0x2fff) counts[TextCount.sentences] = (counts[TextCount.sentences] ?? 0) + 1;
  }
  run.last = last;
  run.space = space;
  run.inWord = inWord;
  finish(run, chars, words, letters);
}

function finish(run: TextRun, chars: number, words: number, letters: number): void {
  const { counts } = run;
  run.chars += chars;
  counts[TextCount.chars] = run.chars;
  counts[TextCount.words] = (counts[TextCount.words] ?? 0) + words;
  counts[TextCount.letters] = (counts[TextCount.letters] ?? 0) + letters;
  if (run.isBold) counts[TextCount.boldChars] = (counts[TextCount.boldChars] ?? 0) + chars;
  if (run.isLink) {
    counts[TextCount.linkChars] = (counts[TextCount.linkChars] ?? 0) + chars;
    if (!run.wasLink && chars > 0) counts[TextCount.links] = (counts[TextCount.links] ?? 0) + 1;
  }
  run.wasLink = run.isLink;
}

/** Index of the `;` that ends the character reference at `at`, or 0. */
function referenceEnd(units: Uint16Array, at: number, end: number): number {
  const stop = Math.min(end, at + 12);
  for (let i = at + 1; i < stop; i++) {
    const code = units[i] as number;
    if (code === 59) return i > at + 1 ? i : 0;
    const isName =
      (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 35;
    if (!isName) return 0;
  }
  return 0;
}

/** Stands for a reference's character: a space for `&nbsp;` and its like, a sign for marks, else a letter. */
function referenceCode(units: Uint16Array, at: number): number {
  const first = units[at + 1];
  if (first === 35) {
    const isHex = ((units[at + 2] as number) | 32) === 120;
    const code = numberIn(units, { start: at + (isHex ? 3 : 2), end: at + 10 }, isHex ? 16 : 10);
    return code >= 0 && code <= 0xffff ? code : 0x2600;
  }
  const second = units[at + 2];
  if (first === 110 && second === 98) return 32;
  if (first === 97 && second === 109) return 38;
  if (first === 109 || first === 110 || first === 108 || first === 114 || first === 104) return 0x2013;
  return 0xe9;
}

/** The number whose digits stand first; -1 without one. As `parseInt` does, "0x" may stand before hexadecimal digits. */
function numberIn(units: Uint16Array, { start, end }: Span, base: number): number {
  const isPrefixed = base === 16 && units[start] === 48 && ((units[start + 1] as number) | 32) === 120;
  let value = -1;
  for (let at = isPrefixed ? start + 2 : start; at < end; at++) {
    const code = units[at] as number;
    const digit = code >= 48 && code <= 57 ? code - 48 : (code | 32) >= 97 ? (code | 32) - 87 : base;
    if (!(digit < base)) break;
    value = (value < 0 ? 0 : value) * base + digit;
  }
  return value;
}

function isAsciiLower(code: number): boolean {
  return code >= 97 && code <= 122;
}
