/** What stands between blocks and has no text of its own: images, videos, rules. */
import type { Page } from "../page/page.ts";
import { attributeId, TOKEN_WORDS, TokenFlag, TokenKind, tagId } from "../tokenizer/tokens.ts";
import { attributeOf } from "./attributes.ts";
import { firstOfSet, type Image, type MediaList } from "./media-list.ts";

const IMG = tagId("img");
const HR = tagId("hr");
const SOURCE = tagId("source");
const VIDEO = tagId("video");
const AUDIO = tagId("audio");
const IFRAME = tagId("iframe");
const NOSCRIPT = tagId("noscript");
const SRC = attributeId("src");
const SRCSET = attributeId("srcset");

/** Tags without an end tag, or whose end tag is often left out: they say nothing of depth. */
const UNCOUNTED = new Set(
  "p li dt dd tr td th thead tbody tfoot option optgroup colgroup body html head img br hr input wbr source track embed area param col link meta base image"
    .split(" ")
    .map(tagId),
);
/** Ends of what holds the main text: what follows belongs to something else. */
const OUTER = new Set(["article", "main", "section", "body"].map(tagId));
const PLAYER =
  /^https?:\/\/(?:[\w-]+\.)*(?:youtube(?:-nocookie)?\.com\/embed|player\.vimeo\.com\/video|dailymotion\.com\/embed|fast\.wistia\.(?:com|net)\/embed)/i;

/** Which ends of the gap are kept text: both, only what follows, or only what came before. */
export type GapSide = "both" | "after" | "before";

/** An image to show, or a rule; `token` tells where. */
export type GapItem = { readonly token: number; readonly image?: Image };

type Found = {
  readonly token: number;
  readonly depth: number;
  readonly id: number;
  readonly sourceSet: string;
  readonly kind: "video" | "audio";
};

/**
 * Images and rules of the tokens from `start` to `end`, in order; all media are added to `media`. Beside dropped text only those
 * count that stand in elements of their own, not in one that holds the dropped text too.
 */
export function readGap(
  page: Page,
  media: MediaList,
  gap: { readonly start: number; readonly end: number; readonly side: GapSide },
): GapItem[] {
  if (!holdsTags(page, gap.start, gap.end)) return [];
  const found = findMedia(page, gap);
  const items: GapItem[] = [];
  let isShown = true;
  for (const one of found) {
    if (one.id === HR) {
      const last = items.at(-1);
      if (gap.side === "both" && (!last || last.image)) items.push({ token: one.token });
    } else if (one.id === IMG) {
      const image = media.addImage(page, one.token, one.sourceSet);
      isShown = image !== undefined;
      if (image && image.alt !== "") items.push({ token: one.token, image });
    } else if (one.id === NOSCRIPT) {
      const image = isShown ? undefined : media.addImage(page, one.token);
      if (image && image.alt !== "") items.push({ token: one.token, image });
    } else addPlayer(page, media, one);
  }
  return items;
}

function addPlayer(page: Page, media: MediaList, one: Found): void {
  const url = media.resolve(attributeOf(page, one.token, SRC));
  if (url !== undefined && (one.id !== IFRAME || PLAYER.test(url)))
    media.add(url, one.id === IFRAME ? "video" : one.kind, "");
}

function holdsTags(page: Page, start: number, end: number): boolean {
  const { words } = page.tokens;
  for (let at = start; at < end; at++) {
    const word = words[at * TOKEN_WORDS] ?? 0;
    if ((word & 15) === TokenKind.open && isWanted((word >> 8) & 0xffff)) return true;
  }
  return false;
}

function isWanted(id: number): boolean {
  return id === IMG || id === HR || id === VIDEO || id === AUDIO || id === IFRAME;
}

function findMedia(
  page: Page,
  { start, end, side }: { readonly start: number; readonly end: number; readonly side: GapSide },
): Found[] {
  const { words } = page.tokens;
  const found: Found[] = [];
  let settled = 0;
  let depth = 0;
  let noscript = false;
  let sourceSet = "";
  let kind: "video" | "audio" = "video";
  for (let at = start; at < end; at++) {
    const word = words[at * TOKEN_WORDS] ?? 0;
    const id = (word >> 8) & 0xffff;
    if ((word & 15) === TokenKind.open) {
      if (id === SOURCE) sourceSet ||= firstOfSet(attributeOf(page, at, SRCSET) ?? "") ?? "";
      if (id === VIDEO || id === AUDIO) kind = id === AUDIO ? "audio" : "video";
      if (id === NOSCRIPT) noscript = true;
      if (isWanted(id) || id === SOURCE)
        found.push({ token: at, depth, id: noscript && id === IMG ? NOSCRIPT : id, sourceSet, kind });
      if (id === IMG) sourceSet = "";
      if (!UNCOUNTED.has(id) && (word & TokenFlag.selfClosing) === 0) depth++;
    } else if ((word & 15) === TokenKind.close) {
      if (id === NOSCRIPT) noscript = false;
      if (UNCOUNTED.has(id)) continue;
      if (depth > 0) depth--;
      else if (side === "after") found.length = 0;
      else if (side === "before" && OUTER.has(id)) break;
      if (depth === 0) settled = found.length;
    }
  }
  return side === "before" ? found.filter((one, at) => at < settled || one.depth === 0) : found;
}
