/** When a page was published and last changed. */
import { attributeId } from "../tokenizer/tokens.ts";
import { type DateReading, dateOfUrl, isoDate } from "./iso-date.ts";
import { isAboutProduct, type LinkedData, rankOf, type Thing, textAt } from "./linked-data.ts";
import { datedNear, textsNear } from "./near-text.ts";
import { isNearHeading } from "./page-byline.ts";
import type { Candidate, PageFacts } from "./page-facts.ts";
import { attributeText, elementText, type TokenSource } from "./token-text.ts";

export type DateEvidence = {
  readonly page: TokenSource;
  readonly facts: PageFacts;
  readonly data: LinkedData;
  readonly main: Thing | undefined;
  readonly url: string | undefined;
  readonly language: string | undefined;
};

export type PageDate = { readonly date: string; readonly source: string };

const DATETIME = attributeId("datetime");
const CONTENT = attributeId("content");
const TITLE = attributeId("title");

/** `meta` names by how often they are right where the ground truth has a date. */
const PUBLISHED = [
  ..."article:published_time itemprop:datepublished og:article:published_time article:published sailthru.date".split(
    " ",
  ),
  ..."parsely-pub-date cxenseparse:publishtime dc.date.issued dcterms.issued dc.date dcterms.date dcterms.created".split(
    " ",
  ),
  ..."citation_publication_date citation_date publication_date publish_date publishdate publisheddate pubdate".split(
    " ",
  ),
  ..."date-pub published_at datepublished itemprop:datecreated itemprop:uploaddate date og:published_time".split(" "),
];
const MODIFIED =
  "article:modified_time itemprop:datemodified og:updated_time og:article:modified_time dcterms.modified dc.date.modified last-modified lastmod datemodified".split(
    " ",
  );
const UPDATED = /updat|modif|edited|revis|changed/;
const UPDATED_TEXT =
  /\b(?:updated|modified|edited|revised|aktualisiert|actualizado|aggiornato|mis à jour|обновлено)\b/i;
/** Labels of dates that are not the page's. */
const ELSEWHERE =
  /comment|review|rev__|feedback|related|recent|tease|loop|river|sidebar|footer|event|copyright|expir|birth|picker|calendar|joined|start|end-?date|release|grid_|today|block-date/;
const TEXT_CHARS_MAX = 120;
/** Dates that are read to tell a list from an article. */
const SHOWN_MAX = 12;
/** More different dates than this away from the heading are those of a list. */
const DATES_MAX = 1;

/** `modified` is left out when it would be before `published`: a template's date. */
export function datesOf(evidence: DateEvidence): {
  readonly published: PageDate | undefined;
  readonly modified: PageDate | undefined;
} {
  const { facts, main, data } = evidence;
  const reading = readingOf(evidence.language);
  let shown: readonly Found[] | undefined;
  const visible = () => (shown ??= visibleDates(evidence, reading));
  const published = publishedOf(evidence, { reading, visible });
  const text = textAt(main, "dateModified", data);
  const date = text === undefined ? undefined : isoDate(text, reading);
  const named = date === undefined ? firstMeta(facts, MODIFIED, reading) : { date, source: "json-ld" };
  const modified = named ?? updatedNear(visible(), facts);
  const isEarlier = modified && published && modified.date.slice(0, 10) < published.date.slice(0, 10);
  return { published, modified: isEarlier ? undefined : modified };
}

type Shared = { readonly reading: DateReading; readonly visible: () => readonly Found[] };

function publishedOf(evidence: DateEvidence, { reading, visible }: Shared): PageDate | undefined {
  const { facts } = evidence;
  if (isAboutProduct(evidence.main, facts.meta.get("og:type"))) return undefined;
  return (
    firstMeta(facts, PUBLISHED.slice(0, 3), reading) ??
    dated(mainDate(evidence), "json-ld") ??
    firstMeta(facts, PUBLISHED.slice(3), reading) ??
    visibleDate(visible(), facts) ??
    dated(datedNear(textsNear(evidence.page, facts), reading), "text") ??
    dated(dateOfUrl(evidence.url), "url")
  );

  function dated(text: string | undefined, source: string): PageDate | undefined {
    const date = text === undefined ? undefined : isoDate(text, reading);
    return date === undefined ? undefined : { date, source };
  }
}

/** A `WebPage` is dated by the day it was set up: right in 5 of 19 (measured). */
function mainDate({ main, data }: DateEvidence): string | undefined {
  if (main && rankOf(main) === 2) return undefined;
  return textAt(main, "datePublished", data) ?? textAt(main, "dateCreated", data) ?? textAt(main, "uploadDate", data);
}

/** Who writes 11/03 for 3 November is American; a language alone does not say. */
function readingOf(language: string | undefined): DateReading {
  return { order: /^en(?:$|[-_]us)/i.test(language ?? "en") ? "mdy" : "dmy" };
}

function firstMeta(facts: PageFacts, names: readonly string[], reading: DateReading): PageDate | undefined {
  for (const name of names) {
    const value = facts.meta.get(name);
    const date = value === undefined ? undefined : isoDate(value, reading);
    if (date !== undefined) return { date, source: name };
  }
  return undefined;
}

function visibleDate(shown: readonly Found[], facts: PageFacts): PageDate | undefined {
  const found = shown.filter(({ isUpdate }) => !isUpdate);
  const near = found.filter(({ candidate }) => isNearHeading(candidate.token, facts));
  const named = near.find(({ candidate }) => /publish|datecreated|pubdate|posted/.test(candidate.label)) ?? near[0];
  const distinct = new Set(found.map(({ date }) => date.slice(0, 10)));
  const chosen = named ?? (distinct.size <= DATES_MAX ? found[0] : undefined);
  return chosen === undefined || isOfList(chosen, found)
    ? undefined
    : { date: chosen.date, source: chosen.candidate.by };
}

/** In a list the dates follow each other evenly and fall; an article's own stands far before those of the articles it links to. */
function isOfList(chosen: Found, found: readonly Found[]): boolean {
  const rest = found.filter(
    ({ candidate }) => candidate.token >= chosen.candidate.token && candidate.label === chosen.candidate.label,
  );
  const [first, second, third] = rest.filter(({ date }, at) => date !== rest[at - 1]?.date);
  if (!first || !second || !third) return false;
  const isFalling = first.date >= second.date && second.date >= third.date;
  const gap = second.candidate.token - first.candidate.token;
  return isFalling && gap < 3 * (third.candidate.token - second.candidate.token);
}

function updatedNear(shown: readonly Found[], facts: PageFacts): PageDate | undefined {
  const found = shown.find(({ candidate, isUpdate }) => isUpdate && isNearHeading(candidate.token, facts));
  return found && { date: found.date, source: found.candidate.by };
}

type Found = { readonly date: string; readonly candidate: Candidate; readonly isUpdate: boolean };

function visibleDates(evidence: DateEvidence, reading: DateReading): Found[] {
  const { page, facts } = evidence;
  const found: Found[] = [];
  for (const candidate of facts.dates) {
    if (found.length === SHOWN_MAX) break;
    if (ELSEWHERE.test(candidate.label)) continue;
    const written = attributeText(page, candidate.token, DATETIME) ?? attributeText(page, candidate.token, CONTENT);
    const text = elementText(page, candidate.token);
    const date =
      (written === undefined ? undefined : isoDate(written, reading)) ?? shownDate(page, { candidate, text }, reading);
    const isUpdate = UPDATED.test(candidate.label) || UPDATED_TEXT.test(text.slice(0, TEXT_CHARS_MAX));
    if (date !== undefined) found.push({ date, candidate, isUpdate });
  }
  return found;
}

type Shown = { readonly candidate: Candidate; readonly text: string };

/** What the element shows, else its tooltip, where "3 days ago" is spelt out. */
function shownDate(page: TokenSource, { candidate, text }: Shown, reading: DateReading): string | undefined {
  const shown = text.length > TEXT_CHARS_MAX ? undefined : isoDate(text, reading);
  return shown ?? isoDate(attributeText(page, candidate.token, TITLE) ?? "", reading);
}
