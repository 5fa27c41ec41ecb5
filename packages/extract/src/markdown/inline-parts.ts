/**
 * The Markdown of one block while it is read: marks and texts in order. Text is escaped when all is known, since what it touches
 * decides what has to be.
 */
import { codeSpan, type EscapePlace, escapeInline } from "./escape.ts";
import { type Emphasis, settleEmphases } from "./marks.ts";

const PartKind = { markup: 0, text: 1, label: 2, address: 3, code: 4 } as const;

/** What may follow an address that GFM links by itself without becoming part of it. */
const AFTER_ADDRESS = /^[?!.,:;)'"*_~]*(?:[\s<]|$)/;
const AFTER_MAIL_ADDRESS = /^[?!.,:;)>'"*_~]*(?:[\s<]|$)/;

export class InlineParts {
  readonly strings: string[] = [];
  readonly #kinds: number[] = [];
  #emphases: Emphasis[] = [];
  #isPlain = true;

  get length(): number {
    return this.strings.length;
  }

  clear(): void {
    this.strings.length = 0;
    this.#kinds.length = 0;
    this.#emphases.length = 0;
    this.#isPlain = true;
  }

  push(markup: string): void {
    this.strings.push(markup);
    this.#kinds.push(PartKind.markup);
    this.#isPlain = false;
  }

  /** Text as it is to be read; `isLabel`: between a link's brackets. */
  pushText(text: string, isLabel: boolean): void {
    this.strings.push(text);
    this.#kinds.push(isLabel ? PartKind.label : PartKind.text);
  }

  pushCode(code: string): void {
    this.strings.push(code);
    this.#kinds.push(PartKind.code);
    this.#isPlain = false;
  }

  addEmphasis(emphasis: Emphasis): void {
    this.#emphases.push(emphasis);
  }

  /** Takes back all parts from `length` on. */
  truncate(length: number): void {
    if (length >= this.strings.length) return;
    this.strings.length = length;
    this.#kinds.length = length;
    this.#emphases = this.#emphases.filter((one) => one.close < length);
  }

  /** What stands from part `at` on is an address that is linked by itself: it is not escaped. */
  makeAddress(at: number, address: string): void {
    this.truncate(at);
    this.strings.push(address);
    this.#kinds.push(PartKind.address);
    this.#isPlain = false;
  }

  finish(isCell: boolean): string {
    if (this.#isPlain)
      return escapeInline(this.strings.length === 1 ? (this.strings[0] ?? "") : this.strings.join(""), {
        isLabel: false,
        isCell,
      });
    if (this.#emphases.length > 0) this.#settle();
    const shown: string[] = [];
    for (let at = 0; at < this.strings.length; at++) {
      const kind = this.#kinds[at] ?? PartKind.markup;
      const part = this.strings[at] ?? "";
      if (part === "") continue;
      if (kind === PartKind.markup) addMarkup(shown, part);
      else if (kind === PartKind.address) shown.push(this.#address(at, shown.at(-1) ?? "", isCell));
      else {
        const end = this.#runEnd(at, kind);
        const text = end === at + 1 ? part : this.strings.slice(at, end).join("");
        if (kind === PartKind.code) shown.push(showCode(text, isCell));
        else addText(shown, text, { isLabel: kind === PartKind.label, isCell });
        at = end - 1;
      }
    }
    return shown.join("");
  }

  /** Blanks the marks that would not be read as emphasis; to them code is what its backticks are. */
  #settle(): void {
    const shown = this.strings.map((part, at) => (this.#kinds[at] === PartKind.code ? "`" : part));
    settleEmphases(shown, this.#emphases);
    for (let at = 0; at < shown.length; at++) if (shown[at] === "") this.strings[at] = "";
  }

  /** Where the texts of one kind end that nothing parts; two runs of code that touch would share their backticks. */
  #runEnd(start: number, kind: number): number {
    let end = start + 1;
    while (end < this.strings.length && (this.#kinds[end] === kind || this.strings[end] === "")) end++;
    return end;
  }

  #address(at: number, before: string, isCell: boolean): string {
    const address = this.strings[at] ?? "";
    let next = at + 1;
    while (this.strings[next] === "") next++;
    const after = this.strings[next] ?? "";
    if (/[\\`*[\]~|&_]/.test(address) && escapeInline(address, { isLabel: true, isCell: true }) !== address)
      return `<${isCell ? address.replaceAll("|", "\\|") : address}>`;
    const isApart = (address.includes("://") ? AFTER_ADDRESS : AFTER_MAIL_ADDRESS).test(after);
    return isApart && !/[\p{L}\p{N}]$/u.test(before) ? address : `<${address}>`;
  }
}

/** "!" before a link would make it an image. */
function addMarkup(shown: string[], markup: string): void {
  const last = shown.length - 1;
  if (markup === "[" && shown[last]?.endsWith("!")) shown[last] = `${shown[last]?.slice(0, -1)}\\!`;
  shown.push(markup);
}

/** Text after "]" must not look like the rest of a link. */
function addText(shown: string[], text: string, place: EscapePlace): void {
  const escaped = escapeInline(text, place);
  const isLinkLike = /^[([:]/.test(escaped) && shown.at(-1)?.endsWith("]") === true;
  shown.push(isLinkLike ? `\\${escaped}` : escaped);
}

/** No escape of a bar in a cell survives a backslash before it: such code is shown as text. */
function showCode(code: string, isCell: boolean): string {
  if (!isCell) return codeSpan(code);
  return code.includes("\\|") ? escapeInline(code, { isLabel: true, isCell }) : codeSpan(code).replaceAll("|", "\\|");
}
