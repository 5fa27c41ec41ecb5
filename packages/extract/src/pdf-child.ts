/** The process of one PDF job: reads the pages, reports progress, answers once and ends. Its memory ends with it. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { type ErrorBody, MillraceError, toErrorBody } from "@millrace/core";
import type { ExtractedDocument } from "./document.ts";
import { LINKS_MAX } from "./limits.ts";
import { assemblePdf } from "./pdf-document.ts";
import type { PdfPage } from "./pdf-lines.ts";
import { PdfReader } from "./pdf-reader.ts";

export type PdfJob = { readonly source: string; readonly bytes: Uint8Array };
export type PdfReply =
  | { readonly done: number; readonly total: number }
  | { readonly document: ExtractedDocument }
  | { readonly error: ErrorBody };

/** Pages between two reports: a report costs a message, a page about 2 ms. */
const PAGES_PER_REPORT = 4;

process.on("disconnect", () => process.exit(1));
process.once("message", (job: PdfJob) => {
  run(job)
    .then((document) => answer({ document }))
    .catch((error: unknown) => answer({ error: toErrorBody(readable(job.source, error)) }));
});

async function run({ source, bytes }: PdfJob): Promise<ExtractedDocument> {
  const reader = await PdfReader.open(source, bytes);
  const pages: PdfPage[] = [];
  const urls: string[] = [];
  for (let at = 0; at < reader.pages; at++) {
    const page = reader.page(at);
    pages.push({ page: at + 1, lines: page.lines });
    if (urls.length < LINKS_MAX) urls.push(...page.urls);
    if (at % PAGES_PER_REPORT > 0 && at + 1 < reader.pages) continue;
    process.send?.({ done: at + 1, total: reader.pages } satisfies PdfReply);
    // Lets the report out, and notices that the parent is gone.
    await nextTurn();
  }
  const [title, author, subject] = [reader.meta("Title"), reader.meta("Author"), reader.meta("Subject")];
  const document = assemblePdf({ pages, outline: reader.outline(), urls, title, author, subject, bytes: bytes.length });
  if (/[\p{L}\p{N}]/u.test(document.text)) return document;
  throw new MillraceError(
    "needs_ocr",
    `${source} has ${reader.pages} page(s) and no text: they are pictures; run it through OCR first`,
  );
}

/** A trap inside WASM is the document's doing. */
function readable(source: string, error: unknown): unknown {
  if (error instanceof MillraceError || !(error instanceof Error)) return error;
  if (error.name !== "RuntimeError" && !/abort|memory/i.test(error.message)) return error;
  return new MillraceError(
    "unreadable_document",
    `${source} could not be read: PDFium gave up on it (${error.message})`,
    { cause: error },
  );
}

function answer(reply: PdfReply): void {
  process.send?.(reply, () => process.disconnect());
}
