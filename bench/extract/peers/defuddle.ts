import type { PeerExtract } from "./answer.ts";
import { openDom } from "./dom.ts";
import { importPeer } from "./installed.ts";

type DefuddleModule = {
  Defuddle(document: object, url: string, options: { useAsync: boolean }): Promise<{ readonly content: string }>;
};

/** defuddle's function for Node over linkedom. It may not ask other servers for what a page lacks: it gets the page alone, as all do. */
export async function openDefuddle(directory?: string): Promise<PeerExtract> {
  const { Defuddle } = await importPeer<DefuddleModule>("defuddle", "dist/node.js", directory);
  const open = openDom("linkedom", directory);
  return async (html, url) => {
    const { content } = await Defuddle(open(html, url).document, url, { useAsync: false });
    return { kind: "html", html: content };
  };
}
