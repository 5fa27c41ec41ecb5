/** One spelling for every address of the same page, so that they share a cache entry. */
import { MillraceError } from "@millrace/core";
import { URL_CHARS_MAX } from "../limits.ts";

/** Query parameters that name the way to a page, not the page: set by mail, advertising and analytics tools. */
const TRACKING =
  /^(?:utm_.+|gclid|gclsrc|dclid|wbraid|gbraid|fbclid|msclkid|yclid|twclid|ttclid|igshid|igsh|li_fat_id|epik|srsltid|mc_[ce]id|mkt_tok|vero_id|oly_(?:enc|anon)_id|_hsenc|_hsmi|_ga|_gl|_gac)$/;

/**
 * `url` in its one spelling: scheme and host in lower case and without the trailing dot, no default port, no fragment, percent-encoding
 * normalised (RFC 3986 §6.2.2), query parameters sorted by name (equal names keep their order), empty and tracking ones dropped.
 * Idempotent. For keys only: fetch the address as it was given. Throws `invalid_argument` when it is no http address.
 */
export function canonicalUrl(url: string): string {
  const parsed = url.length <= URL_CHARS_MAX ? URL.parse(url) : null;
  if (!parsed || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) {
    throw new MillraceError(
      "invalid_argument",
      `${url.slice(0, 200)} is not an http address of at most ${URL_CHARS_MAX} characters; write it as https://host/path`,
    );
  }
  parsed.hash = "";
  const host = parsed.hostname.replace(/\.+$/, "");
  if (host !== "" && host !== parsed.hostname) parsed.hostname = host;
  parsed.pathname = normalizeEscapes(parsed.pathname);
  const query = canonicalQuery(parsed.search);
  // The setter drops one leading "?", which a query may also begin with.
  parsed.search = query === "" ? "" : `?${query}`;
  return parsed.href;
}

function canonicalQuery(search: string): string {
  const pairs = normalizeEscapes(search.slice(1))
    .split("&")
    .map((pair) => ({ pair, name: pair.split("=", 1)[0] ?? "" }))
    .filter(({ pair, name }) => pair !== "" && !TRACKING.test(name.toLowerCase()));
  pairs.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return pairs.map(({ pair }) => pair).join("&");
}

/**
 * `%41` is `A`, `%2f` is `%2F`, and a `%` that starts no escape is `%25`: left as it is, `%%341` would turn into the escape `%41`.
 */
function normalizeEscapes(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(/%(?:[0-9a-f]{2})?/gi, (part) => {
    if (part.length === 1) return "%25";
    const char = String.fromCharCode(Number.parseInt(part.slice(1), 16));
    return /[\w.~-]/.test(char) ? char : part.toUpperCase();
  });
}
