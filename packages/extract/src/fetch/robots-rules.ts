/** robots.txt by RFC 9309: which paths a crawler may fetch, and how fast. */
import { CRAWL_DELAY_MS_MAX, ROBOTS_BYTES_MAX, SITEMAPS_MAX } from "../limits.ts";

export type RobotsRules = {
  /** Whether the address may be fetched. `url` is absolute. */
  allows(url: URL): boolean;
  /** Between two pages, at most `CRAWL_DELAY_MS_MAX`; no rule of the RFC, but what many sites write and crawlers heed. */
  readonly crawlDelayMs?: number;
  /** Addresses as written, in order. */
  readonly sitemaps: readonly string[];
};

export const ALLOW_ALL: RobotsRules = { allows: () => true, sitemaps: [] };
export const DISALLOW_ALL: RobotsRules = { allows: ({ pathname }) => pathname === "/robots.txt", sitemaps: [] };

type Rule = { readonly pattern: string; readonly isAllowed: boolean };
type Group = { readonly rules: Rule[]; crawlDelayMs?: number };
type Field = "user-agent" | "allow" | "disallow" | "crawl-delay" | "sitemap";

/** Names as they are meant; the misspellings are those that Google's parser takes. */
const FIELDS: Readonly<Record<string, Field>> = {
  "user-agent": "user-agent",
  useragent: "user-agent",
  "user agent": "user-agent",
  allow: "allow",
  disallow: "disallow",
  dissallow: "disallow",
  dissalow: "disallow",
  disalow: "disallow",
  diasllow: "disallow",
  disallaw: "disallow",
  "crawl-delay": "crawl-delay",
  crawldelay: "crawl-delay",
  sitemap: "sitemap",
  "site-map": "sitemap",
};

/** The part of a user agent that robots.txt calls it by: `Millrace` of `Millrace/0.1 (+https://…)`. */
export function productToken(userAgent: string): string {
  return /^[\w-]+/.exec(userAgent.trim())?.[0] ?? "";
}

/**
 * Reads `bytes` of a robots.txt for the crawler `product`. All groups that name it count together; without one, those for `*`; without
 * those, everything is allowed. Of the rules that match a path the longest pattern decides, and Allow where two are as long. Never throws.
 */
export function parseRobots(bytes: Uint8Array, product: string): RobotsRules {
  const own: Group = { rules: [] };
  const common: Group = { rules: [] };
  const sitemaps: string[] = [];
  let named: Set<Group> = new Set();
  let isNamed = false;
  let isOpen = false;
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === "sitemap") {
      if (sitemaps.length < SITEMAPS_MAX && value !== "") sitemaps.push(value);
      continue;
    }
    if (field === "user-agent") {
      // Agents named one after the other share what follows; a rule in between ends that.
      if (!isOpen) named = new Set();
      isOpen = true;
      if (isStar(value)) named.add(common);
      else if (productToken(value).toLowerCase() === product.toLowerCase()) {
        named.add(own);
        isNamed = true;
      }
      continue;
    }
    if (field !== "crawl-delay") isOpen = false;
    for (const group of named) addTo(group, field, value);
  }
  return rulesOf(isNamed ? own : common, sitemaps);
}

/** `*` alone or before a blank; `*bot` names nobody. */
function isStar(value: string): boolean {
  return /^\*(\s|$)/.test(value);
}

function addTo(group: Group, field: Exclude<Field, "user-agent" | "sitemap">, value: string): void {
  if (field === "crawl-delay") {
    const seconds = /^\d{0,9}(\.\d{0,9})?$/.test(value) ? Number.parseFloat(value) : Number.NaN;
    if (seconds > 0) group.crawlDelayMs = Math.min(CRAWL_DELAY_MS_MAX, seconds * 1_000);
  } else if (value !== "") group.rules.push({ pattern: patternOf(value), isAllowed: field === "allow" });
}

function rulesOf({ rules, crawlDelayMs }: Group, sitemaps: readonly string[]): RobotsRules {
  // Longest first, Allow before Disallow: the first that matches decides.
  rules.sort((a, b) => b.pattern.length - a.pattern.length || Number(b.isAllowed) - Number(a.isAllowed));
  return {
    allows(url) {
      if (url.pathname === "/robots.txt") return true;
      const path = pathOf(url);
      return rules.find(({ pattern }) => matches(pattern, path))?.isAllowed ?? true;
    },
    ...(crawlDelayMs === undefined ? {} : { crawlDelayMs }),
    sitemaps,
  };
}

function* fieldsOf(bytes: Uint8Array): Generator<readonly [Field, string]> {
  const isCut = bytes.length > ROBOTS_BYTES_MAX;
  const lines = new TextDecoder().decode(bytes.subarray(0, ROBOTS_BYTES_MAX)).split(/\r\n|\r|\n/);
  // Half a line says something else than the whole.
  if (isCut) lines.pop();
  for (const line of lines) {
    const text = line.replace(/#.*/, "").trim();
    // A colon that was forgotten is taken as said where two words stand alone.
    const parts = /^([^:]*?)\s*:\s*(.*)$/.exec(text) ?? /^(\S+)\s+(\S+)$/.exec(text);
    const name = parts?.[1]?.toLowerCase() ?? "";
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (field) yield [field, parts?.[2] ?? ""];
  }
}

function pathOf(url: URL): string {
  // In an address these are characters like others; in a pattern they are not (RFC 9309, 2.2.3).
  return canonical(url.pathname + url.search)
    .replaceAll("*", "%2A")
    .replaceAll("$", "%24");
}

/** The pattern as `matches` reads it: `*` and a last `$` as they are, any other `$` spelled out. */
function patternOf(value: string): string {
  const isEnd = value.endsWith("$");
  const body = canonical(isEnd ? value.slice(0, -1) : value).replaceAll("$", "%24");
  // What does not begin with / or * is meant from the root.
  return (/^[/*]/.test(body) ? body : `/${body}`) + (isEnd ? "$" : "");
}

/**
 * One spelling for paths and patterns (RFC 9309, 2.2.2): what needs no escape is unescaped, what needs one has it in capitals. In the query
 * `:` and `/` stand for themselves, escaped or not: addresses inside addresses are written both ways.
 */
function canonical(path: string): string {
  const query = path.indexOf("?");
  const at = query === -1 ? path.length : query;
  const plain = unescaped(path.slice(0, at), /[A-Za-z0-9._~-]/) + unescaped(path.slice(at), /[A-Za-z0-9._~:/-]/);
  return plain.replace(/(?:[^\x21-\x7e]|["'<>\\^`{|}])+/gu, escaped);
}

function escaped(characters: string): string {
  return Buffer.from(characters).toString("hex").toUpperCase().replace(/../g, "%$&");
}

function unescaped(text: string, plain: RegExp): string {
  return text.replace(/%([0-9a-f]{2})/gi, (spelling, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return plain.test(character) ? character : spelling.toUpperCase();
  });
}

/** Takes the earliest place for each piece between stars, which is right because only the last piece can be bound to the end. */
function matches(pattern: string, path: string): boolean {
  const isEnd = pattern.endsWith("$");
  const pieces = (isEnd ? pattern.slice(0, -1) : pattern).split("*");
  const [first = ""] = pieces;
  if (!path.startsWith(first)) return false;
  if (pieces.length === 1) return !isEnd || path.length === first.length;
  const last = isEnd ? pieces.pop() : undefined;
  let at = first.length;
  for (const piece of pieces.slice(1)) {
    const found = path.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return last === undefined || (path.length - last.length >= at && path.endsWith(last));
}
