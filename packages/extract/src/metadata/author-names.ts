/** A byline as sites write it, to the names in it. */

/** A list of contributors; more is a page about authors. */
const AUTHORS_MAX = 12;
/** Longest that is a name; the longest in use (with titles and degrees) is below. */
const NAME_CHARS_MAX = 80;
const NAME_WORDS_MAX = 8;
/** A byline longer than this is a paragraph; its start may still hold "By NAME". */
const BYLINE_CHARS_MAX = 300;

/** Words before a name, in the languages measured; "by" may follow another ("Written by", "Posted by"). */
const LEAD =
  /^(?:(?:written|posted|published|created|authored|contributed|reported|submitted|asked|started|words|story|article|text|guest post|interview|reviewed|updated)\s+)?(?:by|from|von|par|por|di|door|av|af|przez|autor(?:in)?|auteure?|autore|author|authors|写真|文|著者|作者|автор|szerző|yazar)\b\s*:?\s*|^(?:автор|作者|著者|文|記者)\s*[::]\s*/i;
/** What follows the names: a date, a role, reading time, "in CATEGORY". */
const TAIL =
  /\s*(?:[|•·–—]|\s-\s|\bon\s+(?:\w+\s+\d|\d)|\b(?:published|updated|posted|last updated|last modified|reviewed by|medically reviewed|fact checked|edited by|min read|minutes? read|read more|follow|view all|see all|see more|more posts|more by|full bio|view profile|about the author|in\s+[A-Z])\b|@|https?:|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d+\s+(?:min|minutes|hours?|days?|months?|years?)\b|\d{4}-\d{2}-\d{2}|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d{1,2}\b|\b\d{1,2}\s+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)).*$/isu;
/** Between names. */
const BETWEEN = /\s*(?:[;/&|]|,\s*and\b|,\s*&|\s(?:and|und|et|y|och|og|en)\s)\s*/iu;
/** After a comma these belong to the name before it. */
const POSTNOMINAL =
  /^(?:[A-Z][A-Za-z]{0,2}\.?(?:[A-Z][A-Za-z]{0,2}\.?)*|[A-Z]{2,7}(?:-[A-Z]+)*|Ph\.?\s?D\.?|M\.?D\.?|Jr\.?|Sr\.?|Esq\.?|[IVX]+|Dietitian|Pharm\.?D\.?)(?:\s[A-Z.]{2,7})*$/;
/** Accounts and labels that are nobody. */
const PARTICLE = /^(?:d[aeiou]s?|del|della|den|der|di|du|el|al|bin|ibn|la|le|of|the|ten|ter|van|von|y|zu|af|av|team)$/i;
/** Words of buttons, forms and counters. */
const NO_NAME =
  /\b(?:sign|log ?in|password|email|e-mail|website|written|read|reads|more|mins?|minutes?|badges?|posts?|comments?|share|subscribe|get in|free|home|blog|article|about|contact|search|menu|register|page|update[ds]?|table of contents|this|your|our|you|offline|online|wrote|reply|replies|views?|author)\b/i;
const NOBODY =
  /^(?:admin|administrator|root|webmaster|editor|author|authors|guest|anonymous|unknown|staff|team|the team|wordpress|wp-?admin|user|n\/a|none|null|undefined|test|default|moderator|site admin|super ?user|posted|published|home|follow|share|menu|subscribe|contributors?)$/i;

/**
 * The names in `byline`, in order, each once: without "By", e-mail addresses, URLs, handles, dates and roles around them, and
 * without accounts that are nobody ("admin", "Staff") or the site itself. Degrees stay with their name ("Ann Lee, MD").
 */
export function authorNames(byline: string, siteName?: string): string[] {
  const text = bare(byline);
  if (text === "" || byline.length > BYLINE_CHARS_MAX * 4) return [];
  const names: string[] = [];
  for (const part of splitNames(text)) {
    const name = tidyName(part);
    if (names.length > 0 && isRole(part)) continue;
    if (name && !sameWords(name, siteName) && !names.some((other) => sameWords(other, name))) names.push(name);
    if (names.length === AUTHORS_MAX) break;
  }
  return names;
}

/**
 * Whether `name` looks like one to somebody who cannot ask: few words, each with a capital letter or a particle ("van der"), or one
 * word without spaces (an account). For texts that only stand where a name might.
 */
export function looksLikeName(name: string): boolean {
  const words = name.replace(/,.*$/, "").split(" ");
  if (words.length > 5 || NO_NAME.test(name)) return false;
  return words.length === 1 || words.every((word) => PARTICLE.test(word) || !/^\p{Ll}/u.test(word));
}

/**
 * A byline for readers: as the site writes it where nothing but names and the words between them stands in it ("Ann Lee and Bo Ek"),
 * else the names joined by ", ".
 */
export function bylineText(byline: string, names: readonly string[]): string {
  const text = bare(byline);
  const rest = names.reduce((left, name) => left.replace(name, ""), text);
  return /^(?:[\s,;/&|、]|\b(?:and|und|et|y|och|og|en)\b)*$/iu.test(rest)
    ? text.replace(/[\s,;/&|]+$/, "")
    : names.join(", ");
}

/** Whether two labels differ in case, spaces and punctuation only. */
export function sameWords(left: string, right: string | undefined): boolean {
  return right !== undefined && wordsOnly(left) === wordsOnly(right);
}

function wordsOnly(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
}

/** The byline without what stands around the names. */
function bare(byline: string): string {
  let text = byline
    .slice(0, BYLINE_CHARS_MAX)
    .replace(/<[^<>]*>/g, " ")
    .replace(/[\w.+-]+@[\w-]+\.[\w.-]+/g, " ")
    .replace(/\(\s*\)|^\s*[|•·,:–—-]+/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  if (/^(?:https?:|www\.|\/)|^\w+(?:\.\w+){2,}$/i.test(text)) return "";
  for (let round = 0; round < 2; round++) text = text.replace(LEAD, "").trim();
  return text.replace(TAIL, "").trim();
}

function splitNames(text: string): string[] {
  const parts: string[] = [];
  for (const piece of text.split(BETWEEN)) {
    const [first = "", ...rest] = piece.split(/\s*[,,、]\s*/);
    parts.push(first);
    for (const word of rest) {
      const isName =
        /^\p{Lu}[\p{L}\p{M}'’.-]+(?:\s+[\p{L}\p{M}'’.-]+){1,3}$/u.test(word) && !isRole(word) && first.includes(" ");
      if (POSTNOMINAL.test(word) && !isName) parts[parts.length - 1] += `, ${word}`;
      else if (isName) parts.push(word);
    }
  }
  return parts;
}

/** "Senior Editor", "Staff Writer" … after a comma: a job, no second author. */
function isRole(text: string): boolean {
  return /\b(?:editor|writer|reporter|correspondent|director|manager|ceo|cto|founder|contributor|specialist|expert|columnist|author|producer|officer|president|analyst|consultant|engineer|horticulturalist|university|inc|llc|ltd|staff|team|lead|head|marketing|content|senior)\b/i.test(
    text,
  );
}

function tidyName(part: string): string | undefined {
  const name = part.replace(/^[\s"'“”‘’@.,:;|-]+|[\s"“”,:;|-]+$/g, "").replace(/\s*\((?:[^()]*)\)?$/, "");
  if (name.length < 2 || name.length > NAME_CHARS_MAX || !/\p{L}/u.test(name)) return undefined;
  if (NOBODY.test(name) || /https?:|www\.|\.(?:com|org|net)\b.*\//i.test(name)) return undefined;
  return name.split(" ").length > NAME_WORDS_MAX ? undefined : name;
}
