import { unreachable } from "@millrace/core";
import { EF_CONSTRUCTION } from "../limits.ts";
import { isGraphDue, isMeasuringPaid } from "./demand.ts";
import type { Measurement } from "./measurement.ts";
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
const MEASURED_ROWS_MIN = 2_048;
/** Rows from which on a segment that nobody searches is asked whether it needs low bytes, and by how many questions: 5 ms. */
const LOW_ASKED = { rowsMin: 8_192, questions: 16 } as const;
/** Lists followed in one part of a repair: about half a millisecond. */
const REPAIR_PART = 2_048;
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
  /** Whether a graph waits until searches have paid for it (demand.ts). */
  readonly isDemanded: boolean;
};

/** What is to be done next: measure whether low bytes matter, measure the scan, begin a graph, link, measure the graph, finish it. */
export type BuildWork = "low" | "scan" | "begin" | "link" | "graph" | "finish";

/**
 * Turns a segment's rows into what searches use: decides what scans go by, builds the graph once there are enough rows, measures
 * the beam widths, mends what pruning cut off. One builder a segment; all it knows is in the segment, so another may go on. What it
 * does between two steps lies in its engine's scratch space, so the engine must be nobody else's.
 */
export class SegmentBuilder {
  readonly segment: Segment;
  readonly #makeEngine: () => SegmentEngine;
  readonly #options: BuilderOptions;
  #made: SegmentEngine | undefined;
  #measuring: Measurement<undefined> | undefined;

  /** The engine is made once there is work. */
  constructor(segment: Segment, makeEngine: () => SegmentEngine, options: BuilderOptions) {
    this.segment = segment;
    this.#makeEngine = makeEngine;
    this.#options = options;
  }

  /** Whether the next step is a part of a measurement, which takes about a millisecond whatever rows it is given. */
  get isMeasuring(): boolean {
    return this.#measuring !== undefined;
  }

  /** Whether there is anything to do. */
  get hasWork(): boolean {
    return this.#measuring !== undefined || this.#next() !== undefined;
  }

  /** With nothing to do: a full segment that will get no graph is in its final form. */
  rest(): void {
    const { segment } = this;
    const isFinal = segment.navigation === NAVIGATION.none && segment.isFull && !this.#canHaveGraph;
    if (isFinal && !this.#options.isDemanded) segment.setState("isSettled", 1);
  }

  /** Does about `rows` rows' worth of linking, or a part of a measurement; whether there was anything to do. */
  step(rows: number): boolean {
    if (!this.#measuring) {
      const work = this.#next();
      if (!work) {
        this.rest();
        return false;
      }
      if (work === "link") {
        this.#link(Math.min(rows, this.#behind));
        return true;
      }
      this.#measuring = this.#begun(work);
    }
    if (this.#measuring.next().done) this.#measuring = undefined;
    return true;
  }

  /** Finishes for the rows there are now, part by part. */
  *settling(rows: number): Measurement<undefined> {
    while (this.step(rows)) yield;
    const { segment } = this;
    if (segment.state("isSettled") === 1) return;
    if (segment.navigation === NAVIGATION.none) {
      if (!this.#options.isDemanded && this.#isScanDue) yield* this.#measureScan();
      return;
    }
    while (segment.state("isSettled") === 0 && this.#isGraphDue(SETTLED_ROWS_MIN, SETTLED_GROWTH)) {
      yield* this.#measureGraph();
      while (this.step(rows)) yield;
    }
    if (segment.state("isSettled") === 0) yield* this.#finish();
  }

  get #engine(): SegmentEngine {
    if (!this.#made) {
      this.#made = this.#makeEngine();
      this.#made.exports.setDegree(this.#options.m);
    }
    return this.#made;
  }

  /** Rows that wait to be linked, but for the reserve. */
  get #behind(): number {
    return this.segment.rows - this.segment.linked - RESERVE;
  }

  #next(): BuildWork | undefined {
    const { segment } = this;
    if (segment.state("isSettled") === 1) return undefined;
    if (segment.navigation === NAVIGATION.none) return this.#nextOfScan();
    // A graph is walked only once it was measured, so the first measurement does not wait for the last row.
    if (segment.state("graphMeasuredAt") === 0 && segment.linked >= MEASURED_ROWS_MIN) return "graph";
    if (this.#behind > 0) return "link";
    if (this.#isGraphDue(MEASURED_ROWS_MIN, GRAPH_GROWTH)) return "graph";
    if (!segment.isFull) return undefined;
    return segment.state("graphMeasuredAt") === segment.linked ? "finish" : "graph";
  }

  #nextOfScan(): BuildWork | undefined {
    const { segment } = this;
    const { isDemanded } = this.#options;
    if (this.#isScanDue && (!isDemanded || isMeasuringPaid(segment))) return "scan";
    if (isDemanded && this.#isLowUnknown) return "low";
    return this.#canHaveGraph && (!isDemanded || isGraphDue(segment)) ? "begin" : undefined;
  }

  #begun(work: Exclude<BuildWork, "link">): Measurement<undefined> {
    switch (work) {
      case "low":
        return this.#measureLow();
      case "scan":
        return this.#measureScan();
      case "begin":
        return this.#begin();
      case "graph":
        return this.#measureGraph();
      case "finish":
        return this.#end();
      default:
        return unreachable(work);
    }
  }

  /** The first segment's rows are coded again once they are known, so it gets no graph. */
  get #canHaveGraph(): boolean {
    const { segment } = this;
    return segment.rows >= this.#options.graphRowsMin && segment.state("isLearned") === 1 && segment.rows > 0;
  }

  #link(rows: number): void {
    this.#engine.exports.linkMany(rows, this.#width, this.segment.navigation);
  }

  get #width(): number {
    const { signs, bytes } = EF_CONSTRUCTION;
    return this.#options.efConstruction ?? (this.segment.navigation === NAVIGATION.signs ? signs : bytes);
  }

  get #isScanDue(): boolean {
    const measured = this.segment.state("scanMeasuredAt");
    return this.segment.rows >= Math.max(TUNED_ROWS_MIN, measured * SCAN_GROWTH) && this.segment.rows > measured;
  }

  get #isLowUnknown(): boolean {
    const { segment } = this;
    return segment.shape.hasLow && segment.rows >= LOW_ASKED.rowsMin && segment.state("lowMeasuredAt") === 0;
  }

  #isGraphDue(least: number, growth: number): boolean {
    const measured = this.segment.state("graphMeasuredAt");
    return this.segment.linked >= Math.max(least, measured * growth) && this.segment.linked > measured;
  }

  *#measureLow(): Measurement<undefined> {
    const asked = { rows: this.segment.rows, countMax: LOW_ASKED.questions };
    tuneLow(this.segment, yield* makeQuestions(this.segment, this.#engine, asked));
  }

  *#measureScan(): Measurement<undefined> {
    const questions = yield* makeQuestions(this.segment, this.#engine, { rows: this.segment.rows });
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
    const questions = yield* makeQuestions(segment, this.#engine, { rows: segment.rows });
    segment.setState("navigation", yield* chooseNavigation(segment, this.#engine, questions));
  }

  /** Measures the graph; one by signs that misses the recall by far is built anew by bytes. */
  *#measureGraph(): Measurement<undefined> {
    const { segment } = this;
    yield* this.#repair();
    const questions = yield* makeQuestions(segment, this.#engine, { rows: segment.linked });
    tuneLow(segment, questions);
    const best = yield* tuneGraph(segment, this.#engine, questions);
    // What the graph cannot reach, a scan may.
    if (effortFor(segment, "graphEfforts", 0.99) === 0) yield* tuneScan(segment, this.#engine, questions);
    const isKept = segment.navigation === NAVIGATION.bytes || best >= this.#options.recall - GIVEN_UP_BELOW;
    if (!isKept) this.#rebuild(NAVIGATION.bytes);
  }

  /** Links the reserve, and what pruning cut off. */
  *#finish(): Measurement<undefined> {
    this.#link(RESERVE);
    yield* this.#repair();
  }

  *#end(): Measurement<undefined> {
    yield* this.#finish();
    this.segment.setState("isSettled", 1);
  }

  *#repair(): Measurement<undefined> {
    const { exports } = this.#engine;
    exports.beginRepair();
    while (exports.repairSome(REPAIR_PART, this.#width, this.segment.navigation)) yield;
  }

  #rebuild(navigation: Navigation): void {
    this.#engine.exports.resetGraph();
    this.segment.setState("graphMeasuredAt", 0);
    this.segment.setState("navigation", navigation);
  }
}
