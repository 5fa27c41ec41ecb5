/** Where the content of an element that holds no tags ends. */
import { NAME_BYTES, TAG_TABLE } from "./name-table.ts";
import { tagId } from "./tokens.ts";

const LESS = 0x3c;
const SLASH = 0x2f;
const DASH = 0x2d;
const GREATER = 0x3e;
const SCRIPT_ID = tagId("script");
const SCRIPT_LENGTH = 6;

/** Whether a tag's name ends at this unit: white space, `/` or `>`. */
export function endsName(code: number): boolean {
  return code === GREATER || code === SLASH || code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0b);
}

/** Whether the tag name `id` stands at `at` in any case, with its end after it. */
function namesTag(html: string, at: number, id: number): boolean {
  const { names, lengths } = TAG_TABLE;
  const length = lengths[id] ?? 0;
  if (at + length >= html.length) return false;
  for (let offset = 0; offset < length; offset++) {
    const code = html.charCodeAt(at + offset);
    const lower = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
    if (lower !== names[id * NAME_BYTES + offset]) return false;
  }
  return endsName(html.charCodeAt(at + length));
}

/** The `<` of the end tag that closes the element `id`, or the page's length. */
export function rawEnd(html: string, from: number, id: number): number {
  for (let at = html.indexOf("</", from); at >= 0; at = html.indexOf("</", at + 2)) {
    if (namesTag(html, at + 2, id)) return at;
  }
  return html.length;
}

/**
 * The same for a script (WHATWG 13.2.5.15–13.2.5.30): within `<!-- … -->` a `<script` makes the next `</script` part of the text.
 * `comment` is the first `<!--` at or after `from`, or the page's length.
 */
export function scriptEnd(html: string, from: number, comment: number): number {
  let at = from;
  let end = -1;
  for (let hidden = comment; ; hidden = nextComment(html, at)) {
    // Looked for only when passed: a script of nothing but comments would take quadratic time.
    if (end < at) end = rawEnd(html, at, SCRIPT_ID);
    if (end <= hidden) return end;
    at = escapedEnd(html, hidden + 2);
    if (at < 0) return -at - 1;
  }
}

/** The first `<!--` at or after `from`, or the page's length. */
function nextComment(html: string, from: number): number {
  const at = html.indexOf("<!--", from);
  return at < 0 ? html.length : at;
}

/** From the dashes of a script's `<!--`: after its `-->`, or −1 − the place where the script ends. */
function escapedEnd(html: string, from: number): number {
  let isDouble = false;
  for (let at = from; at < html.length; at++) {
    const code = html.charCodeAt(at);
    if (code === DASH) {
      if (html.charCodeAt(at + 1) === DASH && html.charCodeAt(at + 2) === GREATER) return at + 3;
    } else if (code === LESS) {
      const isEnd = html.charCodeAt(at + 1) === SLASH;
      const name = isEnd ? at + 2 : at + 1;
      if (!namesTag(html, name, SCRIPT_ID)) continue;
      if (isEnd && !isDouble) return -at - 1;
      isDouble = !isEnd;
      at = name + SCRIPT_LENGTH;
    }
  }
  return -html.length - 1;
}
