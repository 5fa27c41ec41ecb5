/** What a peer is asked and what it answers. */

/** In the form the peer gives it; all HTML becomes text by one converter, see `plain-text.ts`. */
export type PeerAnswer =
  | { readonly kind: "html"; readonly html: string }
  | { readonly kind: "markdown"; readonly markdown: string }
  | { readonly kind: "text"; readonly text: string };

/** `url` is the page's own address. May throw: that counts as a page on which the peer failed. */
export type PeerExtract = (html: string, url: string) => PeerAnswer | Promise<PeerAnswer>;
