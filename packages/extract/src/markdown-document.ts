/** A Markdown file to a document. It is rendered to HTML and read like a page whose every block is wanted, so inline HTML just works. */
import { MillraceError } from "@millrace/core";
import { Marked } from "marked";
import { countWords, type ExtractedDocument } from "./document.ts";
import { languageOf } from "./language.ts";
import { assembleMarkdown } from "./markdown/assemble.ts";
import { readPage } from "./page/read-page.ts";
import { tooLongReason } from "./text-limit.ts";
import { tokenize } from "./tokenizer/tokenize.ts";

export type MarkdownInput = {
  readonly markdown: string;
  readonly url?: string | undefined;
  readonly isMdx?: boolean;
  readonly bytes: number;
};

const marked = new Marked({ gfm: true, async: false });

export function parseMarkdown(input: MarkdownInput): ExtractedDocument {
  const { fields, body } = splitFrontMatter(input.markdown.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n"));
  const html = toHtml(input.isMdx ? withoutModules(body) : body);
  const page = readPage(html, tokenize(html));
  const all = new Uint8Array(page.blocks.count).fill(1);
  const { text, headings, links, code, media, tables, leftOutChars } = assembleMarkdown(page, all, {
    base: input.url,
    repeats: true,
  });
  const reason = tooLongReason(text, leftOutChars);
  const language = languageOf(fields.get("lang") ?? fields.get("language"), text);
  const description = fields.get("description");
  const byline = fields.get("author");
  return {
    contentType: "text/markdown",
    title: fields.get("title") ?? (headings.find((heading) => heading.level === 1) ?? headings[0])?.text ?? "",
    ...(language === undefined ? {} : { language }),
    text,
    ...(reason === undefined ? {} : { reason }),
    markdown: body.trim(),
    headings,
    links,
    code,
    ...(media.length === 0 ? {} : { media }),
    ...(tables.length === 0 ? {} : { tables }),
    ...(byline === undefined ? {} : { byline }),
    ...(description === undefined ? {} : { description }),
    bytes: input.bytes,
    wordCount: countWords(text),
  };
}

/** The parser calls itself for each quote or list in another; a file of nothing else leaves it without stack. */
function toHtml(markdown: string): string {
  try {
    return marked.parse(markdown, { async: false });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new MillraceError(
      "unreadable_document",
      "the Markdown holds quotes, lists or emphasis in each other deeper than can be read, some hundred levels; flatten it",
      { cause: error },
    );
  }
}

/** Scalars of a YAML (`---`) or TOML (`+++`) front matter; nested values are left out. */
function splitFrontMatter(markdown: string): { readonly fields: ReadonlyMap<string, string>; readonly body: string } {
  const found = /^(---|\+\+\+)[ \t]*\n([\s\S]*?)\n\1[ \t]*(?:\n|$)/.exec(markdown);
  const fields = new Map<string, string>();
  if (!found) return { fields, body: markdown };
  for (const line of (found[2] ?? "").split("\n")) {
    const pair = /^([\w-]+)\s*[:=]\s*(.+?)\s*$/.exec(line);
    const value = pair?.[2]?.replace(/^(["'])(.*)\1$/, "$2");
    if (pair?.[1] && value) fields.set(pair[1].toLowerCase(), value);
  }
  return { fields, body: markdown.slice(found[0].length) };
}

/** MDX: the lines that import and export are program, outside of fences. */
function withoutModules(body: string): string {
  let isFenced = false;
  return body
    .split("\n")
    .filter((line) => {
      if (/^\s*(```|~~~)/.test(line)) isFenced = !isFenced;
      return isFenced || !/^(import|export)\s/.test(line);
    })
    .join("\n");
}
