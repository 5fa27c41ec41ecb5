import { EFFORTS } from "./limits.ts";
import { answer } from "./segment/question.ts";
import { keepGraph, RecallTally } from "./segment/recall-tally.ts";
import type { Segment } from "./segment/segment.ts";
import { NAVIGATION, type SegmentEngine } from "./segment/segment-engine.ts";

/** Share of a thread's searching that goes into finding out how good it is: more until something is known. */
const SAMPLING_SHARE = { first: 0.1, later: 0.03 } as const;
/** Questions after which what they say replaces what made-up ones said. */
const ASKED_MIN = 24;
/** Questions after which older ones count half. */
const ASKED_MAX = 96;
/** Share of the error allowed that the questions asked are to leave: a few dozen of them tell no better. */
const MARGIN = 0.4;
/** Rows that a beam looks at for each of its places, about; what a question costs besides its scan. */
const LADDER_VISITS = EFFORTS.reduce<number>((sum, width) => sum + width, 0) * 8;

/**
 * Keeps one thread's searches of one segment at the recall asked for: now and then, when enough was searched since,
 * it answers a question exactly and sees which beam widths would have found the answer. So widths follow what is really asked.
 */
export class RecallSampler {
  readonly #segment: Segment;
  readonly #engine: SegmentEngine;
  readonly #tally = new RecallTally();
  #visited = 0;
  #scanned = 0;

  constructor(segment: Segment, engine: SegmentEngine) {
    this.#segment = segment;
    this.#engine = engine;
  }

  /** After a search that scanned `rows` rows and walked the graph for the rest. */
  searched(query: Float32Array, rows: number): void {
    this.#scanned += rows;
    const work = this.#engine.exports.visited() - this.#visited + this.#scanned;
    const isKnown = this.#tally.graphAsked + this.#tally.scanAsked >= ASKED_MIN;
    const share = isKnown ? SAMPLING_SHARE.later : SAMPLING_SHARE.first;
    if (work * share < this.#segment.rows + LADDER_VISITS) return;
    this.#sample(query);
    this.#visited = this.#engine.exports.visited();
    this.#scanned = 0;
  }

  #sample(query: Float32Array): void {
    const segment = this.#segment;
    const isGraph = segment.navigation !== NAVIGATION.none && segment.state("graphMeasuredAt") > 0;
    const rows = isGraph ? segment.linked : segment.rows;
    const question = answer(segment, this.#engine, { query, rows });
    if (isGraph) this.#tally.addGraph(segment, this.#engine, question);
    else this.#tally.addScan(segment, this.#engine, question);
    if (isGraph && this.#tally.graphAsked >= ASKED_MIN) keepGraph(segment, [this.#tally.graphWidths(MARGIN)]);
    if (!isGraph && this.#tally.scanAsked >= ASKED_MIN) this.#tally.keepScan(segment, MARGIN);
    if (this.#tally.graphAsked + this.#tally.scanAsked >= ASKED_MAX) this.#tally.fade();
  }
}
