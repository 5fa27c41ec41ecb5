/** Escapes what Markdown (CommonMark 0.31 with GFM) would take for markup, and nothing else: a model reads each backslash too. */

export type EscapePlace = {
  /** Between the brackets of a link or an image. */
  readonly isLabel: boolean;
  readonly isCell: boolean;
};

const SPECIAL = /[\\`*_[\]<&~|]/;
/** What GFM links by itself; an escape inside would become part of the address. */
const BARE_ADDRESS = /(?:(?:https?|ftp):\/\/|www\.)[^\s<]*/gi;
const REFERENCE = /^&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z][\da-zA-Z]*);/;
const PUNCTUATION = /[!-/:-@[-`{-~]/;
const ALPHANUMERIC = /[\p{L}\p{N}]/u;

/** `text` (one line, white space collapsed) so that it is read as the same text. Its ends are taken to touch anything. */
export function escapeInline(text: string, place: EscapePlace): string {
  if (!SPECIAL.test(text)) return text;
  const escaped = escapeMarks(text, place);
  const hasAddress = escaped !== text && (text.includes("://") || /www\./i.test(text));
  return hasAddress ? escaped.replace(BARE_ADDRESS, isolate) : escaped;
}

/** An address that holds escapes is kept from being linked: there they would be read as they stand. */
function isolate(address: string): string {
  if (!/\\(?!\|)/.test(address)) return address;
  return address.replace(/:\/\/|(?<=www)\./gi, (mark) => `\\${mark}`);
}

function escapeMarks(text: string, place: EscapePlace): string {
  let areBracketsRisky: boolean | undefined;
  let shown = "";
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 126 || MARKS[code] !== 1) continue;
    if (code === OPEN_BRACKET || code === CLOSE_BRACKET) {
      areBracketsRisky ??= place.isLabel || hasRiskyBrackets(text);
      if (!areBracketsRisky) continue;
    } else if (!isMarkup(text, at, place)) continue;
    shown += `${text.slice(from, at)}\\`;
    from = at;
  }
  shown += text.slice(from);
  // Correct without, but some readers of Markdown end the link there.
  return place.isLabel && shown.includes("](") ? shown.replaceAll("](", "]\\(") : shown;
}

const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
/** By character code: those of `SPECIAL`. */
const MARKS = new Uint8Array(127);
for (const mark of "\\`*_[]<&~|") MARKS[mark.charCodeAt(0)] = 1;

function isMarkup(text: string, at: number, place: EscapePlace): boolean {
  switch (text.charAt(at)) {
    case "\\":
      return at + 1 === text.length || PUNCTUATION.test(text.charAt(at + 1));
    case "`":
      return true;
    case "*":
      return !isBetweenSpaces(text, at);
    case "_":
      return !isBetweenSpaces(text, at) && !isBetweenLetters(text, at);
    case "<":
      return at + 1 === text.length || /[a-zA-Z/!?]/.test(text.charAt(at + 1));
    case "&":
      return REFERENCE.test(text.slice(at, at + 40));
    case "~":
      // Only a tilde after something can end a deletion: one that follows a space needs no mark of its own.
      return at === 0 || text[at - 1] !== " " || text[at + 1] === "~";
    default:
      return place.isCell;
  }
}

function isBetweenSpaces(text: string, at: number): boolean {
  return at > 0 && text[at - 1] === " " && text[at + 1] === " ";
}

function isBetweenLetters(text: string, at: number): boolean {
  return ALPHANUMERIC.test(text.charAt(at - 1)) && ALPHANUMERIC.test(text.charAt(at + 1));
}

/** Brackets that could make a link, or that this piece does not close. */
function hasRiskyBrackets(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === OPEN_BRACKET) depth++;
    else if (code === CLOSE_BRACKET && --depth < 0) return true;
  }
  return depth !== 0 || /\][([:]/.test(text);
}

const LINE_START = /^(?:[#>+=:|-]|\d{1,9}[.)](?: |$)|\[[ xX]\](?: |$))/;

/** A line of Markdown that begins with what would start a heading, list, quote or rule. */
export function escapeLineStart(line: string): string {
  if (!LINE_START.test(line)) return line;
  const digits = /^\d+/.exec(line)?.[0].length;
  if (digits !== undefined) return `${line.slice(0, digits)}\\${line.slice(digits)}`;
  const isMark = /^(?:#{1,6}(?: |$)|>|[-+](?: |$)|\[|=+ *$)/.test(line) || /^[|: -]+$/.test(line);
  return isMark ? `\\${line}` : line;
}

/** Number signs at a heading's end would be read as its closing marks. */
export function escapeHeadingEnd(heading: string): string {
  return heading.endsWith("#") ? heading.replace(/(^| )(#+)$/, "$1\\$2") : heading;
}

/** Backticks around code, more than stand together inside. */
export function codeSpan(code: string): string {
  if (!code.includes("`")) return `\`${code}\``;
  const fence = "`".repeat(longestRun(code, /`+/g) + 1);
  return `${fence} ${code} ${fence}`;
}

/** A block of code between fences longer than any inside. */
export function codeFence(code: string, language: string): string {
  const fence = "`".repeat(Math.max(3, code.includes("```") ? longestRun(code, /`{3,}/g) + 1 : 3));
  return `${fence}${language}\n${code}\n${fence}`;
}

function longestRun(text: string, pattern: RegExp): number {
  let longest = 0;
  for (const [run] of text.matchAll(pattern)) longest = Math.max(longest, run.length);
  return longest;
}

/** An address between a link's parentheses. */
export function destination(url: string): string {
  if (!/[`|\\[\]{}^()&]/.test(url)) return url;
  let shown = url;
  // Brackets may stay in the one place where they name a host, an IPv6 address.
  if (/[`|\\[\]{}^]/.test(shown) && !shown.startsWith("[", shown.indexOf("//") + 2))
    shown = shown.replace(/[`|\\[\]{}^]/g, encodeURIComponent);
  if (/[()]/.test(shown) && !hasPairs(shown)) shown = shown.replaceAll("(", "%28").replaceAll(")", "%29");
  return /&#?\w+;/.test(shown) ? shown.replaceAll("&", "&amp;") : shown;
}

function hasPairs(url: string): boolean {
  let depth = 0;
  for (const char of url) {
    if (char === "(" && ++depth > 1) return false;
    if (char === ")" && --depth < 0) return false;
  }
  return depth === 0;
}
