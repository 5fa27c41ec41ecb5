import { type Metadata, readMetadata } from "../../src/metadata/read-metadata.ts";
import type { Page } from "../../src/page/page.ts";
import { readPage } from "../../src/page/read-page.ts";
import { tokenizeJs } from "../../src/tokenizer/tokenize-js.ts";

export const URL_OF_PAGE = "https://www.example.org/news/harbour";

export function pageOf(html: string): Page {
  return readPage(html, tokenizeJs(html));
}

/** Metadata of a page whose head and body are given. */
export function metadataOf(
  parts: { readonly head?: string; readonly body?: string; readonly lang?: string },
  url = URL_OF_PAGE,
): Metadata {
  const lang = parts.lang === undefined ? "" : ` lang="${parts.lang}"`;
  const html = `<!doctype html><html${lang}><head>${parts.head ?? ""}</head><body>${parts.body ?? ""}</body></html>`;
  return readMetadata(pageOf(html), url);
}

export function jsonLd(value: unknown): string {
  return `<script type="application/ld+json">${JSON.stringify(value).replaceAll("</", "<\\/")}</script>`;
}
