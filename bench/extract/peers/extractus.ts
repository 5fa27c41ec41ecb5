import type { PeerExtract } from "./answer.ts";
import { requirePeer } from "./installed.ts";

type ExtractusModule = {
  extractFromHtml(html: string, url: string): Promise<{ readonly content?: string } | null>;
};

/** @extractus/article-extractor, which parses by linkedom and reads by Readability. Null where it finds no article. */
export function openExtractus(directory?: string): PeerExtract {
  const { extractFromHtml } = requirePeer<ExtractusModule>("@extractus/article-extractor", directory);
  return async (html, url) => ({ kind: "html", html: (await extractFromHtml(html, url))?.content ?? "" });
}
