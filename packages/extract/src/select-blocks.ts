/**
 * Which blocks of a page are its main text. Rules over the features one pass left: find the container that holds most of what
 * reads like prose, then drop what reads like furniture inside it. A learned classifier replaces this file behind `selectBlocks`.
 */
import { type Block, type Container, type Page, Trait } from "./blocks.ts";
import { CONTAINERS } from "./html-tags.ts";

/** Furniture by meaning of the element: outside what a reader came for, whatever it says. */
const OUTSIDE = Trait.nav | Trait.footer | Trait.hidden | Trait.wayfinding | Trait.dialog | Trait.noscript;
const DOUBTFUL = Trait.aside | Trait.furniture | Trait.form | Trait.header;

/** Tuned on half of the domains of the WCXB development split by scripts/score-wcxb.ts; see docs/decisions/0003. */
export const WEIGHTS = {
  linkDensityMax: 0.75,
  descendShare: 0.88,
  mainShare: 0.3,
  proseChars: 30,
  codeChars: 400,
  linkHeavy: 0.55,
  linkHeavyShare: 0.44,
  strictShare: 0.33,
  listPageShare: 0.75,
  linkedProseChars: 120,
  linkedProse: 0.5,
  shortProse: 0.45,

  dominantShare: 0.5,
};

/** Elements that can hold a whole main text; a list or a paragraph is a part of one. */
const MAY_BE_MAIN: ReadonlySet<string> = new Set(
  "html body div section article main header aside form fieldset details table tbody tr td noscript center blockquote".split(
    " ",
  ),
);

/** One byte a block: 1 where it belongs to the main text. */
export function selectBlocks(page: Page): Uint8Array {
  const prose = proseOf(page);
  const traits = effectiveTraits(page, sumUp(page, prose));
  const outside = outsideOf(page, prose, traits);
  const main = findMain(page, sumUp(page, masked(page, prose, traits, outside)));
  const inside = insideOf(page.containers, main);
  const candidates = new Uint8Array(page.blocks.length);
  for (let at = 0; at < candidates.length; at++) {
    const { container } = page.blocks[at] as Block;
    if (inside[container] === 1 && ((traits[container] ?? 0) & outside) === 0) candidates[at] = 1;
  }
  const keep = withoutLinkLists(page, candidates);
  keepTitle(page, traits, keep);
  return keep;
}

/** The main heading often stands above the container of the text, in a header of its own: it belongs to it all the same. */
function keepTitle(page: Page, traits: Int32Array, keep: Uint8Array): void {
  const first = keep.indexOf(1);
  let title = -1;
  for (let at = 0; at < page.blocks.length; at++) {
    const { kind, level, container } = page.blocks[at] as Block;
    if (kind !== "heading" || level !== 1) continue;
    if (keep[at] === 1) return;
    if (at < first && ((traits[container] ?? 0) & OUTSIDE) === 0) title = at;
  }
  if (title >= 0) keep[title] = 1;
}

/** What counts as outside here: class names are heeded unless they cover most of what reads like prose. */
function outsideOf(page: Page, prose: Float64Array, traits: Int32Array): number {
  const total = (mask: number) => masked(page, prose, traits, mask).reduce((sum, chars) => sum + chars, 0);
  const strict = total(OUTSIDE | DOUBTFUL);
  if (strict >= WEIGHTS.strictShare * total(OUTSIDE)) return OUTSIDE | DOUBTFUL;
  const loose = total(OUTSIDE);
  return loose >= WEIGHTS.strictShare * total(Trait.nav | Trait.wayfinding) ? OUTSIDE : Trait.nav | Trait.wayfinding;
}

function masked(page: Page, prose: Float64Array, traits: Int32Array, mask: number): Float64Array {
  return prose.map((chars, at) => (((traits[(page.blocks[at] as Block).container] ?? 0) & mask) === 0 ? chars : 0));
}

/** Drops lists of links, unless the page is little else: then the list is what the reader came for. */
function withoutLinkLists(page: Page, candidates: Uint8Array): Uint8Array {
  const drop = linkHeavy(page, candidates);
  const keep = new Uint8Array(candidates.length);
  let all = 0;
  let kept = 0;
  for (let at = 0; at < candidates.length; at++) {
    if (candidates[at] === 0) continue;
    const { container, text } = page.blocks[at] as Block;
    all += text.length;
    if (drop[container] === 1) continue;
    keep[at] = 1;
    kept += text.length;
  }
  return kept < WEIGHTS.listPageShare * all ? candidates : keep;
}

/** An element that holds most of the page's prose is not furniture, whatever it is called: its own traits do not count. */
function effectiveTraits(page: Page, sums: Float64Array): Int32Array {
  const { containers } = page;
  const traits = new Int32Array(containers.length);
  const most = WEIGHTS.dominantShare * (sums[0] ?? 0);
  for (let at = 1; at < containers.length; at++) {
    const { own, parent } = containers[at] as Container;
    const above = traits[parent] ?? 0;
    // The header of an article is its title; the header of a page is the site's.
    const withoutTitle = (above & (Trait.main | Trait.article)) !== 0 ? own & ~Trait.header : own;
    traits[at] = above | ((sums[at] ?? 0) > most ? own & ~(OUTSIDE | DOUBTFUL) : withoutTitle);
  }
  return traits;
}

/** Characters that read like prose, per block. */
function proseOf(page: Page): Float64Array {
  const { blocks } = page;
  const prose = new Float64Array(blocks.length);
  for (let at = 0; at < blocks.length; at++) {
    const block = blocks[at] as Block;
    const { length } = block.text;
    const plain = length - block.linkChars;
    if (block.linkChars > WEIGHTS.linkDensityMax * length) {
      if (length >= WEIGHTS.linkedProseChars) prose[at] = length * WEIGHTS.linkedProse;
      continue;
    }
    if (block.kind === "code") prose[at] = Math.min(plain, WEIGHTS.codeChars);
    else prose[at] = length >= WEIGHTS.proseChars ? plain : plain * WEIGHTS.shortProse;
  }
  return prose;
}

/** Sums of `values` over each container and all below it. A child comes after its parent, so one pass backwards does. */
function sumUp(page: Page, values: Float64Array): Float64Array {
  const sums = new Float64Array(page.containers.length);
  for (let at = 0; at < page.blocks.length; at++) {
    const { container } = page.blocks[at] as Block;
    sums[container] = (sums[container] ?? 0) + (values[at] ?? 0);
  }
  for (let at = page.containers.length - 1; at > 0; at--) {
    const { parent } = page.containers[at] as Container;
    sums[parent] = (sums[parent] ?? 0) + (sums[at] ?? 0);
  }
  return sums;
}

/** Goes down from the root as long as one child holds nearly all of the prose. */
function findMain(page: Page, sums: Float64Array): number {
  const { containers } = page;
  const best = new Int32Array(containers.length).fill(-1);
  for (let at = 1; at < containers.length; at++) {
    const { parent } = containers[at] as Container;
    const rival = best[parent] ?? -1;
    if (rival < 0 || (sums[at] ?? 0) > (sums[rival] ?? 0)) best[parent] = at;
  }
  let main = 0;
  for (;;) {
    const next = best[main] ?? -1;
    if (next < 0) return main;
    const isMarked = ((containers[next]?.own ?? 0) & (Trait.main | Trait.article)) !== 0;
    const share = isMarked ? WEIGHTS.mainShare : WEIGHTS.descendShare;
    if ((sums[next] ?? 0) < share * (sums[main] ?? 0) || (sums[next] ?? 0) === 0) return main;
    if (!MAY_BE_MAIN.has(containers[next]?.tag ?? "") && !containers[next]?.tag.includes("-")) return main;
    main = next;
  }
}

function insideOf(containers: readonly Container[], main: number): Uint8Array {
  const inside = new Uint8Array(containers.length);
  inside[main] = 1;
  for (let at = main + 1; at < containers.length; at++) inside[at] = inside[containers[at]?.parent ?? 0] ?? 0;
  return inside;
}

/** Containers whose text is mostly links: lists of links, tag clouds, "read next". */
function linkHeavy(page: Page, candidates: Uint8Array): Uint8Array {
  const { containers, blocks } = page;
  const chars = sumUp(
    page,
    Float64Array.from(blocks, (block, at) => (candidates[at] === 1 ? block.text.length : 0)),
  );
  const linked = sumUp(
    page,
    Float64Array.from(blocks, (block, at) => (candidates[at] === 1 ? block.linkChars : 0)),
  );
  const drop = new Uint8Array(containers.length);
  const most = WEIGHTS.linkHeavyShare * (chars[0] ?? 0);
  for (let at = 1; at < containers.length; at++) {
    const { parent, tag } = containers[at] as Container;
    if (drop[parent] === 1) drop[at] = 1;
    else if (CONTAINERS.has(tag) && tag !== "td" && tag !== "tr" && (chars[at] ?? 0) < most) {
      if ((linked[at] ?? 0) > WEIGHTS.linkHeavy * (chars[at] ?? 0)) drop[at] = 1;
    }
  }
  return drop;
}
