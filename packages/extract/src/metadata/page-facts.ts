/** What a page's tags say about it, collected in one walk over the tokens; nothing is judged here. */
import { FACT_CANDIDATES_MAX, META_CHARS_MAX, META_TAGS_MAX, STRUCTURED_SCRIPTS_MAX } from "../limits.ts";
import type { Page } from "../page/page.ts";
import { attributeId, TokenKind, tagId } from "../tokenizer/tokens.ts";
import { Hint, hintsIn } from "./class-hints.ts";
import {
  attributeText,
  attributeToken,
  elementText,
  isAttribute,
  singleSpaced,
  type TokenSource,
} from "./token-text.ts";

/** An element that may name the author or a date. */
export type Candidate = {
  /** Its open token. */
  readonly token: number;
  /** How it was found; "datetime" is a `time` element. */
  readonly by: "itemprop" | "rel" | "class" | "datetime";
  /** The itemprop or class attribute in lower case. */
  readonly label: string;
};

export type PageFacts = {
  readonly html: string;
  /** `meta` by lower-case property or name, or `itemprop:NAME`; the first of a name counts. */
  readonly meta: Map<string, string>;
  readonly tags: string[];
  readonly metaAuthors: string[];
  readonly openGraph: Record<string, string>;
  title: string;
  language: string;
  base: string;
  canonical: string;
  imageSource: string;
  /** Token of the raw text of each `script type="application/ld+json"`. */
  readonly ldScripts: number[];
  /** Open tokens of `h1` elements, the first ones, and of the first `h2`. */
  readonly headings: number[];
  firstH2: number;
  readonly authors: Candidate[];
  readonly dates: Candidate[];
  /** Open tokens of links with rel=tag or rel="category tag", and of items of a breadcrumb's list. */
  readonly tagLinks: number[];
  /** The first token after `</head>` or `<body>`. */
  bodyStart: number;
};

const HTML = tagId("html");
const TITLE = tagId("title");
const BASE = tagId("base");
const LINK = tagId("link");
const META = tagId("meta");
const SCRIPT = tagId("script");
const BODY = tagId("body");
const A = tagId("a");
const H1 = tagId("h1");
const H2 = tagId("h2");
const TIME = tagId("time");
const CLASS = attributeId("class");
const ID = attributeId("id");
const HREF = attributeId("href");
const REL = attributeId("rel");
const TYPE = attributeId("type");
const LANG = attributeId("lang");
const NAME = attributeId("name");
const PROPERTY = attributeId("property");
const CONTENT = attributeId("content");
const ITEMPROP = attributeId("itemprop");
const TESTID = attributeId("data-testid");

/** Tokens looked through for authors and dates before the first heading, and after each of the first two. */
const BEFORE_TOKENS = 300;
const WINDOW_TOKENS = 3_000;

/** Names under which `meta` tags repeat with one value each. */
const LISTED = new Set(["article:tag", "og:article:tag", "video:tag", "book:tag", "parsely-tags", "sailthru.tags"]);
const AUTHORED = new Set([
  "author",
  "article:author",
  "citation_author",
  "citation_authors",
  "dc.creator",
  "dcterms.creator",
]);
const OPEN_GRAPH = /^(?:og|article|book|profile|product|video|music|fb):/;

/** Reads `page.tokens` once. O(tokens); text is sliced for head tags and a bounded number of candidates only. */
export function collectFacts(page: Page): PageFacts {
  const facts: PageFacts = {
    html: page.html,
    meta: new Map(),
    tags: [],
    metaAuthors: [],
    openGraph: {},
    title: "",
    language: "",
    base: "",
    canonical: "",
    imageSource: "",
    ldScripts: [],
    headings: [],
    firstH2: -1,
    authors: [],
    dates: [],
    tagLinks: [],
    bodyStart: 0,
  };
  const { words, count } = page.tokens;
  for (let at = 0; at < count; at++) {
    const word = words[at * 4] ?? 0;
    if ((word & 15) !== TokenKind.open) continue;
    const tag = (word >> 8) & 0xffff;
    readTag(page, facts, { at, tag });
    at += words[at * 4 + 3] ?? 0;
  }
  readWindow(page, facts);
  return facts;
}

/** Looks for authors and dates around the main headings only: reading every class of a page costs as much as the rest (measured). */
function readWindow(page: TokenSource, facts: PageFacts): void {
  const { words, count } = page.tokens;
  const first = facts.headings[0] ?? facts.bodyStart;
  const last = facts.headings[1] ?? first;
  const stop = Math.min(count, last + WINDOW_TOKENS, first + 2 * WINDOW_TOKENS);
  for (let at = Math.max(facts.bodyStart, first - BEFORE_TOKENS); at < stop; at++) {
    const word = words[at * 4] ?? 0;
    if ((word & 15) !== TokenKind.open) continue;
    const tag = (word >> 8) & 0xffff;
    const attributes = words[at * 4 + 3] ?? 0;
    if (tag === TIME && facts.dates.length < FACT_CANDIDATES_MAX) {
      facts.dates.push({ token: at, by: "datetime", label: labelOf(page, at) });
    }
    if (attributes > 0 && tag !== META) readCandidates(page, facts, { at, tag, attributes });
    at += attributes;
  }
}

function readTag(page: TokenSource, facts: PageFacts, open: { readonly at: number; readonly tag: number }): void {
  const { at, tag } = open;
  switch (tag) {
    case META:
      readMeta(page, facts, at);
      break;
    case LINK:
      readLink(page, facts, at);
      break;
    case SCRIPT:
      if (facts.ldScripts.length < STRUCTURED_SCRIPTS_MAX && isLdScript(page, at))
        facts.ldScripts.push(rawAfter(page, at));
      break;
    case TITLE:
      // A title inside svg names a drawing.
      if (facts.title === "") facts.title = elementText(page, at);
      break;
    case BASE:
      facts.base ||= attributeText(page, at, HREF) ?? "";
      break;
    case HTML:
      facts.language ||= attributeText(page, at, LANG) ?? "";
      break;
    case BODY:
      facts.bodyStart ||= at;
      break;
    case H1:
      if (facts.headings.length < 4) facts.headings.push(at);
      break;
    case H2:
      if (facts.firstH2 < 0) facts.firstH2 = at;
      break;
    default:
  }
}

function readMeta(page: TokenSource, facts: PageFacts, at: number): void {
  if (facts.meta.size >= META_TAGS_MAX) return;
  const name = attributeText(page, at, PROPERTY) || attributeText(page, at, NAME) || itempropOf(page, at);
  const content = singleSpaced(attributeText(page, at, CONTENT)?.slice(0, META_CHARS_MAX) ?? "").trim();
  if (!name || content === "") return;
  const key = name.trim().toLowerCase();
  if (!facts.meta.has(key)) facts.meta.set(key, content);
  if (LISTED.has(key) && facts.tags.length < FACT_CANDIDATES_MAX) facts.tags.push(content);
  if (AUTHORED.has(key) && facts.metaAuthors.length < FACT_CANDIDATES_MAX) facts.metaAuthors.push(content);
  if (OPEN_GRAPH.test(key)) facts.openGraph[key] ??= content;
}

/** Microdata has its own names: `itemprop="name"` may be anyone's. */
function itempropOf(page: TokenSource, at: number): string {
  const name = attributeText(page, at, ITEMPROP);
  return name ? `itemprop:${name}` : "";
}

function readLink(page: TokenSource, facts: PageFacts, at: number): void {
  if (facts.canonical === "" && isAttribute(page, at, { id: REL, value: "canonical" })) {
    facts.canonical = attributeText(page, at, HREF)?.trim() ?? "";
  } else if (facts.imageSource === "" && isAttribute(page, at, { id: REL, value: "image_src" })) {
    facts.imageSource = attributeText(page, at, HREF)?.trim() ?? "";
  }
}

/** The raw text of a script stands after its attributes; an empty script has none, and its close token reads as empty text. */
function rawAfter(page: TokenSource, at: number): number {
  return at + 1 + (page.tokens.words[at * 4 + 3] ?? 0);
}

function isLdScript(page: TokenSource, at: number): boolean {
  const type = attributeToken(page, at, TYPE);
  if (type < 0) return false;
  const { words } = page.tokens;
  const length = (words[type * 4 + 2] ?? 0) - (words[type * 4 + 1] ?? 0);
  return (
    length >= 19 &&
    length < 60 &&
    page.html
      .slice(words[type * 4 + 1], words[type * 4 + 2])
      .toLowerCase()
      .includes("application/ld+json")
  );
}

type Open = { readonly at: number; readonly tag: number; readonly attributes: number };

function readCandidates(page: TokenSource, facts: PageFacts, open: Open): void {
  const { words } = page.tokens;
  for (let token = open.at + 1; token <= open.at + open.attributes; token++) {
    const id = ((words[token * 4] ?? 0) >> 8) & 0xffff;
    if (id !== CLASS && id !== ID && id !== ITEMPROP && id !== REL && id !== TESTID) continue;
    if (id === REL && open.tag !== A) continue;
    const hints = hintsIn(page, words[token * 4 + 1] ?? 0, words[token * 4 + 2] ?? 0);
    if (hints === 0) continue;
    const by = id === ITEMPROP ? "itemprop" : id === REL ? "rel" : "class";
    addCandidate(page, facts, { open, token, by, hints });
  }
}

type Hit = { readonly open: Open; readonly token: number; readonly by: Candidate["by"]; readonly hints: number };

function addCandidate(page: TokenSource, facts: PageFacts, hit: Hit): void {
  const { words } = page.tokens;
  const label = () =>
    page.html
      .slice(words[hit.token * 4 + 1], Math.min(words[hit.token * 4 + 2] ?? 0, (words[hit.token * 4 + 1] ?? 0) + 120))
      .toLowerCase();
  const token = hit.open.at;
  if ((hit.hints & Hint.author) !== 0 && facts.authors.length < FACT_CANDIDATES_MAX) {
    facts.authors.push({ token, by: hit.by, label: label() });
  }
  if ((hit.hints & Hint.date) !== 0 && hit.open.tag !== TIME && facts.dates.length < FACT_CANDIDATES_MAX) {
    facts.dates.push({ token, by: hit.by, label: label() });
  }
  if ((hit.hints & Hint.tag) !== 0 && hit.by === "rel" && facts.tagLinks.length < FACT_CANDIDATES_MAX) {
    facts.tagLinks.push(token);
  }
}

function labelOf(page: TokenSource, at: number): string {
  const text = attributeText(page, at, ITEMPROP) ?? attributeText(page, at, CLASS) ?? "";
  return text.slice(0, 120).toLowerCase();
}
