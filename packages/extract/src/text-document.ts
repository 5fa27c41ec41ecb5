/** A plain text file to a document: paragraphs, headings by their underlines, indented examples kept as they are. */
import { assemblePlain } from "./assemble-plain.ts";
import { countWords, type ExtractedDocument } from "./document.ts";
import { languageOf } from "./language.ts";
import type { PlainBlock } from "./plain-block.ts";
import { plainMarkdown } from "./plain-markdown.ts";
import { tooLongReason } from "./text-limit.ts";

export type TextInput = { readonly text: string; readonly bytes: number };

/** Underlines in the order their levels are given out (reStructuredText: first met, highest). */
const UNDERLINE = /^(=+|-+|~+|\^+|\*+|#+|"+|\++)\s*$/;
const UNDERLINE_CHARS_MIN = 3;

export function parsePlainText(input: TextInput): ExtractedDocument {
  const { text, headings, code, leftOutChars } = assemblePlain(readTextBlocks(input.text));
  const reason = tooLongReason(text, leftOutChars);
  const language = languageOf(undefined, text);
  return {
    contentType: "text/plain",
    title: headings[0]?.text ?? firstLine(text),
    ...(language === undefined ? {} : { language }),
    text,
    ...(reason === undefined ? {} : { reason }),
    markdown: plainMarkdown({ text, headings, code }),
    headings,
    links: [],
    code,
    bytes: input.bytes,
    wordCount: countWords(text),
  };
}

function readTextBlocks(text: string): PlainBlock[] {
  const lines = text.replace(/\r\n?/g, "\n").replaceAll("\0", "").replaceAll("\f", "\n").split("\n");
  const blocks: PlainBlock[] = [];
  const levels: string[] = [];
  let paragraph: string[] = [];
  const flush = () => {
    const isIndented = paragraph.length > 1 && paragraph.every((line) => /^(\t| {2,})/.test(line));
    const shown = paragraph.map((line) => line.trimEnd()).join("\n");
    if (shown.trim() !== "")
      blocks.push(block(isIndented ? "code" : "paragraph", 0, isIndented ? shown : shown.trim()));
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const level = headingLevel(line, lines[at + 1], levels);
    if (level > 0) {
      if (paragraph.length === 1 && UNDERLINE.test(paragraph[0] ?? "")) paragraph = [];
      flush();
      blocks.push(block("heading", level, line.trim()));
      at++;
    } else if (line.trim() === "") flush();
    else paragraph.push(line);
  }
  flush();
  return blocks;
}

/** 1 … 6 when `next` underlines `line`, else 0. */
function headingLevel(line: string, next: string | undefined, levels: string[]): number {
  if (next === undefined || line.trim() === "" || UNDERLINE.test(line) || /^\s/.test(line)) return 0;
  const mark = UNDERLINE.exec(next)?.[1] ?? "";
  if (mark.length < UNDERLINE_CHARS_MIN || mark.length < line.trim().length * 0.6 || line.length > 120) return 0;
  const sign = mark.charAt(0);
  if (!levels.includes(sign)) levels.push(sign);
  return Math.min(6, levels.indexOf(sign) + 1);
}

function block(kind: PlainBlock["kind"], level: number, text: string): PlainBlock {
  return { kind, level, text, links: [] };
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return (end < 0 ? text : text.slice(0, end)).trim().slice(0, 120);
}
