import { ROBOTS_META_BYTES } from "../limits.ts";
import { productToken } from "./robots-rules.ts";

export type RobotsDirectivesInput = {
  /** The X-Robots-Tag headers. */
  readonly headers: readonly string[];
  /** The page, when it is HTML; its first `ROBOTS_META_BYTES` are looked through. */
  readonly html?: Uint8Array | undefined;
  /** Whose directives count beside everybody's. */
  readonly product: string;
};

const META = /<meta\b[^>]{0,1000}>/gi;
const DIRECTIVES_MAX = 32;

/**
 * What the site asks of those who index the page: directives of X-Robots-Tag and `<meta name=robots>` for all and for `product`, lower
 * case, each once, in order ("noindex", "max-snippet:20"). Reported, not obeyed: whether a page is indexed is the caller's decision.
 */
export function robotsDirectives({ headers, html, product }: RobotsDirectivesInput): readonly string[] {
  const found = new Set<string>();
  const keep = (list: string) => {
    for (const part of list.toLowerCase().split(",")) {
      const directive = part.trim();
      if (/^[a-z-]{1,40}(\s*:.{0,40})?$/.test(directive) && found.size < DIRECTIVES_MAX)
        found.add(directive.replace(/\s*:\s*/, ":"));
    }
  };
  for (const header of headers) keep(forProduct(header, product));
  if (html) for (const content of metaContents(html, product)) keep(content);
  return [...found];
}

/** `otherbot: noindex` is not for us; `max-snippet: 20` and `unavailable_after: …` are directives with a value. */
function forProduct(header: string, product: string): string {
  const agent = /^\s*([\w-]+)\s*:\s*(.*)$/.exec(header);
  if (!agent || /^(max-[a-z-]+|unavailable_after)$/i.test(agent[1] ?? "")) return header;
  return productToken(agent[1] ?? "").toLowerCase() === product.toLowerCase() ? (agent[2] ?? "") : "";
}

function metaContents(html: Uint8Array, product: string): string[] {
  const head = Buffer.from(html.buffer, html.byteOffset, Math.min(html.length, ROBOTS_META_BYTES)).toString("latin1");
  return [...head.matchAll(META)].flatMap(([tag]) => {
    const name = attribute(tag, "name").toLowerCase();
    return name === "robots" || (name !== "" && name === product.toLowerCase()) ? [attribute(tag, "content")] : [];
  });
}

function attribute(tag: string, name: string): string {
  const value = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, "i").exec(tag);
  return value?.[1] ?? value?.[2] ?? value?.[3] ?? "";
}
