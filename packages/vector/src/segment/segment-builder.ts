import { EF_CONSTRUCTION } from "../limits.ts";
import { makeQuestions } from "./question.ts";
import { effortFor } from "./recall-tally.ts";
import type { Segment } from "./segment.ts";
import { NAVIGATION, type Navigation, type SegmentEngine } from "./segment-engine.ts";
import { chooseNavigation, type Measurement, tuneGraph, tuneLow, tuneScan } from "./tune.ts";

/** Rows from which on a scan by signs can be cheaper than one by bytes. */
const TUNED_ROWS_MIN = 4_096;
/** Rows left unlinked, and scanned, until all are to be final: new to the graph, they are who it is measured with. */
const RESERVE = 48;
/** Linked rows below which it is not worth measuring: a wide beam costs little. */
const MEASURED_ROWS_MIN = 2_048;
/** Steps for each question of a measurement: a question takes milliseconds where a step of linking takes a few microseconds. */
const STEPS_A_QUESTION = 8;
/** Growth after which a scan is measured again. */
const SCAN_GROWTH = 4;
/** Growth after which a graph is measured again. */
const GRAPH_GROWTH = 4;
/**
 * How far the widest beam of a graph by signs may stay below the recall asked for before it is built anew by bytes, at 5 times the
 * cost: made-up questions are harder than most.
 */
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
  #measuring: Measurement<undefined> | undefined;
  #steps = 0;

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

  /** Does about `rows` rows' worth of linking, or a part of a measurement; whether there was anything to do. */
  step(rows: number): boolean {
    const { segment } = this;
    if (segment.state("isSettled") === 1) return false;
    if (this.#measuring) return this.#measure(this.#measuring);
    if (segment.navigation === NAVIGATION.none) return this.#scanOrBegin();
    const behind = this.pending - RESERVE;
    if (behind > 0) this.#link(Math.min(rows, behind));
    // A graph is walked only once it was measured, so the first measurement does not wait for the last row.
    const isFirst = segment.state("graphMeasuredAt") === 0 && segment.linked >= MEASURED_ROWS_MIN;
    if (behind > rows && !isFirst) return true;
    const isLast = segment.isFull && behind <= rows;
    if (isFirst || this.#isGraphDue(MEASURED_ROWS_MIN, GRAPH_GROWTH) || (isLast && !this.#isMeasured)) {
      this.#measuring = this.#measureGraph();
      return true;
    }
    if (isLast) {
      this.#finish();
      segment.setState("isSettled", 1);
    }
    return behind > 0;
  }

  /** Finishes for the rows there are now. */
  settle(): void {
    this.#run();
    const { segment } = this;
    if (segment.navigation === NAVIGATION.none) {
      if (segment.state("isSettled") === 0 && this.#isScanDue(SCAN_GROWTH)) this.#run(this.#measureScan());
      return;
    }
    while (segment.state("isSettled") === 0 && this.#isGraphDue(SETTLED_ROWS_MIN, SETTLED_GROWTH)) {
      this.#run(this.#measureGraph());
    }
    if (segment.state("isSettled") === 0) this.#finish();
  }

  get #isMeasured(): boolean {
    return this.segment.state("graphMeasuredAt") === this.segment.linked;
  }

  #run(measuring?: Measurement<undefined>): void {
    if (measuring) this.#measuring = measuring;
    while (this.step(1_024)) {
      // Each step does a part.
    }
  }

  /** Every so many steps one question. */
  #measure(measuring: Measurement<undefined>): boolean {
    if (++this.#steps % STEPS_A_QUESTION !== 0) return true;
    if (measuring.next().done) this.#measuring = undefined;
    return true;
  }

  #link(rows: number): void {
    this.#engine.exports.linkMany(rows, this.#width, this.segment.navigation);
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
    if (this.#isScanDue(SCAN_GROWTH)) {
      this.#measuring = this.#measureScan();
      return true;
    }
    // The first segment's rows are coded again once they are known, so it gets no graph.
    if (segment.rows >= this.#options.graphRowsMin && segment.state("isLearned") === 1 && segment.rows > 0) {
      this.#measuring = this.#begin();
      return true;
    }
    if (segment.isFull) segment.setState("isSettled", 1);
    return false;
  }

  #isScanDue(growth: number): boolean {
    const measured = this.segment.state("scanMeasuredAt");
    return this.segment.rows >= Math.max(TUNED_ROWS_MIN, measured * growth) && this.segment.rows > measured;
  }

  #isGraphDue(least: number, growth: number): boolean {
    const measured = this.segment.state("graphMeasuredAt");
    return this.segment.linked >= Math.max(least, measured * growth) && this.segment.linked > measured;
  }

  *#measureScan(): Measurement<undefined> {
    const questions = yield* makeQuestions(this.segment, this.#engine, this.segment.rows);
    tuneLow(this.segment, questions);
    yield* tuneScan(this.segment, this.#engine, questions);
  }

  /** By what the graph of the segment before ended with, if that was bytes; else by signs if they tell enough apart. */
  *#begin(): Measurement<undefined> {
    const { segment } = this;
    if (segment.state("isHard") === 1) {
      segment.setState("navigation", NAVIGATION.bytes);
      return;
    }
    const questions = yield* makeQuestions(segment, this.#engine, segment.rows);
    segment.setState("navigation", yield* chooseNavigation(segment, this.#engine, questions));
  }

  /** Measures the graph; one by signs that misses the recall by far is built anew by bytes. */
  *#measureGraph(): Measurement<undefined> {
    const { segment } = this;
    this.#engine.exports.repair(this.#width, segment.navigation);
    const questions = yield* makeQuestions(segment, this.#engine, segment.linked);
    tuneLow(segment, questions);
    const best = yield* tuneGraph(segment, this.#engine, questions);
    // What the graph cannot reach, a scan may.
    if (effortFor(segment, "graphEfforts", 0.99) === 0) yield* tuneScan(segment, this.#engine, questions);
    const isKept = segment.navigation === NAVIGATION.bytes || best >= this.#options.recall - GIVEN_UP_BELOW;
    if (!isKept) this.#rebuild(NAVIGATION.bytes);
  }

  #rebuild(navigation: Navigation): void {
    this.#engine.exports.resetGraph();
    this.segment.setState("graphMeasuredAt", 0);
    this.segment.setState("navigation", navigation);
  }
}
