/** The state that application shells carry for their scripts: JSON in script elements. It is parsed, never evaluated. */
import { STRUCTURED_CHARS_MAX } from "../limits.ts";
import { attributeId, TokenKind, tagId } from "../tokenizer/tokens.ts";
import { attributeText, type TokenSource } from "./token-text.ts";
import { parseTolerant } from "./tolerant-json.ts";

export type Payload = {
  /** "next", "nuxt", "json" (a script of type application/json) or "state" (assigned to a variable). */
  readonly kind: "next" | "nuxt" | "json" | "state";
  readonly value: unknown;
};

/** Scripts shorter than this hold settings. */
const SCRIPT_CHARS_MIN = 1_000;
const SCRIPT = tagId("script");
const ID = attributeId("id");
const TYPE = attributeId("type");

/** Names that frameworks and sites give their state. */
const STATE_NAMES =
  "__INITIAL_STATE__ __PRELOADED_STATE__ __APOLLO_STATE__ __NUXT__ __DATA__ __INITIAL_DATA__ __APP_DATA__ __STATE__ __remixContext __PRELOADED_QUERIES__ __INITIAL_PROPS__ ytInitialData __REDUX_STATE__ __sveltekit __staticRouterHydrationData __ROUTER_DATA__".split(
    " ",
  );

/** The payloads of a page in order, as long as they stay within the limit; each is parsed when it is asked for. */
export function* readPayloads(page: TokenSource): Generator<Payload> {
  const { words, count } = page.tokens;
  let chars = 0;
  for (let at = 0; at < count; at++) {
    const word = words[at * 4] ?? 0;
    if ((word & 15) !== TokenKind.raw || ((word >> 8) & 0xffff) !== SCRIPT) continue;
    const start = words[at * 4 + 1] ?? 0;
    const end = words[at * 4 + 2] ?? 0;
    if (end - start < SCRIPT_CHARS_MIN || chars + end - start > STRUCTURED_CHARS_MAX) continue;
    const payload = readScript(page, { open: openBefore(page, at), start, end });
    if (!payload) continue;
    chars += end - start;
    yield payload;
  }
}

/** The script's open token: its attributes stand between. */
function openBefore(page: TokenSource, raw: number): number {
  let at = raw - 1;
  while (at > 0 && ((page.tokens.words[at * 4] ?? 0) & 15) === TokenKind.attribute) at--;
  return at;
}

type Script = { readonly open: number; readonly start: number; readonly end: number };

function readScript(page: TokenSource, script: Script): Payload | undefined {
  const type = attributeText(page, script.open, TYPE)?.trim().toLowerCase() ?? "";
  if (type === "application/json" || type === "text/json") {
    const id = attributeText(page, script.open, ID) ?? "";
    const kind = id === "__NEXT_DATA__" ? "next" : /nuxt/i.test(id) ? "nuxt" : "json";
    return payloadOf(kind, parseTolerant(page.html.slice(script.start, script.end)));
  }
  if (type !== "" && type !== "text/javascript" && type !== "module" && type !== "application/javascript")
    return undefined;
  const text = page.html.slice(script.start, script.end);
  const name = STATE_NAMES.find((state) => text.includes(state));
  if (name === undefined) return undefined;
  return payloadOf(name === "__NUXT__" ? "nuxt" : "state", assignedValue(text, text.indexOf(name) + name.length));
}

function payloadOf(kind: Payload["kind"], value: unknown): Payload | undefined {
  return typeof value === "object" && value !== null ? { kind, value } : undefined;
}

/** The literal after the first `=` at or after `from`: an object, an array, or a string in `JSON.parse("…")`. */
function assignedValue(text: string, from: number): unknown {
  const equals = text.indexOf("=", from);
  if (equals < 0) return undefined;
  const found = /^\s*(?:JSON\.parse\(\s*)?(?=["'{[])/.exec(text.slice(equals + 1, equals + 200));
  if (!found) return undefined;
  const start = equals + 1 + found[0].length;
  const quote = text[start];
  if (quote === '"' || quote === "'")
    return quote === '"' ? parseTwice(text.slice(start, stringEnd(text, start))) : undefined;
  return parseTolerant(text.slice(start, balancedEnd(text, start)));
}

function parseTwice(literal: string): unknown {
  const inner = parseTolerant(literal);
  return typeof inner === "string" ? parseTolerant(inner) : undefined;
}

/** The place after the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  const quote = text.charCodeAt(start);
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at++;
    else if (code === quote) return at + 1;
  }
  return text.length;
}

/** The place after the bracket that closes the one at `start`. */
function balancedEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = stringEnd(text, at) - 1;
    else if (code === 0x7b || code === 0x5b) depth++;
    else if ((code === 0x7d || code === 0x5d) && --depth === 0) return at + 1;
  }
  return text.length;
}
