/** Who wrote a page: from its data where the data names a person, else from what stands near its heading. */
import { attributeId, TokenKind, tagId } from "../tokenizer/tokens.ts";
import { authorNames, bylineText, looksLikeName } from "./author-names.ts";
import { isAboutProduct, type LinkedData, type Thing, textsAt, typesOf } from "./linked-data.ts";
import { textsNear, writtenBy } from "./near-text.ts";
import type { Candidate, PageFacts } from "./page-facts.ts";
import { attributeText, elementEnd, elementText, isAttribute, type TokenSource } from "./token-text.ts";

const A = tagId("a");
const CLASS = attributeId("class");
const CONTENT = attributeId("content");
const ITEMPROP = attributeId("itemprop");

export type BylineEvidence = {
  readonly page: TokenSource;
  readonly facts: PageFacts;
  readonly data: LinkedData;
  readonly main: Thing | undefined;
  readonly siteName: string | undefined;
};

export type Byline = { readonly names: readonly string[]; readonly text: string; readonly source: string };

/** Labels of what has an author's name but is not the page's byline. */
const ELSEWHERE =
  /comment|review|rev__|fdbk|feedback|testimonial|quote|login|signin|sign-in|password|modal|form|related|recent|tease|loop|river|sidebar|footer|icon|social|authoriz|authenti|authority|about-the-author|bio\b|avatar|image|img|photo|copybyline|product|category-|tag-|menu|widget-title/;
/** Labels of posts: the first poster wrote the page, however many answered. */
const POST = /user-?name|poster|post_?author|postauthor|message|op\b|may-blank|bigusername/;
/** Tokens from the heading in which a byline stands. */
const NEAR_TOKENS = 400;
/** More different names than this near no heading are authors of a list. */
const NAMES_MAX = 2;
const TEXT_CHARS_MAX = 160;

/** JSON-LD, `meta`, microdata, rel=author, class names, "By NAME" beside the heading; the first that gives a name. */
export function bylineOf(evidence: BylineEvidence): Byline | undefined {
  const { facts, page, siteName } = evidence;
  const { meta } = facts;
  if (isAboutProduct(evidence.main, meta.get("og:type"))) return undefined;
  const other =
    meta.get("sailthru.author") ??
    meta.get("parsely-author") ??
    meta.get("itemprop:author") ??
    meta.get("og:author") ??
    "";
  const named = (texts: readonly string[], source: string): Byline | undefined => {
    const known = texts.filter((text) => text !== "" && !isAddress(text));
    const names = [...new Set(known.flatMap((text) => authorNames(text, siteName)))];
    if (names.length === 0) return undefined;
    return { names, text: known.length === 1 ? bylineText(known[0] ?? "", names) : names.join(", "), source };
  };
  return (
    named(peopleOf(evidence), "json-ld") ??
    named(facts.metaAuthors, "meta") ??
    named([other], "meta") ??
    visibleByline(evidence) ??
    named([writtenBy(textsNear(page, facts), siteName) ?? ""], "text")
  );
}

/** An organisation under `author` is the publisher again. */
function peopleOf(evidence: BylineEvidence): string[] {
  const { main, data } = evidence;
  if (!main) return [];
  const value = main.author ?? main.creator;
  const list = (Array.isArray(value) ? value : [value]).filter((item) => !isOrganization(item, data));
  return textsAt({ author: list }, "author", data);
}

function isOrganization(value: unknown, data: LinkedData): boolean {
  if (typeof value !== "object" || value === null) return false;
  const thing = value as Thing;
  const reference = thing["@id"];
  const full = "@type" in thing || typeof reference !== "string" ? thing : (data.byId.get(reference) ?? thing);
  return typesOf(full).some((type) => /Organization|Corporation|Brand|Company|Business/.test(type));
}

function isAddress(text: string): boolean {
  return /^\s*(?:https?:|www\.|\/|@)/i.test(text);
}

type Found = { readonly text: string; readonly names: string[]; readonly candidate: Candidate };

/** The first near the heading; else the first of a thread, or of a page that names hardly more than one. */
function visibleByline(evidence: BylineEvidence): Byline | undefined {
  const others: Found[] = [];
  const names = new Set<string>();
  for (const candidate of evidence.facts.authors) {
    const isNear = isNearHeading(candidate.token, evidence.facts);
    const isPost = candidate.by === "itemprop" || POST.test(candidate.label);
    if (ELSEWHERE.test(candidate.label) || (!isNear && !isPost && names.size > NAMES_MAX)) continue;
    const found = candidateName(evidence, candidate);
    if (found && isNear) return shown(found);
    if (!found) continue;
    others.push(found);
    for (const name of found.names) names.add(name);
  }
  const first = others[0];
  const isPosts = first && (first.candidate.by === "itemprop" || POST.test(first.candidate.label));
  return first && (isPosts || names.size <= NAMES_MAX) ? shown(first) : undefined;
}

function shown({ names, text, candidate }: Found): Byline {
  return { names, text: bylineText(text, names), source: candidate.by };
}

function candidateName(evidence: BylineEvidence, candidate: Candidate): Found | undefined {
  const { page, siteName } = evidence;
  const whole = elementText(page, candidate.token);
  if (whole === "") return undefined;
  const inner = innerName(page, candidate.token);
  for (const text of inner === undefined ? [whole] : [inner, whole]) {
    const names = text.length > TEXT_CHARS_MAX ? [] : authorNames(text, siteName);
    if (names.length > 0 && names.every(looksLikeName)) return { text, names, candidate };
  }
  return undefined;
}

/** Inside a box about the author: what is marked as the name, else the text of its first link that has any. */
function innerName(page: TokenSource, at: number): string | undefined {
  const { words } = page.tokens;
  const end = elementEnd(page, at);
  let link = "";
  for (let token = at + 1; token < end; token++) {
    const word = words[token * 4] ?? 0;
    if ((word & 15) !== TokenKind.open) continue;
    if (isAttribute(page, token, { id: ITEMPROP, value: "name" }) || isNameClass(page, token)) {
      const text = attributeText(page, token, CONTENT) ?? elementText(page, token);
      if (text !== "") return text;
    }
    if (link === "" && ((word >> 8) & 0xffff) === A) link = elementText(page, token);
  }
  return link === "" ? undefined : link;
}

function isNameClass(page: TokenSource, token: number): boolean {
  const label = attributeText(page, token, CLASS);
  return (
    label !== undefined &&
    label.length < 200 &&
    /(?:^|[\s_-])(?:fn|author-?name|user-?name|display-?name)(?:$|[\s_-])/i.test(label)
  );
}

/** After the main heading or just before it. */
export function isNearHeading(token: number, facts: PageFacts): boolean {
  return facts.headings.some((heading) => token > heading - NEAR_TOKENS / 4 && token < heading + NEAR_TOKENS);
}
