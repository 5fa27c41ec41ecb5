/** An HTML page to a document: main text, and what its head says about it. */
import { assemble } from "./assemble.ts";
import type { Block, Page } from "./blocks.ts";
import { countWords, type ExtractedDocument } from "./document.ts";
import { readBlocks } from "./html-blocks.ts";
import { languageOf } from "./language.ts";
import { selectBlocks } from "./select-blocks.ts";

export type HtmlInput = { readonly html: string; readonly url?: string | undefined; readonly bytes: number };

/** Parses one page. The text may be empty: the caller decides whether that is an error. */
export function parseHtml(input: HtmlInput): ExtractedDocument {
  const page = readBlocks(input.html);
  const keep = selectBlocks(page);
  const base = page.meta.base ? URL.parse(page.meta.base, input.url)?.href : undefined;
  const { text, headings, links, code } = assemble(
    page.blocks.filter((_, at) => keep[at] === 1),
    base ?? input.url,
  );
  const { tags } = page.meta;
  const language = languageOf(page.meta.language || tags.get("og:locale") || tags.get("content-language"), text);
  const byline = bylineOf(page);
  const description = tags.get("description") ?? tags.get("og:description");
  const siteName = tags.get("og:site_name") ?? tags.get("application-name");
  return {
    contentType: "text/html",
    title: titleOf(page, siteName),
    ...(language === undefined ? {} : { language }),
    text,
    headings,
    links,
    code,
    ...(byline === undefined ? {} : { byline }),
    ...(description === undefined ? {} : { description }),
    ...(siteName === undefined ? {} : { siteName }),
    bytes: input.bytes,
    wordCount: countWords(text),
  };
}

/** Between a page's own title and the site's name. */
const TITLE_SEPARATOR = /\s+[|–—·»«:-]\s+|\s*[|»«]\s*|:\s+/;

function titleOf(page: Page, siteName: string | undefined): string {
  const social = page.meta.tags.get("og:title") ?? page.meta.tags.get("twitter:title");
  if (social) return withoutSite(social, siteName);
  const heading = page.blocks.find((block) => block.kind === "heading" && block.level === 1);
  const { title } = page.meta;
  if (title === "") return heading ? plain(heading) : "";
  const parts = title.split(TITLE_SEPARATOR);
  // The part that the page repeats as its main heading is the page's own; the rest names the site or the chapter.
  if (parts.length > 1 && heading && plain(heading).length > 3 && title.includes(plain(heading))) return plain(heading);
  return withoutSite(title, siteName);
}

function withoutSite(title: string, siteName: string | undefined): string {
  const clean = title.replace(/\s+/g, " ").trim();
  if (!siteName) return clean;
  const parts = clean.split(/\s+[|–—·»«-]\s+/);
  const others = parts.filter((part) => part.toLowerCase() !== siteName.toLowerCase());
  return others.length > 0 && others.length < parts.length && parts.length === 2 ? others.join("") : clean;
}

function plain(block: Block): string {
  return block.text
    .replace(/\s+/g, " ")
    .replace(/\s*[¶§#]+$/u, "")
    .trim();
}

function bylineOf(page: Page): string | undefined {
  const named = page.meta.tags.get("author") ?? page.meta.tags.get("article:author");
  const byline = named && !/^https?:/.test(named) ? named : page.meta.byline;
  return byline === "" || byline.length > 100 ? undefined : byline.replace(/^by:?\s+/i, "");
}
