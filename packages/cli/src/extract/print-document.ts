import type { PageBlock, PageDocument } from "@millrace/client";
import { cut, formatDuration, formatPlural } from "../format.ts";
import { TEXT_COLUMNS_MAX } from "../limits.ts";
import type { Terminal } from "../terminal.ts";

/** The Markdown, or what the mode is about; on stderr a line about the page, and why it holds no more. */
export function printDocument(terminal: Terminal, document: PageDocument): void {
  const { out, err, styleErr } = terminal;
  if (document.mode === "links") for (const { url, text } of document.links) out(text === "" ? url : `${url}  ${text}`);
  else if (document.mode === "metadata") printMetadata(terminal, document);
  else if (document.markdown !== "") out(document.markdown);
  if (document.reason !== undefined && document.mode !== "links" && document.mode !== "metadata")
    err(`${styleErr("yellow", "note:")} ${document.reason}`);
  err(styleErr("dim", summaryOf(document)));
}

function summaryOf({ title, wordCount, readingMinutes, quality, timings, cache, pageType }: PageDocument): string {
  const parts = [
    cut(title, 60),
    ...(pageType === undefined ? [] : [pageType]),
    formatPlural(wordCount, "word"),
    `${readingMinutes} min to read`,
    `quality ${quality.score}`,
    formatDuration(timings.totalMs),
    ...(cache.hit ? [`from ${cache.layer}, ${formatDuration(cache.ageMs)} old`] : []),
  ];
  return parts.join(" · ");
}

const FIELDS = [
  ...["title", "byline", "published", "modified", "siteName", "description", "language"],
  ...["pageType", "canonicalUrl", "url", "finalUrl", "contentType"],
] as const satisfies readonly string[];

function printMetadata({ out, style }: Terminal, document: PageDocument): void {
  const shown = document as unknown as Readonly<Record<string, unknown>>;
  for (const name of FIELDS) {
    const value = shown[name];
    if (value !== undefined && value !== "") out(`${style("dim", name.padEnd(14))}${String(value)}`);
  }
  if (document.categories?.length) out(`${style("dim", "categories".padEnd(14))}${document.categories.join(", ")}`);
}

/** A line for each block in page order: "+" kept, "-" dropped, its score, where it stands and how it begins. */
export function printBlocks(terminal: Terminal, document: PageDocument): void {
  const { out, err, styleErr } = terminal;
  const { blocks = [] } = document;
  for (const block of blocks) out(lineOf(terminal, block));
  const kept = blocks.filter((block) => block.kept).length;
  const why = blocks.length === 0 ? "; only pages of HTML have scored blocks" : "";
  err(styleErr("dim", `${kept} of ${formatPlural(blocks.length, "block")} kept${why} · ${summaryOf(document)}`));
}

function lineOf({ style, columns }: Terminal, { score, kept, path, text }: PageBlock): string {
  const head = `${kept ? "+" : "-"} ${score.toFixed(2)}  ${cut(path, 28).padEnd(28)}  `;
  const room = Math.max(20, Math.min(columns, TEXT_COLUMNS_MAX) - head.length);
  const line = `${head}${cut(text.replace(/\s+/g, " "), room)}`;
  return kept ? style("green", line) : style("dim", line);
}
