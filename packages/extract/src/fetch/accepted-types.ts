import { MillraceError } from "@millrace/core";
import { HTML_BYTES_MAX, PDF_BYTES_MAX } from "../limits.ts";

/** Media types that are fetched unless a call names others: what is read, and what says nothing of the bytes. */
export const ACCEPTED_TYPES: readonly string[] = [
  "text/html",
  "application/xhtml+xml",
  "application/pdf",
  "application/x-pdf",
  "text/markdown",
  "text/x-markdown",
  "text/plain",
  "application/octet-stream",
  "binary/octet-stream",
  "application/force-download",
  "application/x-download",
];

/** The Accept header for the default types. */
export const ACCEPT = "text/html, application/xhtml+xml, application/pdf, text/markdown, text/plain;q=0.9, */*;q=0.5";

export type TypeRule = { readonly url: URL; readonly contentType: string; readonly accepted: readonly string[] };

/** Most bytes of a body of this type. Throws `unsupported_type` for one that is not accepted; no type, or a malformed one, is. */
export function bytesMaxOf({ url, contentType, accepted }: TypeRule): number {
  const type = contentType.split(/[;,]/)[0]?.trim().toLowerCase() ?? "";
  if (/^[\w.+-]+\/[\w.+-]+$/.test(type) && !accepted.includes(type)) {
    throw new MillraceError(
      "unsupported_type",
      `${url.href} is ${type}; fetched are ${accepted.join(", ")}, or what contentTypes names`,
    );
  }
  return /pdf|octet-stream|download/.test(type) || /\.pdf$/i.test(url.pathname) ? PDF_BYTES_MAX : HTML_BYTES_MAX;
}
