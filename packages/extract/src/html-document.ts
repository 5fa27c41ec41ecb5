/** An HTML page to a document: its main text, chosen by the model, and what the page says about itself. */
import { Classifier, type Judged } from "./classify/classifier.ts";
import type { Model } from "./classify/model.ts";
import { shippedModel } from "./classify/shipped-model.ts";
import {
  countWords,
  type ExplainedBlock,
  type ExtractedDocument,
  type ReadMode,
  type ReadOptions,
} from "./document.ts";
import { readEvidence } from "./gate/evidence.ts";
import { judgeStatic } from "./gate/gate.ts";
import { languageOf } from "./language.ts";
import { EXPLAINED_CHARS_MAX, LABEL_CHARS_MAX } from "./limits.ts";
import { type AssembledMarkdown, assembleMarkdown } from "./markdown/assemble.ts";
import { escapeHeadingEnd, escapeInline } from "./markdown/escape.ts";
import { type Metadata, readMetadata } from "./metadata/read-metadata.ts";
import { type StructuredText, shellText } from "./metadata/structured-text.ts";
import { blockText, elementPath } from "./page/block-text.ts";
import type { Page } from "./page/page.ts";
import { readHtml } from "./page/read-html.ts";
import { tooLongReason } from "./text-limit.ts";

export type HtmlInput = {
  readonly html: string;
  readonly url?: string | undefined;
  readonly bytes: number;
  readonly read?: ReadOptions | undefined;
  /** What judges the blocks; default the model that ships with the package. */
  readonly model?: Model | undefined;
};

const classifier = new Classifier();

/** Parses one page. The text may be empty: the caller decides whether that is an error. */
export function parseHtml(input: HtmlInput): ExtractedDocument {
  const { html, url, read = {} } = input;
  const page = readHtml(html);
  const metadata = readMetadata(page, url);
  const mode = read.mode ?? "article";
  const judged = mode === "metadata" ? undefined : classifier.read(page, input.model ?? shippedModel(), url);
  const keep = keptIn(mode, page, judged);
  const assembled = assembleMarkdown(page, keep, { base: metadata.base ?? url, html: read.html });
  const title = mode === "article" && judged && judged.title >= 0 ? titleLine(page, judged.title) : "";
  const structured = mode === "article" ? shellText(page, metadata, assembled.text) : undefined;
  const text = structured?.text ?? assembled.text;
  const structuredChars = structured?.text.length ?? 0;
  // A text that is too long to be given is there all the same, and no browser is needed for it.
  const keptChars = assembled.text.length + assembled.leftOutChars;
  const gate = judgeStatic(readEvidence(page, { keptChars, structuredChars }));
  const reason = tooLongReason(text, assembled.leftOutChars);
  const language = languageOf(metadata.language, text);
  return {
    contentType: "text/html",
    ...described(metadata),
    ...(language === undefined ? {} : { language }),
    ...contentOf({ ...assembled, markdown: title + assembled.markdown }, structured),
    ...(reason === undefined ? {} : { reason }),
    ...(judged ? { pageType: judged.pageType } : {}),
    ...(read.explain === true && judged ? { blocks: explain(page, keep, judged.scores) } : {}),
    gate,
    bytes: input.bytes,
    wordCount: countWords(text),
  };
}

/** All blocks where everything is wanted; none where no text is. */
function keptIn(mode: ReadMode, { blocks }: Page, judged: Judged | undefined): Uint8Array {
  if (!judged) return new Uint8Array(blocks.count);
  return mode === "full" || mode === "links" || mode === "selectors"
    ? new Uint8Array(blocks.count).fill(1)
    : judged.keep;
}

function contentOf(assembled: AssembledMarkdown, structured: StructuredText | undefined): ContentFields {
  const { text, markdown, headings, code, links, media, tables, html } = assembled;
  const from = structured
    ? { text: structured.text, markdown: structured.markdown, headings: [], code: [] }
    : undefined;
  return {
    ...(from ?? { text, markdown, headings, code }),
    links,
    ...(media.length > 0 ? { media } : {}),
    ...(tables.length > 0 && !structured ? { tables } : {}),
    ...(html === undefined ? {} : { html }),
  };
}

/** The main heading as Markdown: it stands above the text in every reader, also where it is no part of it. */
function titleLine(page: Page, block: number): string {
  const text = blockText(page, block).slice(0, LABEL_CHARS_MAX);
  return `# ${escapeHeadingEnd(escapeInline(text, { isLabel: false, isCell: false }))}\n\n`;
}

type ContentFields = Pick<
  ExtractedDocument,
  "text" | "markdown" | "headings" | "code" | "links" | "media" | "tables" | "html"
>;

type DescribedFields = Pick<
  ExtractedDocument,
  | "title"
  | "byline"
  | "published"
  | "modified"
  | "siteName"
  | "description"
  | "canonicalUrl"
  | "categories"
  | "openGraph"
  | "jsonLd"
>;

function described(metadata: Metadata): DescribedFields {
  const { title, byline, published, modified, siteName, description, canonicalUrl, categories, openGraph, jsonLd } =
    metadata;
  return {
    title,
    ...(byline === undefined ? {} : { byline }),
    ...(published === undefined ? {} : { published }),
    ...(modified === undefined ? {} : { modified }),
    ...(siteName === undefined ? {} : { siteName }),
    ...(description === undefined ? {} : { description }),
    ...(canonicalUrl === undefined ? {} : { canonicalUrl }),
    ...(categories.length > 0 ? { categories } : {}),
    ...(Object.keys(openGraph).length > 0 ? { openGraph } : {}),
    ...(jsonLd.length > 0 ? { jsonLd } : {}),
  };
}

function explain(page: Page, keep: Uint8Array, scores: Float32Array): ExplainedBlock[] {
  return Array.from(keep, (kept, at) => ({
    text: blockText(page, at).slice(0, EXPLAINED_CHARS_MAX),
    score: Math.round((scores[at] ?? 0) * 1_000) / 1_000,
    kept: kept === 1,
    path: elementPath(page, at),
  }));
}
