/** Pages that send their reader on by themselves: `<meta http-equiv="refresh">` (HTML, "shared declarative refresh steps"). */
import { decodeAttribute } from "../entities.ts";
import { META_REFRESH_BYTES, META_REFRESH_SECONDS_MAX, URL_CHARS_MAX } from "../limits.ts";

export type RefreshInput = { readonly url: URL; readonly contentType: string; readonly bytes: Uint8Array };

/** What is looked at: metas and bases, and what may hold their text without holding them; the last alternatives of each end it where it is cut. */
const PARTS =
  /<!--[\s\S]*?(?:-->|$)|<(script|style|noscript|template|textarea|title|iframe|noframes|noembed|xmp)\b[\s\S]*?(?:<\/\1\b|$)|<(meta|base)\b[^<>]*>/gi;
const ATTRIBUTE = /([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;
const CONTENT = /^\s*(?:(\d+)(?:\.[\d.]*)?|\.[\d.]*)(?:\s*[;,]\s*|\s+)(?:url\s*=\s*)?([\s\S]*)$/i;

/**
 * The address that an HTML page sends on to within `META_REFRESH_SECONDS_MAX`; undefined when it stays, or loads itself again or moves
 * within itself. What only readers without scripts would follow (`<noscript>`) does not count: it leads to a page that says no more than that.
 */
export function refreshOf({ url, contentType, bytes }: RefreshInput): URL | undefined {
  if (!/html/i.test(contentType)) return undefined;
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, META_REFRESH_BYTES)).toString();
  if (!/refresh/i.test(head)) return undefined;
  let base: URL | undefined;
  for (const [tag, , name] of head.matchAll(PARTS)) {
    if (name === undefined) continue;
    const attributes = attributesOf(tag);
    if (name.toLowerCase() === "base") base ??= URL.parse(attributes.get("href") ?? "", url.href) ?? undefined;
    else if (attributes.get("http-equiv")?.toLowerCase() === "refresh") {
      const told = readContent(attributes.get("content") ?? "");
      if (told) return addressOf(told, url, base ?? url);
    }
  }
  return undefined;
}

/** By lower-case name, the first of each, as browsers take them. */
function attributesOf(tag: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, name = "", double, single, bare] of tag.slice("<meta".length).matchAll(ATTRIBUTE)) {
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, decodeAttribute(double ?? single ?? bare ?? ""));
  }
  return found;
}

type Told = { readonly seconds: number; readonly target: string };

/** The delay and what follows it, out of its quotes; undefined when that is nothing, or the delay is too long. */
function readContent(content: string): Told | undefined {
  const parts = CONTENT.exec(content);
  const seconds = Number(parts?.[1] ?? 0);
  if (!parts || seconds > META_REFRESH_SECONDS_MAX) return undefined;
  const text = (parts[2] ?? "").trim();
  const quote = text[0];
  const target = quote === '"' || quote === "'" ? text.slice(1).split(quote)[0] : text;
  return target ? { seconds, target } : undefined;
}

function addressOf({ seconds, target }: Told, url: URL, base: URL): URL | undefined {
  const next = target.length <= URL_CHARS_MAX ? URL.parse(target, base.href) : null;
  if (!next || !/^https?:$/.test(next.protocol)) return undefined;
  // What a site puts there is not sent on: it could name the user of another.
  next.username = "";
  next.password = "";
  const isWithin = next.hash !== "" && next.href.split("#")[0] === url.href.split("#")[0];
  // A page that loads itself again now and then is itself; one that does at once never comes to an end.
  const isLive = seconds > 0 && next.href === url.href;
  return isWithin || isLive ? undefined : next;
}
