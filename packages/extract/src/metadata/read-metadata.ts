/** What a page says about itself: title, byline, dates, site, language and the rest, each from the best source that has it. */
import { LABEL_CHARS_MAX, META_CHARS_MAX } from "../limits.ts";
import type { Page } from "../page/page.ts";
import { isOfType, type LinkedData, mainThing, readLinkedData, type Thing, textAt } from "./linked-data.ts";
import { bylineOf } from "./page-byline.ts";
import { categoriesOf } from "./page-categories.ts";
import { datesOf } from "./page-dates.ts";
import { collectFacts, type PageFacts } from "./page-facts.ts";
import { hostWordOf, pageTitle } from "./page-title.ts";
import { elementText, singleSpaced } from "./token-text.ts";

/** A page's metadata. Addresses are absolute http(s); texts are plain, white space collapsed, character references decoded. */
export type Metadata = {
  /** Empty when the page has none. At most `LABEL_CHARS_MAX` characters. */
  readonly title: string;
  /** The names as the site writes them ("Ann Lee and Bo Ek"), without "By" and the like. */
  readonly byline?: string;
  /** The names of the byline, in order. */
  readonly authors: readonly string[];
  /** ISO 8601: a day (2025-11-03), or a time with its zone where the page gives one. */
  readonly published?: string;
  readonly modified?: string;
  readonly siteName?: string;
  readonly description?: string;
  /** As the page declares it, ISO 639-1 in lower case; absent when it does not: `languageOf` then looks at the text. */
  readonly language?: string;
  readonly canonicalUrl?: string;
  /** What relative addresses of the page refer to: its `base`, else its URL; absent when neither is known. */
  readonly base?: string;
  readonly image?: string;
  readonly categories: readonly string[];
  /** `og:`, `article:` and the like, by property. */
  readonly openGraph: Readonly<Record<string, string>>;
  /** The values of the page's JSON-LD scripts. */
  readonly jsonLd: readonly unknown[];
  /** Where each field was found: "json-ld", "meta", "heading", "class", "url" … */
  readonly sources: Readonly<Record<string, string>>;
};

/**
 * Reads the metadata of `page`; `url` is where it was fetched. One walk over the tokens plus work in proportion to the head and the
 * JSON-LD; never throws for what a page holds. docs/extract-metadata.md lists every field's sources in order, with their measurement.
 */
export function readMetadata(page: Page, url: string | undefined): Metadata {
  const facts = collectFacts(page);
  const data = readLinkedData(page, facts.ldScripts);
  const main = mainThing(data);
  const base = webAddress(facts.base, url) ?? webAddress(url, undefined);
  const siteName = siteNameOf(facts, data);
  const language = languageCode(facts, main, data);
  const title = titleOf(page, { facts, data, main, siteName, url });
  const byline = bylineOf({ page, facts, data, main, siteName });
  const { published, modified } = datesOf({ page, facts, data, main, url, language });
  const described =
    firstOf(facts.meta, ["description", "og:description"]) ??
    textAt(main, "description", data) ??
    firstOf(facts.meta, ["twitter:description", "dc.description"]);
  return {
    title: title.title,
    ...present("byline", byline?.text),
    ...present("published", published?.date),
    ...present("modified", modified?.date),
    ...present("siteName", siteName),
    ...present("description", described && oneLine(described)),
    ...present("language", language),
    ...present("canonicalUrl", canonicalOf(facts, base, url)),
    ...present("base", base),
    ...present("image", imageOf({ facts, data, main, base })),
    authors: byline?.names ?? [],
    categories: categoriesOf({ page, facts, data, main, title: title.title, siteName }),
    openGraph: facts.openGraph,
    jsonLd: data.values,
    sources: {
      title: title.source,
      ...present("byline", byline?.source),
      ...present("published", published?.source),
      ...present("modified", modified?.source),
    },
  };
}

type TitleInput = {
  readonly facts: PageFacts;
  readonly data: LinkedData;
  readonly main: Thing | undefined;
  readonly siteName: string | undefined;
  readonly url: string | undefined;
};

function titleOf(page: Page, input: TitleInput): ReturnType<typeof pageTitle> {
  const { facts } = input;
  const h1s = facts.headings.map((token) => elementText(page, token)).filter((text) => text !== "");
  const h2 = h1s.length === 0 && facts.firstH2 >= 0 ? [elementText(page, facts.firstH2)] : [];
  return pageTitle({
    title: facts.title,
    social: firstOf(facts.meta, ["og:title", "twitter:title"]) ?? "",
    headline: textAt(input.main, "headline", input.data) ?? "",
    headings: [...h1s, ...h2],
    siteName: input.siteName ?? "",
    hostWord: hostWordOf(input.url),
  });
}

function siteNameOf(facts: PageFacts, data: LinkedData): string | undefined {
  const named = firstOf(facts.meta, ["og:site_name", "application-name", "apple-mobile-web-app-title"]);
  const site = data.things.find((thing) => isOfType(thing, "WebSite"));
  const name =
    facts.meta.get("og:site_name") ?? textAt(site, "name", data) ?? textAt(mainThing(data), "publisher", data) ?? named;
  return name === undefined || name.length > LABEL_CHARS_MAX || /^https?:/.test(name) ? undefined : oneLine(name);
}

/** `html[lang]`, `og:locale`, JSON-LD, `content-language`: the first that is a language. */
function languageCode(facts: PageFacts, main: Thing | undefined, data: LinkedData): string | undefined {
  const said = [
    facts.language,
    facts.meta.get("og:locale"),
    textAt(main, "inLanguage", data),
    facts.meta.get("content-language"),
  ];
  for (const text of said) {
    const code = /^\s*([a-z]{2,3})(?![a-z])/i.exec(text ?? "")?.[1]?.toLowerCase();
    // und: undetermined, zxx: no language, mul: several (ISO 639-2).
    if (code && code !== "und" && code !== "zxx" && code !== "mul") return code;
  }
  return undefined;
}

/** `link rel=canonical`, else `og:url`. A page that names its site's root while it lies deeper repeats a template's mistake. */
function canonicalOf(facts: PageFacts, base: string | undefined, url: string | undefined): string | undefined {
  for (const named of [facts.canonical, facts.meta.get("og:url") ?? ""]) {
    const address = named === "" ? undefined : webAddress(named, base);
    if (address === undefined) continue;
    const path = url === undefined ? "/" : (URL.parse(url)?.pathname ?? "/");
    if (new URL(address).pathname !== "/" || path === "/") return address;
  }
  return undefined;
}

type ImageInput = {
  readonly facts: PageFacts;
  readonly data: LinkedData;
  readonly main: Thing | undefined;
  readonly base: string | undefined;
};

function imageOf({ facts, data, main, base }: ImageInput): string | undefined {
  const listed = firstOf(facts.meta, [
    "og:image",
    "og:image:secure_url",
    "og:image:url",
    "twitter:image",
    "twitter:image:src",
  ]);
  const value = main?.image;
  const first = Array.isArray(value) ? value[0] : value;
  const nested = typeof first === "object" && first !== null ? (first as Thing).url : first;
  const named = typeof nested === "string" ? nested : textAt(main, "thumbnailUrl", data);
  return webAddress(listed, base) ?? webAddress(named, base) ?? webAddress(facts.imageSource || undefined, base);
}

/** Absolute http(s), or undefined. */
function webAddress(address: string | undefined, base: string | undefined): string | undefined {
  const parsed = address ? URL.parse(address.trim(), base) : null;
  return parsed && (parsed.protocol === "https:" || parsed.protocol === "http:") ? parsed.href : undefined;
}

function firstOf(meta: ReadonlyMap<string, string>, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = meta.get(name);
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

function oneLine(text: string): string {
  return singleSpaced(text.slice(0, META_CHARS_MAX)).trim();
}

function present<Key extends string>(key: Key, value: string | undefined): Partial<Record<Key, string>> {
  return value === undefined || value === "" ? {} : ({ [key]: value } as Record<Key, string>);
}
