/**
 * The tokenizer in JavaScript: WHATWG 13.2.5 in one pass, with scripting off. It is the kernel's oracle and its fallback. Comments,
 * doctypes and what the parser drops (`</>`, a tag cut off by the page's end) leave no token; text on both sides is two tokens.
 */
import { ForeignStack } from "./foreign-stack.ts";
import { ATTRIBUTE_TABLE, FNV_PRIME, NAME_BYTES, type NameTable, SLOT_SHIFT, TAG_TABLE } from "./name-table.ts";
import { endsName, rawEnd, scriptEnd } from "./raw-end.ts";
import { MATH_ID, SVG_ID, TAG_TRAITS, Trait } from "./tag-traits.ts";
import { TOKEN_WORDS, TokenFlag, type Tokenize, TokenKind, type Tokens } from "./tokens.ts";

/** Words held from page to page, 1 MB; more, which a page of some MB may need, go with their page. */
const KEPT_WORDS = 1 << 18;
const KEPT_UNITS = 1 << 18;
const RAW_TRAITS = Trait.rawText | Trait.rawReferences | Trait.script | Trait.endless;

const ID_SHIFT = 8;
const GREATER = 0x3e;
const SLASH = 0x2f;
const EQUALS = 0x3d;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const EXCLAMATION = 0x21;
const QUESTION = 0x3f;

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0b);
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** Where a string occurs, for places asked for in rising order: every stretch of the page is searched once. */
class Occurrences {
  private readonly needle: string;
  private at = -1;

  constructor(needle: string) {
    this.needle = needle;
  }

  reset(): void {
    this.at = -1;
  }

  /** The first at or after `from`, or the page's length. */
  next(html: string, from: number): number {
    if (this.at < from) {
      const at = html.indexOf(this.needle, from);
      this.at = at < 0 ? html.length : at;
    }
    return this.at;
  }
}

class Scan {
  words = new Int32Array(KEPT_WORDS);
  units = new Uint16Array(0);
  /** Words in use. */
  fill = 0;
  private readonly references = new Occurrences("&");
  private readonly comments = new Occurrences("<!--");
  private readonly commentEnds = new Occurrences("-->");
  private readonly bangEnds = new Occurrences("--!>");
  private textStart = 0;
  /** Of the name read last: its hash, and the place after it. */
  private hash = 0;
  private nameEnd = 0;
  private isSelfClosing = false;
  /** Ids of the tag's attributes so far, as bits. */
  private seenLow = 0;
  private seenHigh = 0;
  private readonly foreign = new ForeignStack();

  run(html: string): Tokens {
    this.fill = 0;
    this.references.reset();
    this.comments.reset();
    this.commentEnds.reset();
    this.bangEnds.reset();
    this.foreign.depth = 0;
    this.page(html);
    const { words } = this;
    const units = this.copy(html);
    if (words.length > KEPT_WORDS) this.words = new Int32Array(KEPT_WORDS);
    if (units.length > KEPT_UNITS) this.units = new Uint16Array(0);
    return { units, words, count: this.fill / TOKEN_WORDS };
  }

  private copy(html: string): Uint16Array {
    if (html.length > this.units.length) this.units = new Uint16Array(Math.ceil(html.length * 1.25));
    const { units } = this;
    Buffer.from(units.buffer).write(html, "utf16le");
    return units;
  }

  private page(html: string): void {
    let at = html.indexOf("<");
    this.textStart = 0;
    while (at >= 0 && at + 1 < html.length) {
      const end = this.markup(html, at);
      if (end !== at) this.textStart = end;
      at = html.indexOf("<", end === at ? at + 1 : end);
    }
    this.text(html, html.length);
  }

  /** What starts with the `<` at `at`: the place after it, or `at` when it is text. */
  private markup(html: string, at: number): number {
    const code = html.charCodeAt(at + 1);
    if (isLetter(code)) {
      this.text(html, at);
      return this.open(html, at);
    }
    if (code === SLASH) return this.endTag(html, at);
    if (code !== EXCLAMATION && code !== QUESTION) return at;
    this.text(html, at);
    return code === QUESTION ? afterNext(html, ">", at) : this.declaration(html, at);
  }

  private endTag(html: string, at: number): number {
    if (at + 2 === html.length) return at;
    this.text(html, at);
    const code = html.charCodeAt(at + 2);
    return isLetter(code) ? this.close(html, at) : afterNext(html, ">", at + 2);
  }

  private declaration(html: string, at: number): number {
    if (html.startsWith("--", at + 2)) return this.commentEnd(html, at + 4);
    if (!this.foreign.isForeign || !html.startsWith("[CDATA[", at + 2)) return afterNext(html, ">", at);
    const start = at + 9;
    const found = html.indexOf("]]>", start);
    const end = found < 0 ? html.length : found;
    if (end > start) this.push(TokenKind.text | (isBlank(html, start, end) ? TokenFlag.blank : 0), start, end);
    return found < 0 ? end : end + 3;
  }

  /** `at`: after the `<!--`. */
  private commentEnd(html: string, at: number): number {
    if (html.startsWith(">", at)) return at + 1;
    if (html.startsWith("->", at)) return at + 2;
    const end = this.commentEnds.next(html, at);
    const bangEnd = this.bangEnds.next(html, at);
    return Math.min(html.length, end < bangEnd ? end + 3 : bangEnd + 4);
  }

  private open(html: string, at: number): number {
    const first = this.fill;
    const id = this.name(html, at + 1, TAG_TABLE);
    const name = this.hash;
    this.push(TokenKind.open | (id << ID_SHIFT), at, 0);
    const end = this.attributes(html, this.nameEnd, true);
    if (end < 0) {
      this.fill = first;
      return html.length;
    }
    const { words } = this;
    if (this.isSelfClosing) words[first] = (words[first] ?? 0) | TokenFlag.selfClosing;
    words[first + 2] = end;
    words[first + 3] = (this.fill - first) / TOKEN_WORDS - 1;
    const traits = TAG_TRAITS[id] ?? 0;
    if (this.foreign.depth > 0 || id === SVG_ID || id === MATH_ID) {
      if (this.foreign.open(id, name, this.isSelfClosing)) return end;
    }
    return (traits & RAW_TRAITS) === 0 ? end : this.raw(html, end, id);
  }

  private close(html: string, at: number): number {
    const id = this.name(html, at + 2, TAG_TABLE);
    const name = this.hash;
    const end = this.attributes(html, this.nameEnd, false);
    if (end < 0) return html.length;
    this.push(TokenKind.close | (id << ID_SHIFT), at, end);
    if (this.foreign.depth > 0) this.foreign.close(id, name);
    return end;
  }

  /** The content of the element `id`, which holds no tags; the place of its end tag. */
  private raw(html: string, at: number, id: number): number {
    const end = this.rawEnd(html, at, id);
    if (end > at) {
      const isText = ((TAG_TRAITS[id] ?? 0) & Trait.rawReferences) !== 0;
      const flags = isText && this.hasReference(html, at, end) ? TokenFlag.entity : 0;
      this.push(TokenKind.raw | flags | (id << ID_SHIFT), at, end);
    }
    return end;
  }

  private rawEnd(html: string, at: number, id: number): number {
    const traits = TAG_TRAITS[id] ?? 0;
    if ((traits & Trait.endless) !== 0) return html.length;
    if ((traits & Trait.script) === 0) return rawEnd(html, at, id);
    return scriptEnd(html, at, this.comments.next(html, at));
  }

  /** From after the name of a tag to after its `>`; −1 when the page ends before. */
  private attributes(html: string, from: number, isKept: boolean): number {
    const { length } = html;
    this.isSelfClosing = false;
    this.seenLow = 0;
    this.seenHigh = 0;
    let at = from;
    while (at < length) {
      const code = html.charCodeAt(at);
      if (code === GREATER) return at + 1;
      if (code === SLASH) {
        at++;
        this.isSelfClosing = at < length && html.charCodeAt(at) === GREATER;
      } else if (isSpace(code)) at++;
      else at = this.attribute(html, at, isKept);
    }
    return -1;
  }

  /** The attribute whose name starts at `at`; the place after it. */
  private attribute(html: string, at: number, isKept: boolean): number {
    const { length } = html;
    const id = this.name(html, at, ATTRIBUTE_TABLE);
    const { nameEnd } = this;
    let next = skipSpace(html, nameEnd);
    if (next === length || html.charCodeAt(next) !== EQUALS) {
      if (isKept) this.keep(html, id, nameEnd, nameEnd);
      return next;
    }
    next = skipSpace(html, next + 1);
    const code = next < length ? html.charCodeAt(next) : 0;
    const isQuoted = code === DOUBLE_QUOTE || code === SINGLE_QUOTE;
    const start = isQuoted ? next + 1 : next;
    const end = isQuoted ? html.indexOf(code === DOUBLE_QUOTE ? '"' : "'", start) : unquotedEnd(html, start);
    if (end < 0) return length;
    if (isKept) this.keep(html, id, start, end);
    return isQuoted ? end + 1 : end;
  }

  private keep(html: string, id: number, start: number, end: number): void {
    if (id === 0) return;
    if (id < 32) {
      if ((this.seenLow & (1 << id)) !== 0) return;
      this.seenLow |= 1 << id;
    } else {
      if ((this.seenHigh & (1 << (id - 32))) !== 0) return;
      this.seenHigh |= 1 << (id - 32);
    }
    const flags = this.hasReference(html, start, end) ? TokenFlag.entity : 0;
    this.push(TokenKind.attribute | flags | (id << ID_SHIFT), start, end);
  }

  /** Reads the name at `at` and finds its id; its hash and end are left behind. An attribute's name ends at `=` too, but for its first unit. */
  private name(html: string, at: number, table: NameTable): number {
    const { length } = html;
    const isAttribute = table === ATTRIBUTE_TABLE;
    let hash = table.basis;
    let end = at;
    while (end < length) {
      const code = html.charCodeAt(end);
      if (endsName(code) || (code === EQUALS && isAttribute && end > at)) break;
      hash = Math.imul(hash ^ (code >= 0x41 && code <= 0x5a ? code + 0x20 : code), FNV_PRIME);
      end++;
    }
    this.hash = hash;
    this.nameEnd = end;
    const id = table.slots[hash >>> SLOT_SHIFT] ?? 0;
    return id !== 0 && end - at === table.lengths[id] && isName(html, at, { table, id }) ? id : 0;
  }

  /** Text from the end of the last markup up to `end`. */
  private text(html: string, end: number): void {
    const start = this.textStart;
    if (start >= end) return;
    let flags = 0;
    if (isBlank(html, start, end)) flags = TokenFlag.blank;
    else if (this.hasReference(html, start, end)) flags = TokenFlag.entity;
    this.push(TokenKind.text | flags, start, end);
  }

  private hasReference(html: string, start: number, end: number): boolean {
    return this.references.next(html, start) < end;
  }

  private push(word: number, start: number, end: number): void {
    if (this.fill + TOKEN_WORDS > this.words.length) {
      const wider = new Int32Array(this.words.length * 2);
      wider.set(this.words);
      this.words = wider;
    }
    const { words, fill } = this;
    words[fill] = word;
    words[fill + 1] = start;
    words[fill + 2] = end;
    words[fill + 3] = 0;
    this.fill = fill + TOKEN_WORDS;
  }
}

/** The place after the next `needle`, or the page's length. */
function afterNext(html: string, needle: string, from: number): number {
  const at = html.indexOf(needle, from);
  return at < 0 ? html.length : at + needle.length;
}

function isBlank(html: string, start: number, end: number): boolean {
  let at = start;
  while (at < end && isSpace(html.charCodeAt(at))) at++;
  return at === end;
}

function skipSpace(html: string, from: number): number {
  let at = from;
  while (at < html.length && isSpace(html.charCodeAt(at))) at++;
  return at;
}

function unquotedEnd(html: string, from: number): number {
  let at = from;
  while (at < html.length) {
    const code = html.charCodeAt(at);
    if (code === GREATER || isSpace(code)) return at;
    at++;
  }
  return at;
}

/** Whether the name of `id`, which has the right length, stands at `at` in any case. */
function isName(html: string, at: number, { table, id }: { table: NameTable; id: number }): boolean {
  const { names } = table;
  const row = id * NAME_BYTES;
  const length = table.lengths[id] ?? 0;
  for (let offset = 0; offset < length; offset++) {
    const code = html.charCodeAt(at + offset);
    const lower = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
    if (lower !== names[row + offset]) return false;
  }
  return true;
}

const scan = new Scan();

/** Reads a page in JavaScript. The words are overwritten by the next page. */
export const tokenizeJs: Tokenize = (html) => scan.run(html);
