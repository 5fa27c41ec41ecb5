/**
 * Pairs of texts that are about the same thing, from the documentation that packages carry: a heading and its section, the name
 * of a thing and what its comment says, a sentence and the passage it was taken from. A model that brings the two together
 * and holds the rest apart is a model of search.
 */
import { createRng, type Rng, randomBelow } from "@millrace/core";
import type { PackageFile } from "./fetch-packages.ts";

export type TextPair = { readonly query: string; readonly passage: string };

/** Pairs of one package, so that the largest reference does not become the whole language. */
const PAIRS_PER_PACKAGE_MAX = 9_000;
const PASSAGE_CHARS_MAX = 900;
const PASSAGE_CHARS_MIN = 40;
/** Comments read of one file: the generated ones have hundreds of thousands, saying much the same. */
const COMMENTS_PER_FILE_MAX = 60_000;
const SKIPPED =
  /(^|\/)(node_modules|test|tests)\/|change|history|licen[cs]e|contribut|code.of.conduct|third.?party|security\.md/i;

/** The pairs of a package in a fixed order, without repeats. */
export function pairsOf(files: Iterable<PackageFile>, seed: number): TextPair[] {
  const rng = createRng(seed);
  const pairs: TextPair[] = [];
  const seen = new Set<string>();
  const add = (query: string, passage: string) => {
    const [left, right] = [clean(query).slice(0, 300), clean(passage).slice(0, PASSAGE_CHARS_MAX)];
    if (left.length < 6 || right.length < PASSAGE_CHARS_MIN || seen.has(right) || !/[a-z]{3}/i.test(left)) return;
    seen.add(right);
    pairs.push({ query: left, passage: right });
  };
  for (const { path, bytes } of files) {
    if (SKIPPED.test(path)) continue;
    if (/\.md$/i.test(path)) markdownPairs(bytes.toString("utf8"), rng, add);
    else if (/\.d\.[cm]?ts$/.test(path)) commentPairs(bytes.toString("utf8"), rng, add);
  }
  return sample(pairs, PAIRS_PER_PACKAGE_MAX, rng);
}

type Add = (query: string, passage: string) => void;

/** Each section under its heading path, and one of its sentences against the others. */
function markdownPairs(markdown: string, rng: Rng, add: Add): void {
  const path: string[] = [];
  const plain = markdown
    .replace(/\r/g, "")
    .replace(/^---\n[\s\S]*?\n---\n/, "")
    .replace(/<[^>\n]*>/g, " ");
  for (const section of plain.split(/^(?=#{1,6}\s)/m)) {
    const [, marks, heading] = /^(#{1,6})\s+(.*)$/m.exec(section.split("\n")[0] ?? "") ?? [];
    if (marks !== undefined && heading !== undefined) path.splice(marks.length - 1, path.length, heading);
    const body = marks === undefined ? section : section.slice(section.indexOf("\n") + 1);
    const prose = body.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1");
    if (path.length > 0) add(path.filter(Boolean).slice(-2).join(" "), prose);
    sentencePair(prose.replace(/```[\s\S]*?```/g, " "), rng, add);
  }
}

/** What a doc comment says against the name of what it stands before; a long one also against one of its own sentences. */
function commentPairs(source: string, rng: Rng, add: Add): void {
  let read = 0;
  for (const match of source.matchAll(/\/\*\*([\s\S]*?)\*\/\s*([^\n]*)/g)) {
    if (++read > COMMENTS_PER_FILE_MAX) break;
    const comment = (match[1] as string)
      .replace(/^\s*\*\s?/gm, "")
      .replace(/<\/?[a-z][^>]*>/gi, " ")
      .replace(/\{@\w+\s+([^}]*)\}/g, "$1");
    const text = comment.split(/^\s*@(?!param|returns?|remarks)/m)[0] as string;
    const name =
      /(?:^|\s)(?:readonly\s+|static\s+|get\s+|set\s+)*(?:class|interface|type|function|const|enum|var|let|namespace)?\s*["']?([A-Za-z_$][\w$.-]{2,})["']?\s*[?:(<={;]/.exec(
        ` ${match[2]}`,
      )?.[1];
    const prose = text.replace(/^\s*@\w+\s*/gm, " ");
    const [first, rest] = splitFirst(prose);
    if (name !== undefined && rest.length >= 120) add(`${name} ${first}`, rest);
    else if (name !== undefined) add(name, prose);
    sentencePair(prose, rng, add);
  }
}

/** One sentence drawn from a passage of three or more, against what is left of it. */
function sentencePair(prose: string, rng: Rng, add: Add): void {
  const sentences = clean(prose)
    .slice(0, PASSAGE_CHARS_MAX + 300)
    .split(/(?<=[.!?])\s+(?=[A-Z`"'(])/);
  if (sentences.length < 3) return;
  const drawn = randomBelow(rng, sentences.length);
  const sentence = sentences[drawn] as string;
  if (sentence.length >= 30) add(sentence, sentences.filter((_, at) => at !== drawn).join(" "));
}

function splitFirst(prose: string): [string, string] {
  const text = clean(prose);
  const end = /[.!?]\s+(?=[A-Z`"'(])/.exec(text);
  return end === null ? [text, ""] : [text.slice(0, end.index + 1), text.slice(end.index + 2)];
}

function clean(text: string): string {
  return text
    .replace(/https?:\S+/g, " ")
    .replace(/[`*_#|>~]+/g, (run) => (run === "_" ? "_" : " "))
    .replace(/\s+/g, " ")
    .trim();
}

/** `count` of `items` in their order, each as likely as any. */
function sample<T>(items: readonly T[], count: number, rng: Rng): T[] {
  let wanted = Math.min(count, items.length);
  return items.filter((_, at) => {
    const isDrawn = rng() * (items.length - at) < wanted;
    if (isDrawn) wanted--;
    return isDrawn;
  });
}
