/** The strings of a value that read like prose. */
import { STRUCTURED_DEPTH_MAX } from "../limits.ts";
import { fragmentText } from "./fragment-text.ts";

/** A sentence or more; labels and buttons are shorter. */
const PROSE_CHARS_MIN = 80;
const PROSE_WORDS_MIN = 12;
/** Strings looked at: the state of a large shop has tens of thousands. */
const STRINGS_MAX = 50_000;
const TEXT_CHARS_MAX = 500_000;
/** Keys below which text is not the page's own. */
const ELSEWHERE =
  /cookie|consent|gdpr|privacy|^seo|^meta|metadata|footer|navigation|^nav|menu|i18n|locale|translation|messages|dictionary|config|settings|script|style|css|svg|schema|json-?ld|tracking|analytics|banner|newsletter|^ads?$|error|feature_?flags|disclaimer|legal/i;

/** In order, each once; mark-up in them becomes text. */
export function proseStrings(value: unknown): string[] {
  const found = new Set<string>();
  const state: Walk = { found, strings: 0, chars: 0 };
  walk(value, 0, state);
  return [...found];
}

type Walk = { readonly found: Set<string>; strings: number; chars: number };

function walk(value: unknown, depth: number, state: Walk): void {
  if (state.strings > STRINGS_MAX || state.chars > TEXT_CHARS_MAX) return;
  if (typeof value === "string") {
    addProse(value, state);
    return;
  }
  if (typeof value !== "object" || value === null || depth > STRUCTURED_DEPTH_MAX) return;
  if (Array.isArray(value)) {
    for (const item of value) walk(item, depth + 1, state);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (typeof item === "object" ? !ELSEWHERE.test(key) : typeof item === "string" && !ELSEWHERE.test(key)) {
      walk(item, depth + 1, state);
    }
  }
}

function addProse(text: string, state: Walk): void {
  state.strings++;
  if (text.length < PROSE_CHARS_MIN || !isProse(text)) return;
  const plain = fragmentText(text);
  if (plain.length < PROSE_CHARS_MIN || state.found.has(plain)) return;
  state.found.add(plain);
  state.chars += plain.length;
}

/** Spaces at the rate of words (or a script that has none), and few of the marks of code. */
export function isProse(text: string): boolean {
  const sample = text.slice(0, 2_000).replace(/<[^<>]*>/g, " ");
  if (/^\s*(?:https?:|data:|[{[]|function|import |var |#|\.)/.test(sample)) return false;
  const letters = sample.replace(/[^\p{L}]/gu, "").length;
  if (letters < sample.trim().length * 0.6) return false;
  const isSpaceless = /[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]{8}/.test(sample);
  const wordCount = sample.split(/\s+/).length;
  return isSpaceless || (wordCount >= PROSE_WORDS_MIN && letters / wordCount < 12);
}
