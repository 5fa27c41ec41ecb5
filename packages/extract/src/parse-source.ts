/** Bytes of a known type to a document: the work of a parse worker, also callable in place. PDF has its own process. */
import { MillraceError } from "@millrace/core";
import { charsetOf, decodeText } from "./decode-text.ts";
import type { ContentType, ExtractedDocument } from "./document.ts";
import { parseHtml } from "./html-document.ts";
import { parseMarkdown } from "./markdown-document.ts";
import { parsePlainText } from "./text-document.ts";

export type ParseJob = {
  readonly source: string;
  readonly bytes: Uint8Array;
  readonly contentType: Exclude<ContentType, "application/pdf">;
  /** The Content-Type header, for its charset. */
  readonly declared?: string | undefined;
  /** Base of relative links. */
  readonly url?: string | undefined;
};

/** Throws `no_text` when nothing is left to remember, `needs_render` when an HTML page is only scripts. */
export function parseSource(job: ParseJob): ExtractedDocument {
  const isHtml = job.contentType === "text/html";
  const decoded = decodeText(job.bytes, { isHtml, charset: charsetOf(job.declared) });
  const document = parse(job, decoded);
  if (/[\p{L}\p{N}]/u.test(document.text)) return document;
  if (isHtml && /<script[\s>]/i.test(decoded)) {
    throw new MillraceError(
      "needs_render",
      `${job.source} shows no text until a browser runs its scripts; give a page that holds its text`,
    );
  }
  throw new MillraceError("no_text", `${job.source} holds no text to remember`);
}

function parse({ contentType, bytes, url, source }: ParseJob, text: string): ExtractedDocument {
  if (contentType === "text/html") return parseHtml({ html: text, url, bytes: bytes.length });
  if (contentType === "text/plain") return parsePlainText({ text, bytes: bytes.length });
  return parseMarkdown({ markdown: text, url, isMdx: /\.mdx$/i.test(source), bytes: bytes.length });
}
