/** The two documents that extractors written for browsers are run on. */
import { requirePeer } from "./installed.ts";

type Linkedom = { parseHTML(html: string): { readonly document: object } };
type Jsdom = {
  readonly JSDOM: new (
    html: string,
    options: { url: string },
  ) => { readonly window: { document: object; close(): void } };
};

export type DomName = "linkedom" | "jsdom";

/** Parses a page, and lets go of it afterwards. */
export type OpenedDocument = { readonly document: object; readonly close: () => void };

export function openDom(name: DomName, directory?: string): (html: string, url: string) => OpenedDocument {
  if (name === "linkedom") {
    const { parseHTML } = requirePeer<Linkedom>("linkedom", directory);
    return (html) => ({ document: parseHTML(html).document, close: () => {} });
  }
  const { JSDOM } = requirePeer<Jsdom>("jsdom", directory);
  // No `resources` and no `runScripts`: nothing is loaded and no script of the page runs.
  return (html, url) => {
    const { window } = new JSDOM(html, { url });
    return { document: window.document, close: () => window.close() };
  };
}
