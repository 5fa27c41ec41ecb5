/** Bytes of a known type to a document: the work of a parse worker, also callable in place. PDF has its own process. */
import { MillraceError } from "@millrace/core";
import { charsetOf, decodeText } from "./decode-text.ts";
import type { ContentType, ExtractedDocument, ReadOptions } from "./document.ts";
import { parseHtml } from "./html-document.ts";
import { parseMarkdown } from "./markdown-document.ts";
import { inMode } from "./reader/in-mode.ts";
import { qualityOf } from "./reader/quality.ts";
import { modeOf } from "./reader/read-options.ts";
import { selectElements } from "./reader/select-elements.ts";
import { parsePlainText } from "./text-document.ts";

export type ParseJob = {
  readonly source: string;
  readonly bytes: Uint8Array;
  readonly contentType: Exclude<ContentType, "application/pdf">;
  /** The Content-Type header, for its charset. */
  readonly declared?: string | undefined;
  /** Base of relative links. */
  readonly url?: string | undefined;
  /** With it a source without text is a document with a `reason`; without, an error. */
  readonly read?: ReadOptions | undefined;
};

/**
 * Throws, unless the job says how to read, `no_text` when nothing is left to remember, `too_large` when what is left is too long to be,
 * `needs_render` when a page is only scripts.
 */
export function parseSource(job: ParseJob): ExtractedDocument {
  const isHtml = job.contentType === "text/html";
  const decoded = decodeText(job.bytes, { isHtml, charset: charsetOf(job.declared) });
  const document = parse(job, decoded);
  // Measured before a mode leaves the text out: it is the source that is good or poor.
  if (job.read) return inMode({ ...document, quality: qualityOf(document) }, job.read);
  if (/[\p{L}\p{N}]/u.test(document.text)) return document;
  if (document.reason !== undefined)
    throw new MillraceError("too_large", `${job.source} cannot be remembered: ${document.reason}`);
  if (
    isHtml &&
    job.bytes.length > 0 &&
    (document.gate ? document.gate.decision === "dynamic" : /<script[\s>]/i.test(decoded))
  ) {
    throw new MillraceError(
      "needs_render",
      `${job.source} shows no text until a browser runs its scripts; give a page that holds its text`,
    );
  }
  throw new MillraceError("no_text", `${job.source} holds no text to remember`);
}

function parse(job: ParseJob, text: string): ExtractedDocument {
  const { contentType, bytes, url, source, read } = job;
  if (contentType === "text/html") {
    const input = { html: text, url, bytes: bytes.length, read };
    return modeOf(read ?? {}) === "selectors" ? parseSelected(input) : parseHtml(input);
  }
  if (contentType === "text/plain") return parsePlainText({ text, bytes: bytes.length });
  return parseMarkdown({ markdown: text, url, isMdx: /\.mdx$/i.test(source), bytes: bytes.length });
}

type HtmlInput = Parameters<typeof parseHtml>[0];

/** What the page says about itself, and the text of the elements that were chosen: all of it. */
function parseSelected(input: HtmlInput): ExtractedDocument {
  const { read = {} } = input;
  const page = parseHtml({ ...input, read: { mode: "metadata" } });
  const html = selectElements(input.html, read.selectors ?? []);
  const chosen = parseHtml({ ...input, html, read: { ...read, mode: "full" } });
  const { text, markdown, headings, links, code, media, tables, blocks, wordCount, reason } = chosen;
  const language = page.language ?? chosen.language;
  return {
    ...page,
    ...(language === undefined ? {} : { language }),
    ...{ text, markdown, headings, links, wordCount },
    ...(reason !== undefined && { reason }),
    ...(code && { code }),
    ...(media && { media }),
    ...(tables && { tables }),
    ...(blocks && { blocks }),
    ...(chosen.html !== undefined && { html: chosen.html }),
  };
}
