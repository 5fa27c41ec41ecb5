import type { PeerAnswer, PeerExtract } from "./answer.ts";
import { requirePeer } from "./installed.ts";
import { openReadability } from "./readability.ts";

type TurndownModule = new (options: {
  headingStyle: "atx";
  codeBlockStyle: "fenced";
}) => {
  remove(tags: readonly string[]): unknown;
  turndown(html: string): string;
};

/** What a page shows nowhere; turndown itself would keep its text. */
const UNSEEN = ["script", "style", "noscript", "template"];

/** Markdown by turndown: of what readability (on linkedom) finds, or of the whole page without its code. */
export function openTurndown(source: "readability" | "body", directory?: string): PeerExtract {
  const Turndown = requirePeer<TurndownModule>("turndown", directory);
  const service = new Turndown({ headingStyle: "atx", codeBlockStyle: "fenced" });
  service.remove(UNSEEN);
  const convert = (html: string): PeerAnswer => ({
    kind: "markdown",
    markdown: html === "" ? "" : service.turndown(html),
  });
  if (source === "body") return convert;
  const read = openReadability("linkedom", directory);
  return async (html, url) => {
    const answer = await read(html, url);
    return answer.kind === "html" ? convert(answer.html) : answer;
  };
}
