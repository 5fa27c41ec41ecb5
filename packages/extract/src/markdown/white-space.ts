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

/**
 * What stands between the white space at both ends of a text that is not blank, if `collapse` would leave it as it is; else undefined.
 * Looks at units only, so that a text is cut from its page once.
 */
export function evenPart(
  units: Uint16Array,
  start: number,
  end: number,
): { readonly start: number; readonly end: number } | undefined {
  let first = start;
  let last = end;
  while (first < last && isHtmlSpace(units[first] as number)) first++;
  while (last > first && isHtmlSpace(units[last - 1] as number)) last--;
  for (let at = first; at < last; at++) {
    const code = units[at] as number;
    if (code === 32 ? units[at + 1] === 32 : isUneven(code)) return undefined;
  }
  return first < last ? { start: first, end: last } : undefined;
}

function isHtmlSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13 && code !== 11);
}

/** Whether `UNEVEN` finds this unit. */
function isUneven(code: number): boolean {
  if (code < 0x7f) return code < 32;
  if (code < 0x1680) return code <= 0xa0 || code === 0xad;
  if (code === 0x1680 || code === 0x3000 || code === 0xfeff) return true;
  return code >= 0x2000 && code <= 0x2060 && UNEVEN.test(String.fromCharCode(code));
}
