/** Character references of HTML to the characters they stand for. */
import { decodeHTML, decodeHTMLAttribute } from "entities";

/** Decodes text as it stands between tags: `&amp;`, `&#8217;`, and the old names without their semicolon (`&copy 2025`). */
export function decodeReferences(text: string): string {
  return text.includes("&") ? decodeHTML(text) : text;
}

/** Decodes an attribute's value, where an old name before `=` or a letter is no reference: `?a=1&copy=2` stays as it is. */
export function decodeAttribute(value: string): string {
  return value.includes("&") ? decodeHTMLAttribute(value) : value;
}
