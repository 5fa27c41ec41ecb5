/**
 * The title of a page, by one policy: what the site calls the page (Open Graph, else Twitter, else `title`), without the site's
 * name; and when a main heading repeats it or says nearly the same, that heading, because it is what a reader sees.
 */
import { LABEL_CHARS_MAX } from "../limits.ts";
import { shortLabel } from "../short-label.ts";

export type TitleEvidence = {
  /** The page's `title` element. */
  readonly title: string;
  /** `og:title`, else `twitter:title`. */
  readonly social: string;
  /** JSON-LD headline of the thing that the page is about. */
  readonly headline: string;
  /** Main headings in order; a page without `h1` gives its first `h2`. */
  readonly headings: readonly string[];
  readonly siteName: string;
  /** The host's own word in letters and digits ("bbc" of www.bbc.co.uk). */
  readonly hostWord: string;
};

export type PageTitle = {
  readonly title: string;
  readonly source: "heading" | "social" | "title" | "headline" | "none";
};

/** Spaces belong to these, or "Wi-Fi" would come apart; a bar and a guillemet part words without them. */
const SEPARATOR = /(\s+(?:[|–—·•»«∙⋆/~:-]|::|--|\|\|)\s+|\s*[|»«•]\s*)/;
/** Of two headings and a title, as much as share this many words (F1) are one (0.3, 0.5 and 0.7 measured). */
const LIKENESS_MIN = 0.5;
/** A heading shorter than this stands in a title by chance. */
const HEADING_LETTERS_MIN = 4;
/** A site's name has fewer words than a title; what is longer is a title that begins with the name. */
const SITE_WORDS_MAX = 4;

export function pageTitle(evidence: TitleEvidence): PageTitle {
  const named = evidence.social || evidence.title;
  const own = withoutSite(named, evidence);
  const repeated = repeatedHeading(own, evidence);
  if (repeated) return { title: clean(repeated), source: "heading" };
  const first = firstPart(own);
  const similar = similarHeading(first, evidence);
  if (similar) return { title: clean(similar), source: "heading" };
  if (first !== "") return { title: clean(first), source: evidence.social ? "social" : "title" };
  if (evidence.headline !== "") return { title: clean(evidence.headline), source: "headline" };
  const heading = evidence.headings.find((text) => text !== "");
  return heading === undefined ? { title: "", source: "none" } : { title: clean(heading), source: "heading" };
}

/** Letters and digits in lower case: what is left to compare when two places write one name. */
export function lettersOf(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
}

/** The word of a host that names its site. */
export function hostWordOf(url: string | undefined): string {
  const host = url === undefined ? undefined : URL.parse(url)?.hostname;
  if (!host) return "";
  const parts = host.replace(/^www\d?\./, "").split(".");
  const last = parts.length - 2;
  const isSecondLevel = last > 0 && /^(?:com?|org|net|gov|edu|ac)$/.test(parts[last] ?? "");
  return lettersOf(parts[isSecondLevel ? last - 1 : Math.max(0, last)] ?? "");
}

/** `title` without the site's name at either end. */
function withoutSite(title: string, evidence: TitleEvidence): string {
  const parts = title.split(SEPARATOR);
  let start = 0;
  let end = parts.length;
  while (end - start >= 3 && isSite(parts[end - 1] ?? "", evidence)) end -= 2;
  while (end - start >= 3 && isSite(parts[start] ?? "", evidence)) start += 2;
  return parts.slice(start, end).join("").trim();
}

function isSite(part: string, evidence: TitleEvidence): boolean {
  const letters = lettersOf(part);
  const site = lettersOf(evidence.siteName);
  const { hostWord } = evidence;
  if (letters === "" || letters === site || letters === `${site}com` || letters === hostWord) return true;
  const words = part.trim().split(/\s+/).length;
  const isInHost =
    letters.length > 3 &&
    words <= SITE_WORDS_MAX &&
    hostWord !== "" &&
    (hostWord.includes(letters) || letters.includes(hostWord));
  if (isInHost) return true;
  const siteWords = evidence.siteName.split(/\s+/).length + 2;
  return (
    site !== "" && letters.length > 3 && words <= siteWords && (site.startsWith(letters) || letters.startsWith(site))
  );
}

/** The heading that the title repeats best: as a whole, at its front, anywhere. One that only ends it names the site or book. */
function repeatedHeading(own: string, evidence: TitleEvidence): string | undefined {
  const whole = new Set([own, evidence.social, evidence.headline].filter((text) => text !== "").map(lettersOf));
  const titles = [evidence.title, evidence.social].filter((text) => text !== "");
  const full = titles.map(lettersOf);
  const ends = endsOf(evidence);
  const site = lettersOf(evidence.siteName);
  let best: string | undefined;
  let bestGrade = 0;
  for (const heading of evidence.headings) {
    const letters = lettersOf(heading);
    if (letters.length < HEADING_LETTERS_MIN || letters === site || heading.length > LABEL_CHARS_MAX) continue;
    const isEnd = ends.has(letters);
    const inside = isEnd
      ? 0
      : full.some((title) => title.startsWith(letters))
        ? 2
        : full.some((title) => title.includes(letters))
          ? 1
          : 0;
    const grade = whole.has(letters) ? 3 : inside;
    if (grade > bestGrade) [best, bestGrade] = [heading, grade];
  }
  return best;
}

/** The last parts of titles that have several. */
function endsOf(evidence: TitleEvidence): Set<string> {
  const titles = [evidence.title, evidence.social]
    .map((text) => text.split(SEPARATOR))
    .filter((parts) => parts.length > 1);
  return new Set(titles.map((parts) => lettersOf(parts[parts.length - 1] ?? "")));
}

function similarHeading(first: string, evidence: TitleEvidence): string | undefined {
  let best: string | undefined;
  let bestLikeness = LIKENESS_MIN;
  const ends = endsOf(evidence);
  for (const heading of evidence.headings) {
    if (ends.has(lettersOf(heading))) continue;
    const likeness = heading.length > LABEL_CHARS_MAX ? 0 : wordF1(heading, first);
    // The first of equals: later headings repeat it for small screens.
    if (likeness > bestLikeness || (likeness === bestLikeness && best === undefined))
      [best, bestLikeness] = [heading, likeness];
  }
  return best;
}

/** What stands before a bar; before a dash only when that is a title by itself. */
function firstPart(title: string): string {
  const beforeBar = title.split(/\s*\|\s*/).find((part) => part.trim() !== "") ?? "";
  const [first = "", ...rest] = beforeBar.split(/\s+[–—-]\s+/);
  return rest.length > 0 && first.split(/\s+/).length >= 3 ? first : beforeBar;
}

/** Shared words of two labels, as F1 over their multisets. */
export function wordF1(left: string, right: string): number {
  const mine = wordsOf(left);
  const others = wordsOf(right);
  const counts = new Map<string, number>();
  for (const word of mine) counts.set(word, (counts.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of others) {
    const count = counts.get(word) ?? 0;
    if (count === 0) continue;
    counts.set(word, count - 1);
    common++;
  }
  return common === 0 ? 0 : (2 * common) / (mine.length + others.length);
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
}

function clean(text: string): string {
  const plain = text
    .replace(/[\s\u00a0]+/g, " ")
    .replace(/\s*[¶§#]+\s*$/u, "")
    .trim();
  return shortLabel(plain);
}
