/** Plain text of a document to Markdown: its headings and code are marked as such, all else stays as it is. */
import type { ExtractedDocument, Heading, TextRange } from "./document.ts";

/** What a line of text would begin in Markdown without meaning it. */
const BLOCK_MARK = /^( {0,3})(#{1,6}(?=\s)|>|[+*](?=\s)|=+\s*$|`{3,}|~{3,})/gm;

/** The same text with `#` before headings and fences around code. Lists keep their "- ", which Markdown reads as such. */
export function plainMarkdown({
  text,
  headings,
  code = [],
}: Pick<ExtractedDocument, "text" | "headings" | "code">): string {
  const marks = [...headings.map(ofHeading), ...code.map((range) => ofCode(range, text))].sort(
    (a, b) => a.start - b.start,
  );
  let markdown = "";
  let at = 0;
  for (const { start, end, shown } of marks) {
    if (start < at) continue;
    markdown += escapeBlocks(text.slice(at, start)) + shown;
    at = end;
  }
  return markdown + escapeBlocks(text.slice(at));
}

type Mark = { readonly start: number; readonly end: number; readonly shown: string };

function ofHeading({ level, text, start }: Heading): Mark {
  return { start, end: start + text.length, shown: `${"#".repeat(level)} ${text}` };
}

/** The fence is longer than any inside. */
function ofCode({ start, end }: TextRange, text: string): Mark {
  const inside = text.slice(start, end);
  const longest = [...inside.matchAll(/`{3,}/g)].reduce((most, [run]) => Math.max(most, run.length), 2);
  const fence = "`".repeat(longest + 1);
  return { start, end, shown: `${fence}\n${inside}\n${fence}` };
}

function escapeBlocks(text: string): string {
  return text.replace(BLOCK_MARK, "$1\\$2");
}
