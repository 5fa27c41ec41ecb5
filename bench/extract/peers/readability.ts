import type { PeerExtract } from "./answer.ts";
import { type DomName, openDom } from "./dom.ts";
import { requirePeer } from "./installed.ts";

type ReadabilityModule = {
  readonly Readability: new (document: object) => { parse(): { readonly content?: string | null } | null };
};

/** @mozilla/readability as it is by default: the whole page is parsed into a document of its own each time, which it changes. */
export function openReadability(dom: DomName, directory?: string): PeerExtract {
  const { Readability } = requirePeer<ReadabilityModule>("@mozilla/readability", directory);
  const open = openDom(dom, directory);
  return (html, url) => {
    const { document, close } = open(html, url);
    try {
      return { kind: "html", html: new Readability(document).parse()?.content ?? "" };
    } finally {
      close();
    }
  };
}
