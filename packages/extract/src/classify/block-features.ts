/** The first stage's features: what is known of each block but for what is thought of the others. */
import { BlockKind, type Page } from "../page/page.ts";
import { readPage } from "../page/read-page.ts";
import { TEXT_COUNTS, TextCount } from "../page/text-run.ts";
import { tokenize } from "../tokenizer/tokenize.ts";
import { TOKEN_WORDS } from "../tokenizer/tokens.ts";
import type { Grouping } from "./alike.ts";
import { proseOf } from "./element-facts.ts";
import { FeatureRow } from "./feature-row.ts";
import { PAGE_TYPES } from "./lexicon-scores.ts";
import { CHAIN_SHARES } from "./main-element.ts";
import { PageFacts } from "./page-facts.ts";
import { TRACKED, TRACKED_COLUMNS } from "./tag-distances.ts";

const LEVELS = ["el0", "el1", "el2", "el3", "el4"] as const;
const NEIGHBOURS = [-3, -2, -1, 1, 2, 3] as const;
const NEIGHBOUR_NAMES = ["prev3", "prev2", "prev1", "next1", "next2", "next3"] as const;
const CHAIN_NAMES = CHAIN_SHARES.map((_, at) => `main.${at}`);
const TAG_SERIES = [...TRACKED, "hidden"] as const;
const WINDOW = 5;
/** Stands for "there is none". */
const NONE = -1;
/** Further away is all the same: long pages must not read as unlike all others. */
const FAR_BLOCKS = 150;
const FAR_CHARS = 12_000;
const NEAR_BLOCKS = 40;
const NEAR_CHARS = 4_000;
const HEADINGS_MAX = 20;

export class BlockFeatures {
  columns = 0;
  /** The heading that repeats the page's title, -1 without one. */
  titleAt = NONE;
  #row = new FeatureRow();
  #page: Page = readPage("", tokenize(""));
  #facts = new PageFacts();
  #before = new Float64Array(0);
  #prose = new Float64Array(0);
  /** Depth of the innermost element around each block and the next one. */
  #meetings = new Int32Array(0);
  #heading = NONE;
  /** The last heading of level 1 or 2. */
  #chapter = NONE;
  #headings = 0;
  /** Depth of the innermost element around the last heading and all blocks since. */
  #headingMeeting = 0;

  /** Writes `columns` figures of block i from `row.values[i × stride]` on. */
  read(page: Page, facts: PageFacts, { row, stride }: { readonly row: FeatureRow; readonly stride: number }): void {
    this.#row = row;
    this.#page = page;
    this.#facts = facts;
    this.#heading = NONE;
    this.#chapter = NONE;
    this.#headings = 0;
    this.#prepare();
    row.reserve(stride * page.blocks.count);
    for (let at = 0; at < page.blocks.count; at++) {
      row.at = at * stride;
      this.#own(at);
      this.#position(at);
      this.#elements(at);
      this.#chains(at);
      this.#repeats(at);
      this.#alike("name", at, this.#facts.alike.name);
      this.#alike("path", at, this.#facts.alike.path);
      this.#lexicon(at);
      this.#neighbours(at);
      this.#wholePage();
      if (this.columns === 0) this.columns = row.at;
    }
  }

  #prepare(): void {
    const { blocks, elements } = this.#page;
    if (blocks.count + 1 > this.#before.length) {
      this.#before = new Float64Array(Math.ceil((blocks.count + 1) * 1.25));
      this.#prose = new Float64Array(Math.ceil((blocks.count + 1) * 1.25));
      this.#meetings = new Int32Array(Math.ceil((blocks.count + 1) * 1.25));
    }
    this.#before[0] = 0;
    this.#prose[0] = 0;
    let best = 0;
    this.titleAt = NONE;
    for (let at = 0; at < blocks.count; at++) {
      const chars = blocks.chars[at] ?? 0;
      const words = blocks.counts[at * TEXT_COUNTS + TextCount.words] ?? 0;
      this.#before[at + 1] = (this.#before[at] ?? 0) + chars;
      this.#prose[at + 1] = (this.#prose[at] ?? 0) + proseOf(chars, blocks.linkChars[at] ?? 0, words);
      const meet = this.#meet(blocks.element[at] ?? 0, blocks.element[at + 1] ?? 0);
      this.#meetings[at] = elements.depth[meet] ?? 0;
      if (blocks.kind[at] !== BlockKind.heading) continue;
      const match = this.#facts.words.ofTitle(at) * this.#facts.words.inTitle(at) + (blocks.level[at] === 1 ? 0.2 : 0);
      if (match > best) {
        best = match;
        this.titleAt = at;
      }
    }
  }

  #count(at: number, which: number): number {
    return this.#page.blocks.counts[at * TEXT_COUNTS + which] ?? 0;
  }

  #own(at: number): void {
    const row = this.#row;
    const { blocks } = this.#page;
    const chars = blocks.chars[at] ?? 0;
    const words = this.#count(at, TextCount.words);
    row.put("chars", chars);
    row.put("words", words);
    row.put("linkDensity", (blocks.linkChars[at] ?? 0) / chars);
    row.put("links", this.#count(at, TextCount.links));
    row.put("digits", this.#count(at, TextCount.digits) / chars);
    row.put("upper", this.#count(at, TextCount.upper) / chars);
    row.put("capitalized", this.#count(at, TextCount.capitalized) / (words + 1));
    row.put("sentences", this.#count(at, TextCount.sentences));
    row.put("commas", this.#count(at, TextCount.commas));
    row.put("marks", this.#count(at, TextCount.marks) / chars);
    row.put("bold", this.#count(at, TextCount.boldChars) / chars);
    row.put("images", this.#count(at, TextCount.images));
    row.put("foreign", this.#count(at, TextCount.foreign) / chars);
    row.put("currency", this.#count(at, TextCount.currency));
    row.put("wordChars", this.#count(at, TextCount.letters) / (words + 1));
    row.put("kind", blocks.kind[at] ?? 0);
    row.put("level", blocks.level[at] ?? 0);
    row.put("tokens", (blocks.tokenEnd[at] ?? 0) - (blocks.tokenStart[at] ?? 0));
    const { copies, copiesBefore, kind } = this.#facts.words;
    row.put("copies", copies[kind[at] ?? 0] ?? 0);
    row.put("copiesBefore", copiesBefore[at] ?? 0);
    row.put("inTitle", this.#facts.words.inTitle(at));
    row.put("ofTitle", this.#facts.words.ofTitle(at));
    row.put("inDescription", this.#facts.words.inDescription(at));
    row.put("inSchema", this.#facts.words.inSchema(at));
  }

  #position(at: number): void {
    const row = this.#row;
    const { blocks, elements } = this.#page;
    const total = this.#before[blocks.count] ?? 1;
    const before = this.#before[at] ?? 0;
    row.put("index", Math.min(at, FAR_BLOCKS));
    row.put("indexShare", at / blocks.count);
    row.put("fromEnd", Math.min(blocks.count - at, FAR_BLOCKS));
    row.put("charsBefore", Math.min(before, FAR_CHARS));
    row.put("charsAfter", Math.min(total - before, FAR_CHARS));
    row.put("charsShare", before / total);
    row.put("proseShare", (this.#prose[at] ?? 0) / ((this.#prose[blocks.count] ?? 0) + 1));
    const since = this.titleAt < 0 ? -1_000 : Math.min(at - this.titleAt, FAR_BLOCKS);
    row.put("sinceTitle", since);
    const sinceChars = before - (this.#before[Math.max(0, this.titleAt)] ?? 0);
    row.put("charsSinceTitle", this.titleAt < 0 ? -100_000 : Math.min(sinceChars, FAR_CHARS));
    if (at > 0) this.#headingMeeting = Math.min(this.#headingMeeting, this.#meetings[at - 1] ?? 0);
    if (blocks.kind[at] === BlockKind.heading) {
      this.#heading = at;
      this.#headingMeeting = elements.depth[blocks.element[at] ?? 0] ?? 0;
      if ((blocks.level[at] ?? 0) <= 2) this.#chapter = at;
      this.#headings++;
    }
    const heading = this.#heading;
    row.put("headings", Math.min(this.#headings, HEADINGS_MAX));
    row.put("headingBlocks", heading < 0 ? NONE : Math.min(at - heading, NEAR_BLOCKS));
    row.put("headingChars", heading < 0 ? NONE : Math.min(before - (this.#before[heading] ?? 0), NEAR_CHARS));
    row.put("headingLevel", heading < 0 ? NONE : (blocks.level[heading] ?? 0));
    row.put("headingText", heading < 0 ? 0 : (this.#facts.lexicon.text[heading] ?? 0));
    row.put("headingNames", heading < 0 ? 0 : (this.#facts.lexicon.chain[blocks.element[heading] ?? 0] ?? 0));
    const chapter = this.#chapter;
    row.put("chapterText", chapter < 0 ? 0 : (this.#facts.lexicon.text[chapter] ?? 0));
    row.put("chapterNames", chapter < 0 ? 0 : (this.#facts.lexicon.chain[blocks.element[chapter] ?? 0] ?? 0));
    row.put("chapterBlocks", chapter < 0 ? NONE : Math.min(at - chapter, NEAR_BLOCKS));
    const headingDepth = elements.depth[blocks.element[heading] ?? 0] ?? 0;
    row.put("headingAbove", heading < 0 ? NONE : headingDepth - this.#headingMeeting);
  }

  /** Depth of the innermost element around block `at`, which is in `own`, and around `element`. */
  #meetingWith(element: number, own: number, at: number): number {
    const { depth, blockStart, blockEnd } = this.#page.elements;
    const isInside = at >= (blockStart[element] ?? 0) && at < (blockEnd[element] ?? 0);
    return depth[isInside ? element : this.#meet(element, own)] ?? 0;
  }

  /** The same of block `at` and block `other`: blocks stand in page order, so those between them do not leave it. */
  #meetingOf(at: number, other: number): number {
    let depth = this.#meetings[Math.min(at, other)] ?? 0;
    for (let next = Math.min(at, other) + 1; next < Math.max(at, other); next++)
      depth = Math.min(depth, this.#meetings[next] ?? 0);
    return depth;
  }

  /** The innermost element around both. Indices grow downwards, so the larger one steps up. */
  #meet(one: number, other: number): number {
    const { parent } = this.#page.elements;
    let left = one;
    let right = other;
    while (left !== right) {
      if (left > right) left = parent[left] ?? 0;
      else right = parent[right] ?? 0;
    }
    return left;
  }

  #elements(at: number): void {
    const row = this.#row;
    const { elements, blocks } = this.#page;
    const { elements: facts, distances } = this.#facts;
    const own = blocks.element[at] ?? 0;
    const total = facts.chars[0] ?? 1;
    row.put("depth", elements.depth[own] ?? 0);
    row.put("childIndex", facts.childIndex[own] ?? 0);
    row.put("siblings", facts.children[elements.parent[own] ?? 0] ?? 0);
    let element = own;
    for (let level = 0; level < LEVELS.length; level++) {
      const series = LEVELS[level] ?? "";
      const chars = facts.chars[element] ?? 0;
      row.putIn(series, "tag", elements.tag[element] ?? 0);
      row.putIn(series, "share", chars / total);
      row.putIn(series, "linkDensity", (facts.linkChars[element] ?? 0) / (chars + 1));
      row.putIn(series, "chars", chars);
      row.putIn(series, "blocks", (elements.blockEnd[element] ?? 0) - (elements.blockStart[element] ?? 0));
      row.putIn(series, "prose", (facts.prose[element] ?? 0) / (chars + 1));
      row.putIn(series, "sentences", (facts.sentences[element] ?? 0) / ((facts.words[element] ?? 0) + 1));
      row.putIn(series, "name", this.#facts.lexicon.own[element] ?? 0);
      element = Math.max(0, elements.parent[element] ?? 0);
    }
    for (let column = 0; column < TRACKED_COLUMNS; column++)
      row.putIn("to", TAG_SERIES[column] ?? "", distances.rows[own * TRACKED_COLUMNS + column] ?? 0);
  }

  #chains(at: number): void {
    const row = this.#row;
    const { elements, blocks } = this.#page;
    const { main, elements: facts } = this.#facts;
    const own = blocks.element[at] ?? 0;
    for (let chain = 0; chain < CHAIN_SHARES.length; chain++) {
      const element = main.chain[chain] ?? 0;
      const series = CHAIN_NAMES[chain] ?? "";
      row.putIn(series, "side", side(at, elements.blockStart[element] ?? 0, elements.blockEnd[element] ?? 0));
      const meeting = this.#meetingWith(element, own, at);
      row.putIn(series, "rise", (elements.depth[element] ?? 0) - meeting);
      row.putIn(series, "share", (facts.chars[element] ?? 0) / (facts.chars[0] ?? 1));
    }
    const { top } = main;
    row.put("top.side", side(at, elements.blockStart[top] ?? 0, elements.blockEnd[top] ?? 0));
    const meeting = this.#meetingWith(top, own, at);
    row.put("top.rise", (elements.depth[top] ?? 0) - meeting);
    row.put("top.drop", (elements.depth[own] ?? 0) - meeting);
    row.put("top.share", (facts.prose[top] ?? 0) / ((facts.prose[0] ?? 0) + 1));
    row.put("top.linkDensity", (facts.linkChars[top] ?? 0) / ((facts.chars[top] ?? 0) + 1));
  }

  #repeats(at: number): void {
    const own = this.#page.blocks.element[at] ?? 0;
    this.#item("inner", at, this.#facts.repeats.inner[own] ?? NONE);
    this.#item("outer", at, this.#facts.repeats.outer[own] ?? NONE);
  }

  #item(series: string, at: number, item: number): void {
    const row = this.#row;
    const { repeats, elements: facts, lexicon } = this.#facts;
    const { elements } = this.#page;
    const isItem = item >= 0;
    const group = isItem ? (repeats.group[item] ?? 0) : 0;
    const items = isItem ? (repeats.items[group] ?? 0) : 0;
    const chars = isItem ? (repeats.groupChars[group] ?? 0) : 0;
    const mean = items > 0 ? chars / items : 0;
    const variance = items > 0 ? (repeats.groupSquares[group] ?? 0) / items - mean * mean : 0;
    row.putIn(series, "items", items);
    row.putIn(series, "index", isItem ? (repeats.itemIndex[item] ?? 0) : NONE);
    row.putIn(series, "blockIndex", isItem ? at - (elements.blockStart[item] ?? 0) : NONE);
    row.putIn(series, "blocks", isItem ? (elements.blockEnd[item] ?? 0) - (elements.blockStart[item] ?? 0) : 0);
    row.putIn(series, "chars", isItem ? (facts.chars[item] ?? 0) : 0);
    row.putIn(series, "mean", mean);
    row.putIn(series, "spread", mean > 0 ? Math.sqrt(Math.max(0, variance)) / mean : 0);
    row.putIn(series, "linkDensity", isItem ? (repeats.groupLinkChars[group] ?? 0) / (chars + 1) : 0);
    row.putIn(series, "share", chars / (facts.chars[0] ?? 1));
    row.putIn(series, "prose", isItem ? (facts.prose[item] ?? 0) / ((facts.chars[item] ?? 0) + 1) : 0);
    row.putIn(series, "name", isItem ? (lexicon.own[item] ?? 0) : 0);
    row.putIn(series, "depth", isItem ? (elements.depth[item] ?? 0) : NONE);
  }

  #alike(series: string, at: number, groups: Grouping): void {
    const row = this.#row;
    const group = groups.of[at] ?? 0;
    const chars = groups.chars[group] ?? 0;
    const blocks = groups.blocks[group] ?? 1;
    row.putIn(series, "alike.blocks", blocks);
    row.putIn(series, "alike.mean", chars / blocks);
    row.putIn(series, "alike.share", chars / (this.#facts.elements.chars[0] ?? 1));
    row.putIn(series, "alike.linkDensity", (groups.linkChars[group] ?? 0) / (chars + 1));
  }

  #lexicon(at: number): void {
    const row = this.#row;
    const { lexicon } = this.#facts;
    const own = this.#page.blocks.element[at] ?? 0;
    row.put("names.chain", lexicon.chain[own] ?? 0);
    row.put("names.least", lexicon.least[own] ?? 0);
    row.put("names.most", lexicon.most[own] ?? 0);
    row.put("text.mean", lexicon.text[at] ?? 0);
    row.put("text.least", lexicon.textLeast[at] ?? 0);
    row.put("text.most", lexicon.textMost[at] ?? 0);
  }

  #neighbours(at: number): void {
    const row = this.#row;
    const { blocks, tokens, elements } = this.#page;
    const depth = elements.depth[blocks.element[at] ?? 0] ?? 0;
    for (let i = 0; i < NEIGHBOURS.length; i++) {
      const other = at + (NEIGHBOURS[i] ?? 0);
      const series = NEIGHBOUR_NAMES[i] ?? "";
      const isThere = other >= 0 && other < blocks.count;
      const chars = isThere ? (blocks.chars[other] ?? 0) : NONE;
      row.putIn(series, "chars", chars);
      row.putIn(series, "linkDensity", isThere ? (blocks.linkChars[other] ?? 0) / chars : NONE);
      row.putIn(series, "kind", isThere ? (blocks.kind[other] ?? 0) : NONE);
      row.putIn(series, "text", isThere ? (this.#facts.lexicon.text[other] ?? 0) : 0);
      row.putIn(series, "names", isThere ? (this.#facts.lexicon.chain[blocks.element[other] ?? 0] ?? 0) : 0);
      row.putIn(series, "rise", isThere ? depth - this.#meetingOf(at, other) : NONE);
    }
    const start = tokens.words[(blocks.tokenStart[at] ?? 0) * TOKEN_WORDS + 1] ?? 0;
    const end = tokens.words[Math.max(0, (blocks.tokenEnd[at] ?? 0) - 1) * TOKEN_WORDS + 2] ?? 0;
    const last = at > 0 ? (tokens.words[Math.max(0, (blocks.tokenEnd[at - 1] ?? 0) - 1) * TOKEN_WORDS + 2] ?? 0) : 0;
    row.put("gapBefore", start - last);
    const next = at + 1 < blocks.count ? (tokens.words[(blocks.tokenStart[at + 1] ?? 0) * TOKEN_WORDS + 1] ?? 0) : end;
    row.put("gapAfter", next - end);
    const from = Math.max(0, at - WINDOW);
    const to = Math.min(blocks.count, at + WINDOW + 1);
    const chars = (this.#before[to] ?? 0) - (this.#before[from] ?? 0);
    row.put("window.chars", chars);
    row.put("window.prose", ((this.#prose[to] ?? 0) - (this.#prose[from] ?? 0)) / chars);
    row.put("window.proseBefore", (this.#prose[at] ?? 0) - (this.#prose[Math.max(0, at - 2 * WINDOW)] ?? 0));
    row.put("window.proseAfter", (this.#prose[Math.min(blocks.count, at + 2 * WINDOW)] ?? 0) - (this.#prose[at] ?? 0));
  }

  #wholePage(): void {
    const row = this.#row;
    const { blocks } = this.#page;
    const { elements: facts, lexicon } = this.#facts;
    const chars = facts.chars[0] ?? 1;
    row.put("page.chars", chars);
    row.put("page.blocks", blocks.count);
    row.put("page.linkDensity", (facts.linkChars[0] ?? 0) / chars);
    row.put("page.prose", (facts.prose[0] ?? 0) / chars);
    row.put("page.sentences", (facts.sentences[0] ?? 0) / ((facts.words[0] ?? 0) + 1));
    row.put("page.title", this.titleAt);
    for (let type = 0; type < PAGE_TYPES.length; type++)
      row.putIn("type", PAGE_TYPES[type] ?? "", lexicon.types[type] ?? 0);
  }
}

/** −1 before a range, 1 after it, 0 in it. */
function side(at: number, start: number, end: number): number {
  return at < start ? -1 : at >= end ? 1 : 0;
}
