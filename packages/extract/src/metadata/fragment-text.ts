/**
 * The text of an HTML fragment that stands in JSON. Such fragments are short and come from an editor, so a scan for tags does; the
 * page's tokenizer is not used, for its tokens are the page's and whoever holds them still reads them.
 */
import { decodeReferences } from "../entities.ts";

/** Tags that end a paragraph, by name; others leave the text running on. */
const BREAKS =
  /^\/?(?:p|div|section|article|h[1-6]|ul|ol|li|table|tr|blockquote|pre|hr|dl|dt|dd|figure|figcaption|header|footer|main|aside)$/;
const HIDDEN = /^(?:script|style|template|noscript|svg|iframe)$/;

/** Paragraphs separated by an empty line, list items with "- "; a text without tags comes back with its own paragraphs. */
export function fragmentText(fragment: string): string {
  const text = fragment.includes("<") ? withoutTags(fragment) : fragment;
  const decoded = decodeReferences(text);
  // Some sites escape their mark-up twice.
  const twice =
    decoded !== text && /<\/?(?:p|br|div|li|a|strong|h[1-6])\b/i.test(decoded)
      ? decodeReferences(withoutTags(decoded))
      : decoded;
  return twice
    .replace(/\r\n?/g, "\n")
    .replace(/[^\S\n]+/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

function withoutTags(html: string): string {
  let out = "";
  let lower = "";
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf("<", at);
    if (open < 0) break;
    const tag = /^<(\/?[a-z][a-z0-9]*|!--)/i.exec(html.slice(open, open + 24))?.[1]?.toLowerCase();
    if (tag === undefined) {
      out += html.slice(at, open + 1);
      at = open + 1;
      continue;
    }
    out += html.slice(at, open);
    const end = tag === "!--" ? html.indexOf("-->", open) + 2 : html.indexOf(">", open);
    if (end < open + 2) return out;
    at = end + 1;
    if (HIDDEN.test(tag)) {
      lower ||= html.toLowerCase();
      const close = lower.indexOf(`</${tag}`, at);
      if (close < 0) return out;
      at = html.indexOf(">", close) + 1 || html.length;
    } else if (tag === "br") out += "\n";
    else if (BREAKS.test(tag)) out += tag === "li" ? "\n- " : tag === "/li" || tag === "tr" ? "\n" : "\n\n";
  }
  return out + html.slice(at);
}
