/** From a page to the blocks that are its main text. */
import { MillraceError } from "@millrace/core";
import type { Page } from "../page/page.ts";
import { TEXT_COUNTS, TextCount } from "../page/text-run.ts";
import { BlockFeatures } from "./block-features.ts";
import { Choice } from "./choose.ts";
import { dropConcealed } from "./concealed.ts";
import { FeatureRow } from "./feature-row.ts";
import { keepCode, keepPlainPage, titleBefore } from "./kept-anyway.ts";
import { PAGE_TYPES, type PageType } from "./lexicon-scores.ts";
import type { Model } from "./model.ts";
import { PageFacts } from "./page-facts.ts";
import { ScoreFeatures } from "./score-features.ts";
import { scoreRows } from "./score-rows.ts";
import type { Exit } from "./trees.ts";

export type Judged = {
  /** 1 for each block that is kept. Good until the next page. */
  readonly keep: Uint8Array;
  /** How likely each block is main text, 0 … 1. Good until the next page. */
  readonly scores: Float32Array;
  /** The block of the main heading where it stands before the text and is no part of it; -1 otherwise. */
  readonly title: number;
  readonly pageType: PageType;
};

/**
 * Where half of all blocks leave the first stage. Of those let go as out fewer than 1 in 1,000 would have ended above 0.08, of those
 * let go as in about as many below 0.92 (measured across folds).
 */
const EXITS: readonly Exit[] = [
  { trees: 16, below: -2, above: Infinity },
  { trees: 32, below: -2.8, above: 2.2 },
  { trees: 48, below: -3, above: 2.75 },
  { trees: 64, below: -3, above: 2.75 },
  { trees: 96, below: -3, above: 2.7 },
];
/** Blocks that the first stage is so sure of are not judged again. */
const SURE = 0.03;

/** Judges pages one at a time; its arrays are kept from page to page. */
export class Classifier {
  readonly #facts = new PageFacts();
  readonly #row = new FeatureRow();
  readonly #first = new BlockFeatures();
  readonly #second = new ScoreFeatures();
  readonly #choice = new Choice();
  #one = new Float32Array(0);
  #two = new Float32Array(0);

  /** Throws `unreadable_document` for a model of other features than these. */
  read(page: Page, model: Model, url: string | undefined): Judged {
    const { count, counts } = page.blocks;
    if (count > this.#one.length) {
      this.#one = new Float32Array(Math.ceil(count * 1.25));
      this.#two = new Float32Array(Math.ceil(count * 1.25));
    }
    const row = this.#row;
    const { firstColumns, secondColumns: stride } = model;
    this.#facts.read(page, model.lexicon, url);
    this.#first.read(page, this.#facts, { row, stride });
    const one = this.#one.subarray(0, count).fill(0.5);
    scoreRows(model.first, { values: row.values, count, stride, scores: one }, EXITS);
    this.#second.read(page, this.#facts, { row, from: firstColumns, stride, scores: one });
    this.#checkColumns(model, count);
    const scores = this.#two.subarray(0, count);
    scores.set(one);
    scoreRows(model.second, { values: row.values, count, stride, scores, sure: SURE });
    for (let at = 0; at < count; at++) scores[at] = ((scores[at] ?? 0) + (one[at] ?? 0)) / 2;
    const power = this.#power(model);
    for (let at = 0; at < count; at++) one[at] = (scores[at] ?? 0) ** power;
    const keep = this.#choice.read(one, count, (at) => counts[at * TEXT_COUNTS + TextCount.words] ?? 0);
    keepPlainPage(page, this.#facts, { keep, scores });
    keepCode(page, { keep, scores });
    const pageType = this.#type();
    if (pageType === "product") dropConcealed(page, this.#facts.elements, keep);
    const title = titleBefore(keep, scores, this.#first.titleAt);
    return { keep, scores, title, pageType };
  }

  #power({ powers }: Model): number {
    const { types } = this.#facts.lexicon;
    let power = 0;
    for (let type = 0; type < types.length; type++) power += (types[type] ?? 0) * (powers[type] ?? 1);
    return power;
  }

  #checkColumns({ firstColumns, secondColumns }: Model, count: number): void {
    const columns = this.#first.columns + this.#second.columns;
    if (count === 0 || (this.#first.columns === firstColumns && columns === secondColumns)) return;
    throw new MillraceError(
      "unreadable_document",
      `the extraction model reads ${secondColumns} features, this version has ${columns}; train it again with scripts/training`,
    );
  }

  #type(): PageType {
    const { types } = this.#facts.lexicon;
    let best = 0;
    for (let type = 1; type < types.length; type++) if ((types[type] ?? 0) > (types[best] ?? 0)) best = type;
    return PAGE_TYPES[best] ?? "article";
  }
}
