import { Marked } from "marked";
import type { AssembledMarkdown } from "../../src/markdown/assemble.ts";
import { assembleHtml } from "./assemble-html.ts";

const marked = new Marked({ gfm: true, async: false });

/** What another reader makes of Markdown. */
export function render(markdown: string): string {
  return marked.parse(markdown, { async: false });
}

/** Renders Markdown and assembles the result. */
export function again(markdown: string): AssembledMarkdown {
  return assembleHtml(render(markdown));
}
