/** Our extractor in the process that judges it: bytes to a document with text, Markdown and metadata, on this thread. */
import type { ExtractedDocument } from "@millrace/extract";
import { decodeText, loadModel, type Model, parseHtml } from "@millrace/extract/in-place";
import { cpuMsSince } from "./cpu-time.ts";
import { FoldModels } from "./fold-models.ts";

export type OwnPage = { readonly id: string; readonly url: string | undefined; readonly bytes: Uint8Array };

export type OwnOutcome = {
  /** Undefined when it threw, which it should never do. */
  readonly document: ExtractedDocument | undefined;
  readonly reason?: string;
  readonly cpuMs: number;
};

export type OwnExtract = (page: OwnPage) => OwnOutcome;

/** The extractor as it is shipped. */
export const extractOwn: OwnExtract = (page) => extract(page);

/**
 * `folds`: a directory of models, of which each page gets the one that has not seen its domain. Without it the extractor is as shipped.
 * `not_found` and `unreadable_document` for a directory that holds no folds.
 */
export function createOwnExtractor({ folds }: { readonly folds?: string | undefined } = {}): OwnExtract {
  if (folds === undefined) return extractOwn;
  const models = new FoldModels(folds, loadModel);
  return (page) => extract(page, models.modelFor(page.id));
}

/** Decoding counts: peers are handed text, we are handed bytes. */
function extract({ url, bytes }: OwnPage, model?: Model): OwnOutcome {
  const before = process.cpuUsage();
  try {
    const html = decodeText(bytes, { isHtml: true });
    const document = parseHtml({ html, url, bytes: bytes.length, model });
    return { document, cpuMs: cpuMsSince(before) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { document: undefined, reason, cpuMs: cpuMsSince(before) };
  }
}
