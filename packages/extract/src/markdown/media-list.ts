/** The images, videos and sounds of a document, each kept once, and where an image's address is found. */
import type { Media } from "../document.ts";
import { decodeReferences } from "../entities.ts";
import { MEDIA_MAX } from "../limits.ts";
import type { Page } from "../page/page.ts";
import { attributeId, TOKEN_WORDS } from "../tokenizer/tokens.ts";
import { attributeOf } from "./attributes.ts";
import type { LinkList } from "./link-list.ts";
import { collapseTrimmed } from "./white-space.ts";

const SRC = attributeId("src");
const SRCSET = attributeId("srcset");
const DATA_SRC = attributeId("data-src");
const ALT = attributeId("alt");

const ALT_CHARS_MAX = 500;
/** Both sides at most this long: an icon. */
const ICON_PIXELS = 32;
/** Names of stand-ins that scripts replace. */
const PLACEHOLDER =
  /(?:^|[_.-])(?:blank|spacer|placeholder|lazy-?load|loading|transparent|pixel|1x1|grey|empty)\.(?:gif|png|svg|jpe?g)/i;
/** Hosts whose images only count visits. */
const TRACKER =
  /^https?:\/\/(?:[\w.-]*\.)?(?:doubleclick\.net|google-analytics\.com|googletagmanager\.com|scorecardresearch\.com|quantserve\.com|bat\.bing\.com|pixel\.[\w.-]+|stats\.wp\.com|facebook\.com)$/;
const LAZY = /\sdata-(?:lazy-src|original|lazy|orig-file|hi-res-src|srcset|lazy-srcset)\s*=\s*(?:"([^"]*)"|'([^']*)')/i;

export type Image = { readonly url: string; readonly alt: string };

export class MediaList {
  readonly #links: LinkList;
  readonly #media = new Map<string, Media>();

  constructor(links: LinkList) {
    this.#links = links;
  }

  get all(): Media[] {
    return [...this.#media.values()];
  }

  /** The absolute http(s) address, or undefined. */
  resolve(src: string | undefined): string | undefined {
    if (src === undefined || src.startsWith("data:")) return undefined;
    const url = this.#links.resolve(src);
    return url?.startsWith("http") ? url : undefined;
  }

  add(url: string, kind: Media["kind"], alt: string): void {
    if (this.#media.has(url) || this.#media.size >= MEDIA_MAX) return;
    this.#media.set(url, alt === "" ? { url, kind } : { url, kind, alt });
  }

  /** Adds the `img` of open token `at` and gives what to show of it; undefined for icons, trackers and images without an address. */
  addImage(page: Page, at: number, sourceSet = ""): Image | undefined {
    const { words } = page.tokens;
    const tag = page.html.slice(words[at * TOKEN_WORDS + 1], words[at * TOKEN_WORDS + 2]);
    if (isSmall(tag)) return undefined;
    const url = this.#sourceOf(page, at, { tag, sourceSet });
    if (url === undefined || isTracker(url)) return undefined;
    // Publishing systems encode these words twice.
    const alt = collapseTrimmed(decodeReferences((attributeOf(page, at, ALT) ?? "").slice(0, ALT_CHARS_MAX)));
    this.add(url, "image", alt);
    return { url, alt };
  }

  /** What is loaded later comes first: beside it `src` is a stand-in. */
  #sourceOf(page: Page, at: number, other: { readonly tag: string; readonly sourceSet: string }): string | undefined {
    const later = this.resolve(attributeOf(page, at, DATA_SRC));
    if (later !== undefined) return later;
    const src = attributeOf(page, at, SRC) ?? "";
    const url = isPlaceholder(src) ? undefined : this.resolve(src);
    if (url !== undefined) return url;
    const lazy = LAZY.exec(other.tag);
    const sets = [attributeOf(page, at, SRCSET) ?? "", lazy?.[1] ?? lazy?.[2] ?? "", other.sourceSet];
    return sets.map((set) => this.resolve(firstOfSet(set))).find((found) => found !== undefined);
  }
}

/** The first address of a `srcset`; a plain address is one too. */
export function firstOfSet(set: string): string | undefined {
  const first = /^[\s,]*(\S+?),?(?:\s|$)/.exec(set)?.[1];
  return first === undefined || isPlaceholder(first) ? undefined : first;
}

function isPlaceholder(src: string): boolean {
  return PLACEHOLDER.test(src.slice(src.lastIndexOf("/") + 1));
}

function isTracker(url: string): boolean {
  const slash = url.indexOf("/", 8);
  return TRACKER.test(slash < 0 ? url : url.slice(0, slash));
}

function isSmall(tag: string): boolean {
  if (!/width|height/i.test(tag)) return false;
  const width = sideOf(/\swidth\s*=\s*["']?(\d+)(?![\d%.])/i.exec(tag));
  const height = sideOf(/\sheight\s*=\s*["']?(\d+)(?![\d%.])/i.exec(tag));
  if (width !== undefined && height !== undefined) return width <= ICON_PIXELS && height <= ICON_PIXELS;
  const side = width ?? height;
  return side !== undefined && side <= 1;
}

function sideOf(found: RegExpExecArray | null): number | undefined {
  return found ? Number(found[1]) : undefined;
}
