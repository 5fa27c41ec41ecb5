/** What a page says about itself as a whole, as hashes: the words of its address, its head and its size; tells the page type. */
import type { Page } from "../page/page.ts";
import { attributeId, TAGS, TOKEN_WORDS, TokenKind, tagId } from "../tokenizer/tokens.ts";
import type { ElementFacts } from "./element-facts.ts";
import { addNameUnits, addNameWords, type HashList, hashOf } from "./hashes.ts";

const META = tagId("meta");
const BODY = tagId("body");
const HTML = tagId("html");
const SCRIPT = tagId("script");
const CLASS = attributeId("class");
const CONTENT = attributeId("content");
const NAME = attributeId("name");
const PROPERTY = attributeId("property");
const ITEMTYPE = attributeId("itemtype");
const TYPE = attributeId("type");

const Seed = { host: 11, path: 12, body: 13, ogType: 14, generator: 15, schema: 16, size: 17, body2: 18 } as const;

/** Elements whose number says something, each with a hash of its own and a logarithmic count. */
const COUNTED = ["article", "form", "table", "li", "h2", "h3", "pre", "button", "input", "time", "img", "p"].map(tagId);
const IS_COUNTED = Uint8Array.from({ length: TAGS.length + 1 }, (_, id) => Number(COUNTED.includes(id)));

/** JSON-LD holds its type names anywhere; this many of them tell what the page is. */
const SCHEMA_TYPES_MAX = 40;

export function addPageWords(list: HashList, page: Page, facts: ElementFacts, url: string | undefined): void {
  addUrlWords(list, url);
  const counts = new Map<number, number>();
  let isAfterHead = false;
  const { words, count } = page.tokens;
  for (let token = 0; token < count; token++) {
    const word = words[token * TOKEN_WORDS] ?? 0;
    const kind = word & 15;
    const id = (word >> 8) & 0xffff;
    if (kind === TokenKind.raw) {
      if (id === SCRIPT) addSchemaTypes(list, page, token);
    } else if (kind === TokenKind.open) {
      if (id === META && !isAfterHead) addMeta(list, page, token);
      else if (id === BODY || id === HTML) {
        addAttributeWords(list, { page, token, attribute: CLASS, seed: Seed.body });
        isAfterHead = id === BODY;
      } else addAttributeWords(list, { page, token, attribute: ITEMTYPE, seed: Seed.schema });
      if (IS_COUNTED[id] === 1) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  for (const [id, n] of counts) list.add(hashOf(`${id}:${Math.floor(Math.log2(n))}`));
  const chars = facts.chars[0] ?? 0;
  list.add(hashOf(`chars:${Math.floor(Math.log2(chars + 1))}`));
  list.add(hashOf(`links:${Math.floor((10 * (facts.linkChars[0] ?? 0)) / (chars + 1))}`));
  list.add(hashOf(`prose:${Math.floor((10 * (facts.prose[0] ?? 0)) / (chars + 1))}`));
  list.add(hashOf(`sentences:${Math.floor(Math.log2((facts.sentences[0] ?? 0) + 1))}`));
}

function addUrlWords(list: HashList, url: string | undefined): void {
  const parsed = url === undefined ? null : URL.parse(url);
  if (!parsed) return;
  addNameWords(list, parsed.hostname.toLowerCase(), Seed.host);
  addNameWords(list, parsed.pathname.toLowerCase(), Seed.path);
  const parts = parsed.pathname.split("/").filter((part) => part !== "");
  list.add(hashOf(`depth:${Math.min(parts.length, 8)}`));
  if (/\d{4,}/.test(parsed.pathname)) list.add(hashOf("number"));
  if (/\/\d{4}\/\d{2}\//.test(parsed.pathname)) list.add(hashOf("dated"));
  if (parsed.search !== "") list.add(hashOf("query"));
  const last = parts.at(-1) ?? "";
  list.add(hashOf(`hyphens:${Math.min(8, last.split("-").length)}`));
}

function addMeta(list: HashList, page: Page, token: number): void {
  const name = attributeText(page, token, PROPERTY) || attributeText(page, token, NAME);
  if (name === "og:type") addAttributeWords(list, { page, token, attribute: CONTENT, seed: Seed.ogType });
  else if (name === "generator") addAttributeWords(list, { page, token, attribute: CONTENT, seed: Seed.generator });
  else if (name.startsWith("article:") || name.startsWith("product:") || name.startsWith("og:price"))
    list.add(hashOf(name));
}

function addSchemaTypes(list: HashList, page: Page, token: number): void {
  // The script's own open token stands before it, attributes between.
  let open = token - 1;
  while (open >= 0 && ((page.tokens.words[open * TOKEN_WORDS] ?? 0) & 15) === TokenKind.attribute) open--;
  if (!attributeText(page, open, TYPE).includes("ld+json")) return;
  const start = page.tokens.words[token * TOKEN_WORDS + 1] ?? 0;
  const text = page.html.slice(start, page.tokens.words[token * TOKEN_WORDS + 2] ?? 0);
  let found = 0;
  for (let at = text.indexOf('"@type"'); at >= 0 && found < SCHEMA_TYPES_MAX; at = text.indexOf('"@type"', at + 7)) {
    found++;
    const value = text.slice(at + 7, at + 60);
    const quote = value.indexOf('"');
    const end = value.indexOf('"', quote + 1);
    if (quote >= 0 && end > quote) list.add(hashOf(`schema:${value.slice(quote + 1, end)}`));
  }
}

function addAttributeWords(
  list: HashList,
  from: { readonly page: Page; readonly token: number; readonly attribute: number; readonly seed: number },
): void {
  const { words, units } = from.page.tokens;
  const at = attributeAt(from.page, from.token, from.attribute);
  if (at < 0) return;
  const start = words[at * TOKEN_WORDS + 1] ?? 0;
  addNameUnits(list, units, { start, end: words[at * TOKEN_WORDS + 2] ?? 0, seed: from.seed });
}

/** The raw value of an open token's attribute, "" without one. */
export function attributeText(page: Page, token: number, attribute: number): string {
  const { words } = page.tokens;
  const base = attributeAt(page, token, attribute) * TOKEN_WORDS;
  return base < 0 ? "" : page.html.slice(words[base + 1] ?? 0, words[base + 2] ?? 0);
}

/** The token of an open token's attribute, -1 without one. */
function attributeAt(page: Page, token: number, attribute: number): number {
  const { words } = page.tokens;
  const last = token + (words[token * TOKEN_WORDS + 3] ?? 0);
  for (let at = token + 1; at <= last; at++)
    if ((((words[at * TOKEN_WORDS] ?? 0) >> 8) & 0xffff) === attribute) return at;
  return -1;
}
