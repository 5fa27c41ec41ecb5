/**
 * One way from HTML to text for every peer that gives HTML: our own reader with all blocks kept. Scores depend on it (where a line breaks, whether
 * adjoining cells run together), so no peer's own conversion is used beside it.
 */
import { parseHtml, parseSource } from "@millrace/extract/in-place";
import type { PeerAnswer } from "./peers/answer.ts";

/** The text of what a peer found. Markdown is read as Markdown, so that addresses of links count for no words. */
export function plainTextOf(answer: PeerAnswer | undefined): string {
  switch (answer?.kind) {
    case "html":
      return htmlToText(answer.html);
    case "markdown":
      return markdownToText(answer.markdown);
    case "text":
      return answer.text;
    default:
      return "";
  }
}

function markdownToText(markdown: string): string {
  if (!/[\p{L}\p{N}]/u.test(markdown)) return "";
  const bytes = new TextEncoder().encode(markdown);
  return parseSource({ source: "a peer's answer", bytes, contentType: "text/markdown", read: { mode: "full" } }).text;
}

export function htmlToText(html: string): string {
  return html === "" ? "" : parseHtml({ html, bytes: html.length, read: { mode: "full" } }).text;
}
