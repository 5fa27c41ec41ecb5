/** Short texts beside the main heading, where a page that marks nothing up still says who wrote it and when. */
import { TokenFlag, TokenKind } from "../tokenizer/tokens.ts";
import { authorNames, looksLikeName } from "./author-names.ts";
import { type DateReading, isoDate } from "./iso-date.ts";
import type { PageFacts } from "./page-facts.ts";
import { singleSpaced, type TokenSource, tokenText } from "./token-text.ts";

/** Tokens before the heading, and after it: a kicker line stands above, a byline below. */
const BEFORE_TOKENS = 30;
const AFTER_TOKENS = 150;
/** Longer is prose. */
const TEXT_CHARS_MAX = 100;

/** "By" alone, the name being in the next element. */
const LEAD_ALONE =
  /^(?:(?:article |guide |story |words )?(?:written|posted|published|created|started|authored)\s+)?(?:by|von|par|por|di|door|av|af)\s*:?$|^(?:author|autor|autore|auteur)\s*:?$/i;
const LEAD =
  /^(?:(?:article |guide |recipe |story |words )?(?:written|posted|published|created|started|authored)\s+)?(?:by|von|par|por|door)\s*:?\s+\p{Lu}/iu;
const UPDATED = /updated|modified|reviewed|aktualisiert|mis à jour|actualizado/i;

/** Texts around the first main heading in page order; none when the page has no heading. */
export function textsNear(page: TokenSource, facts: PageFacts): string[] {
  const heading = mainHeading(facts);
  if (heading < 0) return [];
  const { words, count } = page.tokens;
  const stop = Math.min(count, heading + AFTER_TOKENS);
  const texts: string[] = [];
  for (let token = Math.max(facts.bodyStart, heading - BEFORE_TOKENS); token < stop; token++) {
    const word = words[token * 4] ?? 0;
    if ((word & 15) !== TokenKind.text || (word & TokenFlag.blank) !== 0) continue;
    if ((words[token * 4 + 2] ?? 0) - (words[token * 4 + 1] ?? 0) > TEXT_CHARS_MAX * 2) continue;
    const text = singleSpaced(tokenText(page, token)).trim();
    if (text !== "" && text.length <= TEXT_CHARS_MAX) texts.push(text);
  }
  return texts;
}

/** The page's heading: with several, the last of the first two, for the first is the site's name then. */
export function mainHeading(facts: PageFacts): number {
  return facts.headings[1] ?? facts.headings[0] ?? facts.firstH2;
}

/** "By NAME" in one text or two. */
export function writtenBy(texts: readonly string[], siteName: string | undefined): string | undefined {
  for (let at = 0; at < texts.length; at++) {
    const text = texts[at] ?? "";
    const named = LEAD_ALONE.test(text) ? texts[at + 1] : LEAD.test(text) ? text : undefined;
    const names = named === undefined ? [] : authorNames(named, siteName);
    // "by" in small letters with one word after it is the middle of a sentence.
    const isSure = /^\p{Lu}/u.test(text) || (names[0] ?? "").includes(" ");
    if (isSure && names.length > 0 && names.every(looksLikeName)) return named;
  }
  return undefined;
}

/** The first date that is not announced as that of an update. */
export function datedNear(texts: readonly string[], reading: DateReading): string | undefined {
  for (let at = 0; at < texts.length; at++) {
    const text = texts[at] ?? "";
    if (!/\d{4}/.test(text) || UPDATED.test(text) || (text.length < 20 && UPDATED.test(texts[at - 1] ?? ""))) continue;
    if (/^\s*(?:©|\(c\)|copyright)/i.test(text)) continue;
    const date = isoDate(text, reading);
    if (date !== undefined) return date;
  }
  return undefined;
}
