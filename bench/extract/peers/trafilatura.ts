import type { PeerExtract } from "./answer.ts";
import { requirePeer } from "./installed.ts";

type TrafilaturaModule = {
  extract(html: string, options: { url: string }): { readonly contentHtml?: string; readonly contentText: string };
};

/**
 * rs-trafilatura as a native module, with its own settings; the address tells it more about the kind of page. Judged twice: by its HTML,
 * which becomes text as all peers' HTML does (its own text where it gives no HTML), and by its own text.
 */
export function openTrafilatura(form: "html" | "text", directory?: string): PeerExtract {
  const { extract } = requirePeer<TrafilaturaModule>("trafilatura-linux-x64-gnu", directory);
  return (html, url) => {
    const { contentHtml, contentText } = extract(html, { url });
    return form === "html" && contentHtml ? { kind: "html", html: contentHtml } : { kind: "text", text: contentText };
  };
}
