/** The links of a document: made absolute, freed from tracking, each kept once. */
import type { Link } from "../document.ts";
import { LINKS_MAX } from "../limits.ts";

/** Parameters that name a campaign or a click, not a page. */
const TRACKING =
  /^(?:utm_\w+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|mc_cid|mc_eid|mkt_tok|_hsenc|_hsmi|vero_id|oly_enc_id|oly_anon_id|s_cid|cmpid)$/i;
const MAYBE_TRACKING = /[?&](?:utm_|[fgdymt]\w*clid|gclsrc|[gw]braid|igshid|mc_|mkt_tok|_hs|vero_id|oly_|s_cid|cmpid)/i;

/** Addresses that parsing would leave as they are: plain characters, a host in lower case; dot segments are looked for apart. */
const PLAIN_ADDRESS = /^https?:\/\/[a-z][a-z\d.-]*\.[a-z]+\/[\w~%+=&?#,;:@!$*/.-]*$/;
const PLAIN_PATH = /^\/[\w~%+=&?#,;:@!$*/.-]*$/;

export class LinkList {
  readonly #base: string | undefined;
  /** Scheme and host of the base. */
  readonly #origin: string;
  readonly #resolved = new Map<string, string | undefined>();
  readonly #links = new Map<string, Link>();

  constructor(base: string | undefined) {
    this.#base = base;
    const origin = base === undefined ? undefined : URL.parse(base)?.origin;
    this.#origin = origin === undefined || origin === "null" ? "" : origin;
  }

  get all(): Link[] {
    return [...this.#links.values()];
  }

  /** The absolute http(s) or mailto address, or undefined for a mark on the same page and for other schemes. */
  resolve(href: string | undefined): string | undefined {
    if (href === undefined || href === "") return undefined;
    if (this.#resolved.has(href)) return this.#resolved.get(href);
    const url = this.#toAbsolute(href.trim());
    this.#resolved.set(href, url);
    return url;
  }

  /** Adds an http(s) address once, with the first words it stands on. */
  add(url: string, text: string, rel?: string): void {
    if (!url.startsWith("http") || this.#links.has(url) || this.#links.size >= LINKS_MAX) return;
    this.#links.set(url, rel ? { url, text, rel } : { url, text });
  }

  #toAbsolute(href: string): string | undefined {
    if (href === "" || href.startsWith("#")) return undefined;
    // Parsing costs as much as all else that is done for a link (measured).
    if (!href.includes("/.") && (!href.includes("?") || !MAYBE_TRACKING.test(href))) {
      if (PLAIN_ADDRESS.test(href)) return href;
      if (this.#origin !== "" && !href.startsWith("//") && PLAIN_PATH.test(href)) return this.#origin + href;
    }
    const url = URL.parse(href, this.#base);
    if (!url) return undefined;
    if (url.protocol === "mailto:") return url.pathname.includes("@") ? url.href : undefined;
    if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
    if (MAYBE_TRACKING.test(url.search)) withoutTracking(url);
    return url.href;
  }
}

/** Cuts parameters out of the query as it was written; parsing and writing it again would change the others. */
function withoutTracking(url: URL): void {
  const kept = url.search
    .slice(1)
    .split("&")
    .filter((pair) => !TRACKING.test(pair.slice(0, `${pair}=`.indexOf("="))));
  url.search = kept.join("&");
}
