/** The second stage's features: what the first thought of a block's neighbours, its elements, its section and its kind of item. */
import { BlockKind, type Elements, type Page } from "../page/page.ts";
import { FeatureRow } from "./feature-row.ts";
import type { PageFacts } from "./page-facts.ts";

const REACH = 5;
const NEAR = ["p-5", "p-4", "p-3", "p-2", "p-1", "p0", "p+1", "p+2", "p+3", "p+4", "p+5"] as const;
const LEVELS = ["el0", "el1", "el2", "el3", "el4", "el5", "el6"] as const;
const WINDOWS = [2, 5, 12, 30] as const;
const WINDOW_NAMES = ["near2", "near5", "near12", "near30"] as const;
const NONE = -1;

export type ScoreRows = {
  readonly row: FeatureRow;
  readonly from: number;
  readonly stride: number;
  readonly scores: Float32Array;
};

export class ScoreFeatures {
  columns = 0;
  #row = new FeatureRow();
  #sums = new Float64Array(0);
  #chars = new Float64Array(0);
  #section = new Int32Array(0);
  #names = new Float64Array(0);
  #paths = new Float64Array(0);
  readonly #columnSums = new Map<number, number>();
  readonly #columnChars = new Map<number, number>();

  /** Writes `columns` figures of block i from `row.values[from + i × stride]` on; `scores` are the first stage's probabilities. */
  read(page: Page, facts: PageFacts, { row, from, stride, scores }: ScoreRows): void {
    this.#row = row;
    const { blocks } = page;
    this.#prepare(page, facts, scores);
    row.reserve(from + stride * blocks.count);
    const total = Math.max(1, this.#chars[blocks.count] ?? 1);
    const sum = this.#sums[blocks.count] ?? 0;
    let best = 0;
    let first = NONE;
    let last = NONE;
    for (let at = 0; at < blocks.count; at++) {
      const score = scores[at] ?? 0;
      if (score > best) best = score;
      if (score < 0.5) continue;
      if (first < 0) first = at;
      last = at;
    }
    for (let at = 0; at < blocks.count; at++) {
      row.at = from + at * stride;
      this.#near(at, scores, blocks.count);
      this.#elements(page, at);
      this.#items(page, facts, at);
      this.#alike(facts, at);
      this.#sections(page, scores, at);
      row.put("page.mean", sum / total);
      row.put("page.sum", sum);
      row.put("page.best", best);
      row.put("before.sum", (this.#sums[at] ?? 0) / (sum + 1));
      row.put("before.mean", (this.#sums[at] ?? 0) / ((this.#chars[at] ?? 0) + 1));
      row.put("after.mean", (sum - (this.#sums[at + 1] ?? 0)) / (total - (this.#chars[at + 1] ?? 0) + 1));
      row.put("first", first < 0 ? -1_000 : at - first);
      row.put("last", last < 0 ? -1_000 : at - last);
      if (this.columns === 0) this.columns = row.at - from;
    }
  }

  #prepare(page: Page, facts: PageFacts, scores: Float32Array): void {
    const { blocks } = page;
    if (blocks.count + 1 > this.#sums.length) {
      const size = Math.ceil((blocks.count + 1) * 1.25);
      this.#sums = new Float64Array(size);
      this.#chars = new Float64Array(size);
      this.#section = new Int32Array(size);
      this.#names = new Float64Array(size);
      this.#paths = new Float64Array(size);
    }
    this.#names.fill(0, 0, facts.alike.name.count);
    this.#paths.fill(0, 0, facts.alike.path.count);
    this.#sums[0] = 0;
    this.#chars[0] = 0;
    this.#columnSums.clear();
    this.#columnChars.clear();
    let section = NONE;
    for (let at = 0; at < blocks.count; at++) {
      const chars = blocks.chars[at] ?? 0;
      const score = (scores[at] ?? 0) * chars;
      this.#sums[at + 1] = (this.#sums[at] ?? 0) + score;
      this.#chars[at + 1] = (this.#chars[at] ?? 0) + chars;
      const name = facts.alike.name.of[at] ?? 0;
      const path = facts.alike.path.of[at] ?? 0;
      this.#names[name] = (this.#names[name] ?? 0) + score;
      this.#paths[path] = (this.#paths[path] ?? 0) + score;
      if (blocks.kind[at] === BlockKind.heading) section = at;
      this.#section[at] = section;
      const column = columnOf(page, facts, at);
      if (column === NONE) continue;
      this.#columnSums.set(column, (this.#columnSums.get(column) ?? 0) + score);
      this.#columnChars.set(column, (this.#columnChars.get(column) ?? 0) + chars);
    }
  }

  /** Mean score of characters in blocks `from` to `to`. */
  #mean(from: number, to: number): number {
    const chars = (this.#chars[to] ?? 0) - (this.#chars[from] ?? 0);
    return chars > 0 ? ((this.#sums[to] ?? 0) - (this.#sums[from] ?? 0)) / chars : NONE;
  }

  #near(at: number, scores: Float32Array, count: number): void {
    const row = this.#row;
    for (let offset = -REACH; offset <= REACH; offset++) {
      const other = at + offset;
      row.put(NEAR[offset + REACH] ?? "", other >= 0 && other < count ? (scores[other] ?? 0) : NONE);
    }
    for (let i = 0; i < WINDOWS.length; i++) {
      const reach = WINDOWS[i] ?? 0;
      const name = WINDOW_NAMES[i] ?? "";
      row.putIn(name, "before", this.#mean(Math.max(0, at - reach), at));
      row.putIn(name, "after", this.#mean(Math.min(count, at + 1), Math.min(count, at + 1 + reach)));
    }
  }

  #elements({ elements, blocks }: Page, at: number): void {
    let element = blocks.element[at] ?? 0;
    for (let level = 0; level < LEVELS.length; level++) {
      this.#row.putIn(
        LEVELS[level] ?? "",
        "mean",
        this.#mean(elements.blockStart[element] ?? 0, elements.blockEnd[element] ?? 0),
      );
      element = Math.max(0, elements.parent[element] ?? 0);
    }
  }

  #items(page: Page, facts: PageFacts, at: number): void {
    const row = this.#row;
    const { elements, blocks } = page;
    const own = blocks.element[at] ?? 0;
    this.#item("inner", elements, facts.repeats.inner[own] ?? NONE);
    this.#item("outer", elements, facts.repeats.outer[own] ?? NONE);
    const column = columnOf(page, facts, at);
    const chars = column === NONE ? 0 : (this.#columnChars.get(column) ?? 0);
    row.put("column", chars > 0 ? (this.#columnSums.get(column) ?? 0) / chars : NONE);
  }

  #item(series: string, elements: Elements, item: number): void {
    const above = item < 0 ? NONE : (elements.parent[item] ?? 0);
    const mean = item < 0 ? NONE : this.#mean(elements.blockStart[item] ?? 0, elements.blockEnd[item] ?? 0);
    this.#row.putIn(series, "item", mean);
    const group = item < 0 ? NONE : this.#mean(elements.blockStart[above] ?? 0, elements.blockEnd[above] ?? 0);
    this.#row.putIn(series, "group", group);
  }

  #alike({ alike }: PageFacts, at: number): void {
    const name = alike.name.of[at] ?? 0;
    const path = alike.path.of[at] ?? 0;
    this.#row.put("name.mean", (this.#names[name] ?? 0) / (alike.name.chars[name] ?? 1));
    this.#row.put("path.mean", (this.#paths[path] ?? 0) / (alike.path.chars[path] ?? 1));
  }

  #sections({ blocks }: Page, scores: Float32Array, at: number): void {
    const row = this.#row;
    const heading = this.#section[at] ?? NONE;
    let next = at + 1;
    while (next < blocks.count && next < at + 60 && blocks.kind[next] !== BlockKind.heading) next++;
    row.put("section.heading", heading < 0 ? NONE : (scores[heading] ?? 0));
    row.put("section.next", next < blocks.count && next < at + 60 ? (scores[next] ?? 0) : NONE);
    row.put("section.mean", this.#mean(Math.max(0, heading), next));
    row.put("section.rest", this.#mean(Math.min(at + 1, next), next));
  }
}

/** Names the place of a block within its kind of item: the blocks of one column of a repeated list have one number. */
function columnOf({ blocks }: Page, { repeats, elements }: PageFacts, at: number): number {
  const own = blocks.element[at] ?? 0;
  const item = repeats.outer[own] ?? NONE;
  if (item < 0) return NONE;
  const group = repeats.group[item] ?? 0;
  return Math.imul(group + 1, 0x9e3779b1) ^ (elements.likeness[own] ?? 0);
}
