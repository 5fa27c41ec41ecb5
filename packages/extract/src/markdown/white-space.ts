/** White space as a browser shows it: runs are one space, and what has no width is not there. */

const UNEVEN = /[\p{Cc}\u00a0\u00ad\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]| {2}/u;
/** Soft hyphen, zero-width space, word joiner, byte order mark. The joiners of Arabic and Indic scripts (200C, 200D) mean something. */
const NO_WIDTH = /[\u00ad\u200b\u2060\ufeff]/g;
const CONTROLS = /(?!\s)\p{Cc}/gu;

/** `text` with each run of white space as one space, ends included; the usual case costs one look. */
export function collapse(text: string): string {
  if (!UNEVEN.test(text)) return text;
  return text.replace(NO_WIDTH, "").replace(CONTROLS, "").replace(/\s+/g, " ");
}

/** The same, without space at both ends. */
export function collapseTrimmed(text: string): string {
  return collapse(text).trim();
}
