/** A document as one mode shows it. */
import { MillraceError } from "@millrace/core";
import type { ExtractedDocument, ReadOptions } from "../document.ts";
import { reasonOf } from "../gate/gate.ts";
import { modeOf } from "./read-options.ts";

/**
 * Leaves out what the mode does not ask for, and says why a text is empty. `invalid_argument` for selectors on what is no HTML.
 */
export function inMode(document: ExtractedDocument, read: ReadOptions): ExtractedDocument {
  const mode = modeOf(read);
  const { contentType } = document;
  if (mode === "selectors" && contentType !== "text/html")
    throw new MillraceError("invalid_argument", `selectors choose elements of HTML; this is ${contentType}`);
  if (mode === "links") return { ...withoutText(document), links: document.links, reason: "only links were asked for" };
  if (mode === "metadata") return { ...withoutText(document), reason: "only metadata was asked for" };
  if (document.reason !== undefined || /[\p{L}\p{N}]/u.test(document.text)) return document;
  return { ...document, reason: emptyReason(document, mode === "selectors") };
}

function withoutText(document: ExtractedDocument): ExtractedDocument {
  const { code: _code, media: _media, tables: _tables, html: _html, blocks: _blocks, ...rest } = document;
  return { ...rest, text: "", markdown: "", headings: [], links: [] };
}

function emptyReason({ bytes, gate }: ExtractedDocument, isSelected: boolean): string {
  if (bytes === 0) return "the source is empty: it has no bytes";
  if (isSelected) return "the selectors match nothing that has text";
  return (gate && reasonOf(gate)) ?? "the source holds no text besides navigation and the like";
}
