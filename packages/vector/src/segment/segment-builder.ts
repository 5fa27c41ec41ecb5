import { EF_CONSTRUCTION } from "../limits.ts";
import { makeQuestions } from "./question.ts";
import { effortFor } from "./recall-tally.ts";
import type { Segment } from "./segment.ts";
import { NAVIGATION, type Navigation, type SegmentEngine } from "./segment-engine.ts";
import { chooseNavigation, tuneGraph, tuneLow, tuneScan } from "./tune.ts";

/** Rows from which on a scan by signs can be cheaper than one by bytes. */
const TUNED_ROWS_MIN = 4_096;
/** Rows left unlinked, and scanned, until all are to be final: new to the graph, they are who it is measured with. */
const RESERVE = 48;
/** Linked rows below which it is not worth measuring: a wide beam costs little. */
const MEASURED_ROWS_MIN = 8_192;
/** Growth after which a scan is measured again: each costs as much as 32 searches. */
const SCAN_GROWTH = 4;
/** Growth after which a graph is measured again. */
const GRAPH_GROWTH = 4;
/** How far the widest beam of a graph by signs may stay below the recall asked for before it is built anew by bytes, at 5 times the cost: made-up questions are harder than most. */
const GIVEN_UP_BELOW = 0.15;
/** Growth for which `settle` measures again. */
const SETTLED_GROWTH = 1.25;
/** Linked rows from which on `settle` measures. */
const SETTLED_ROWS_MIN = 1_024;

export type BuilderOptions = {
  /** Rows from which on a segment gets a graph. */
  readonly graphRowsMin: number;
  /** Recall that the index is asked for by default; a graph that cannot reach it is given up. */
  readonly recall: number;
  /** Links that a row chooses. */
  readonly m: number;
  /** Beam width while linking; undefined: EF_CONSTRUCTION. */
  readonly efConstruction: number | undefined;
};

/**
 * Turns a segment's rows into what searches use: decides what scans go by, builds the graph once there are enough rows, measures
 * the beam widths, mends what pruning cut off. One builder a segment; all it knows is in the segment, so another may go on.
 */
export class SegmentBuilder {
  readonly segment: Segment;
  readonly #engine: SegmentEngine;
  readonly #options: BuilderOptions;

  constructor(segment: Segment, engine: SegmentEngine, options: BuilderOptions) {
    this.segment = segment;
    this.#engine = engine;
    this.#options = options;
    engine.exports.setDegree(options.m);
  }

  /** Rows that wait to be linked. */
  get pending(): number {
    return this.segment.navigation === NAVIGATION.none ? 0 : this.segment.rows - this.segment.linked;
  }

  /** Does about `rows` rows' worth of linking, or one measurement; whether there was anything to do. */
  step(rows: number): boolean {
    const { segment } = this;
    if (segment.state("isSettled") === 1) return false;
    if (segment.navigation === NAVIGATION.none) return this.#scanOrBegin();
    const behind = this.pending - RESERVE;
    if (behind > 0) this.#link(Math.min(rows, behind));
    if (behind > rows) return true;
    const isDue = this.#isGraphDue(MEASURED_ROWS_MIN, GRAPH_GROWTH) || segment.isFull;
    if (isDue && this.#measureGraph() === "given up") return true;
    if (segment.isFull) {
      this.#finish();
      segment.setState("isSettled", 1);
    }
    return isDue || behind > 0;
  }

  #link(rows: number): void {
    this.#engine.exports.linkMany(rows, this.#width, this.segment.navigation);
  }

  /** Finishes for the rows there are now. */
  settle(): void {
    while (this.step(1_024)) {
      // Each step does a part.
    }
    const { segment } = this;
    if (segment.navigation === NAVIGATION.none) {
      if (this.#isScanDue(SCAN_GROWTH)) this.#measureScan();
    } else if (segment.state("isSettled") === 0) {
      if (this.#isGraphDue(SETTLED_ROWS_MIN, SETTLED_GROWTH) && this.#measureGraph() === "given up") {
        this.settle();
        return;
      }
      this.#finish();
    }
  }

  /** Links the reserve, and what pruning cut off. */
  #finish(): void {
    this.#link(RESERVE);
    this.#engine.exports.repair(this.#width, this.segment.navigation);
  }

  get #width(): number {
    const { signs, bytes } = EF_CONSTRUCTION;
    return this.#options.efConstruction ?? (this.segment.navigation === NAVIGATION.signs ? signs : bytes);
  }

  #scanOrBegin(): boolean {
    const { segment } = this;
    const isDue = this.#isScanDue(SCAN_GROWTH);
    if (isDue) this.#measureScan();
    // The first segment's rows are coded again once they are known, so it gets no graph.
    if (segment.rows >= this.#options.graphRowsMin && segment.state("isLearned") === 1 && segment.rows > 0) {
      this.#begin();
      return true;
    }
    if (segment.isFull) segment.setState("isSettled", 1);
    return isDue;
  }

  #isScanDue(growth: number): boolean {
    const measured = this.segment.state("scanMeasuredAt");
    return this.segment.rows >= Math.max(TUNED_ROWS_MIN, measured * growth) && this.segment.rows > measured;
  }

  #isGraphDue(least: number, growth: number): boolean {
    const measured = this.segment.state("graphMeasuredAt");
    return this.segment.linked >= Math.max(least, measured * growth) && this.segment.linked > measured;
  }

  #measureScan(): void {
    const questions = makeQuestions(this.segment, this.#engine, this.segment.rows);
    tuneLow(this.segment, questions);
    tuneScan(this.segment, this.#engine, questions);
  }

  /** By what the graph of the segment before ended with, if that was bytes; else by signs if they tell enough apart. */
  #begin(): void {
    if (this.segment.state("isHard") === 1) {
      this.segment.setState("navigation", NAVIGATION.bytes);
      return;
    }
    const questions = makeQuestions(this.segment, this.#engine, this.segment.rows);
    this.segment.setState("navigation", chooseNavigation(this.segment, this.#engine, questions));
  }

  /** Measures the graph; one by signs that misses the recall is built anew by bytes. */
  #measureGraph(): "kept" | "given up" {
    const { segment } = this;
    this.#engine.exports.repair(this.#width, segment.navigation);
    const questions = makeQuestions(segment, this.#engine, segment.linked);
    tuneLow(segment, questions);
    const best = tuneGraph(segment, this.#engine, questions);
    // What the graph cannot reach, a scan may.
    if (effortFor(segment, "graphEfforts", 0.99) === 0) tuneScan(segment, this.#engine, questions);
    if (segment.navigation === NAVIGATION.bytes || best >= this.#options.recall - GIVEN_UP_BELOW) return "kept";
    this.#rebuild(NAVIGATION.bytes);
    return "given up";
  }

  #rebuild(navigation: Navigation): void {
    this.#engine.exports.resetGraph();
    this.segment.setState("graphMeasuredAt", 0);
    this.segment.setState("navigation", navigation);
  }
}
