/** A page's JSON-LD: parsed, flattened to its things, and the thing that the page is about. */
import { decodeReferences } from "../entities.ts";
import { STRUCTURED_CHARS_MAX, STRUCTURED_DEPTH_MAX } from "../limits.ts";
import type { TokenSource } from "./token-text.ts";
import { parseTolerant } from "./tolerant-json.ts";

export type Thing = Readonly<Record<string, unknown>>;

export type LinkedData = {
  /** The scripts' values as they stand, in order. */
  readonly values: readonly unknown[];
  /** Every object with a type, outer before inner, in page order. */
  readonly things: readonly Thing[];
  readonly byId: ReadonlyMap<string, Thing>;
};

/** Things of one page: a listing with a hundred products has some thousand. */
const THINGS_MAX = 10_000;

/** Texts read of one list: authors, ingredients, keywords. */
const TEXTS_MAX = 500;

/** How well a type tells what a page is about; others are parts of it (images, ratings, the publisher). */
const RANKS: readonly (readonly string[])[] = [
  [
    "NewsArticle",
    "BlogPosting",
    "Article",
    "TechArticle",
    "ScholarlyArticle",
    "Report",
    "ReportageNewsArticle",
    "AnalysisNewsArticle",
  ].concat(
    [
      "OpinionNewsArticle",
      "MedicalScholarlyArticle",
      "LiveBlogPosting",
      "AdvertiserContentArticle",
      "SatiricalArticle",
      "BackgroundNewsArticle",
    ],
    [
      "ReviewNewsArticle",
      "Recipe",
      "HowTo",
      "SocialMediaPosting",
      "DiscussionForumPosting",
      "QAPage",
      "Question",
      "JobPosting",
    ],
  ),
  [
    "Product",
    "ProductGroup",
    "Book",
    "SoftwareApplication",
    "MobileApplication",
    "Course",
    "Event",
    "Movie",
    "VideoGame",
    "Podcast",
    "PodcastEpisode",
  ].concat(["VideoObject", "CreativeWork", "Dataset", "SoftwareSourceCode", "Service"]),
  ["MedicalWebPage", "FAQPage", "ProfilePage", "AboutPage", "CollectionPage", "ItemPage", "WebPage", "Blog"],
];
const RANK_OF: ReadonlyMap<string, number> = new Map(
  RANKS.flatMap((types, rank) => types.map((type) => [type, rank] as const)),
);

/** Parses the raw tokens `scripts` of the page. Scripts that are no JSON, too deep or past the limit are left out. */
export function readLinkedData(page: TokenSource, scripts: readonly number[]): LinkedData {
  const values: unknown[] = [];
  const things: Thing[] = [];
  const byId = new Map<string, Thing>();
  const { words } = page.tokens;
  let chars = 0;
  for (const token of scripts) {
    const start = words[token * 4 + 1] ?? 0;
    const end = words[token * 4 + 2] ?? 0;
    chars += end - start;
    if (chars > STRUCTURED_CHARS_MAX) break;
    const value = parseTolerant(page.html.slice(start, end));
    if (typeof value !== "object" || value === null || !collect(value, { things, byId, depth: 0 })) continue;
    values.push(value);
  }
  return { values, things, byId };
}

/** The things in values that have been parsed already. */
export function linkData(values: readonly unknown[]): LinkedData {
  const things: Thing[] = [];
  const byId = new Map<string, Thing>();
  for (const value of values) collect(value, { things, byId, depth: 0 });
  return { values, things, byId };
}

type Collection = { readonly things: Thing[]; readonly byId: Map<string, Thing>; readonly depth: number };

/** False when `value` is deeper than the limit. */
function collect(value: unknown, into: Collection): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (into.depth > STRUCTURED_DEPTH_MAX) return false;
  const inner = { ...into, depth: into.depth + 1 };
  if (Array.isArray(value)) return value.every((item) => collect(item, inner));
  const thing = value as Thing;
  if (thing["@type"] !== undefined && into.things.length < THINGS_MAX) {
    into.things.push(thing);
    const id = thing["@id"];
    if (typeof id === "string" && !into.byId.has(id)) into.byId.set(id, thing);
  }
  for (const key in thing) if (!collect(thing[key], inner)) return false;
  return true;
}

/** Whether the thing is of the type, which may stand as a URL of schema.org or in a list. */
export function isOfType(thing: Thing, type: string): boolean {
  return typesOf(thing).includes(type);
}

export function typesOf(thing: Thing): string[] {
  const type = thing["@type"];
  const list = Array.isArray(type) ? type : [type];
  return list
    .filter((name) => typeof name === "string")
    .map((name) => name.slice(name.lastIndexOf("/") + 1).replace(/^schema:/, ""));
}

/** 0 for things that a page is written about, 2 for the page itself, 3 for anything else. */
export function rankOf(thing: Thing): number {
  let rank = 3;
  for (const type of typesOf(thing)) rank = Math.min(rank, RANK_OF.get(type) ?? 3);
  return rank;
}

/** The thing that the page is about: of the best rank, and of those the first. */
export function mainThing(data: LinkedData): Thing | undefined {
  let best: Thing | undefined;
  let bestRank = 3;
  for (const thing of data.things) {
    const rank = rankOf(thing);
    if (rank < bestRank) [best, bestRank] = [thing, rank];
  }
  return best;
}

/** Whether the page sells or describes a thing: it has neither an author nor a date of its own, only its reviews have. */
export function isAboutProduct(main: Thing | undefined, openGraphType: string | undefined): boolean {
  const isProduct =
    main !== undefined &&
    typesOf(main).some((type) =>
      /^(?:Product|ProductGroup|SoftwareApplication|MobileApplication|VideoGame|Course)$/.test(type),
    );
  return isProduct || /^(?:og:)?product/i.test(openGraphType ?? "");
}

/** The first text under `key`: itself, or its name or value where it is a thing or a reference to one. */
export function textAt(thing: Thing | undefined, key: string, data: LinkedData): string | undefined {
  return textsAt(thing, key, data)[0];
}

/** All texts under `key`. */
export function textsAt(thing: Thing | undefined, key: string, data: LinkedData): string[] {
  const value = thing?.[key];
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value.slice(0, TEXTS_MAX) : [value];
  return list.flatMap((item) => textOf(item, data) ?? []);
}

function textOf(value: unknown, data: LinkedData): string | undefined {
  if (typeof value === "string") return plainText(value);
  if (typeof value === "number") return String(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const thing = value as Thing;
  const reference = thing["@id"];
  const named = "name" in thing || typeof reference !== "string" ? thing : data.byId.get(reference);
  const text = named?.name ?? named?.["@value"];
  const first: unknown = Array.isArray(text) ? text[0] : text;
  return typeof first === "string" ? plainText(first) : undefined;
}

/** Sites often put text of their pages into JSON without decoding its references. */
function plainText(text: string): string | undefined {
  return decodeReferences(text).trim() || undefined;
}
