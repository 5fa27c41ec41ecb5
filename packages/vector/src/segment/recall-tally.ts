import { EFFORTS, FEW_NEIGHBOURS, RECALL_STEPS } from "../limits.ts";
import { WORD } from "./layout.ts";
import { drain, type Measurement } from "./measurement.ts";
import { aliveOf, ask, foundRows, type Question, scanning } from "./question.ts";
import type { Segment } from "./segment.ts";
import { NAVIGATION, type SegmentEngine } from "./segment-engine.ts";

/** Header words that hold a beam width for each of RECALL_STEPS. */
export type Efforts = "graphEfforts" | "fewEfforts" | "scanEfforts";

/** For each of RECALL_STEPS a beam width for ten neighbours and for few; 0 where none is wide enough. */
export type GraphWidths = { readonly ten: readonly number[]; readonly few: readonly number[] };

/** The widest beam tried. */
export const WIDEST = EFFORTS[EFFORTS.length - 1] ?? 0;
/** From this beam width on, a walk is a part of its own. */
const LONG_WIDTH = 96;
/** Least depth of a scan by signs: it costs hardly more than none. */
const SCAN_DEPTH_MIN = 128;

/** How much of the truth beams of each width found, over questions so far. */
export class RecallTally {
  readonly #ten = new Float64Array(EFFORTS.length);
  readonly #few = new Float64Array(EFFORTS.length);
  readonly #scan = new Float64Array(EFFORTS.length);
  #graphAsked = 0;
  #scanAsked = 0;

  get graphAsked(): number {
    return this.#graphAsked;
  }

  get scanAsked(): number {
    return this.#scanAsked;
  }

  /** Recall of the widest beam of the graph. */
  get bestGraphRecall(): number {
    return recalls(this.#ten, this.#graphAsked).at(-1) ?? 0;
  }

  /** Recall of a scan by signs of each width. */
  get scanRecalls(): number[] {
    return recalls(this.#scan, this.#scanAsked);
  }

  addGraph(segment: Segment, engine: SegmentEngine, question: Question): void {
    drain(this.addingGraph(segment, engine, question));
  }

  /** Searches the graph with wider and wider beams until one finds all of the truth; wider ones would too. */
  *addingGraph(segment: Segment, engine: SegmentEngine, { query, truth, coarse }: Question): Measurement<undefined> {
    if (truth.rows.length === 0) return;
    const { last } = segment.state("usesLow") === 1 ? truth : coarse;
    let [ten, few] = [0, 0];
    ask(engine, query);
    for (const [at, width] of EFFORTS.entries()) {
      if (ten < 1) {
        engine.exports.searchGraph(width, segment.navigation || NAVIGATION.bytes, segment.linked, aliveOf(segment));
        const count = engine.exports.finish(truth.rows.length, aliveOf(segment));
        // Rows that tie with the last are as good: copies would be counted as misses.
        const isHit = (place: number): boolean =>
          truth.rows.includes(engine.foundRow(place)) || engine.foundScore(place) === last;
        const hits = Array.from({ length: count }, (_, place) => place).filter(isHit).length;
        ten = hits / truth.rows.length;
        few = Math.min(1, shareOf(truth.rows.slice(0, FEW_NEIGHBOURS), engine, count));
        if (width >= LONG_WIDTH) yield;
      }
      this.#ten[at] = (this.#ten[at] ?? 0) + ten;
      this.#few[at] = (this.#few[at] ?? 0) + Math.max(few, ten === 1 ? 1 : 0);
    }
    this.#graphAsked++;
    yield;
  }

  addScan(segment: Segment, engine: SegmentEngine, question: Question): void {
    drain(this.addingScan(segment, engine, question));
  }

  /** Finds at which depth of a scan by signs the truth is. */
  *addingScan(segment: Segment, engine: SegmentEngine, { query, rows, truth }: Question): Measurement<undefined> {
    if (truth.rows.length === 0) return;
    ask(engine, query);
    const held = yield* scanning(engine, { rows, width: WIDEST, by: NAVIGATION.signs, bitmap: aliveOf(segment) });
    const depths = Array.from({ length: held }, (_, at) => at).filter((at) => truth.rows.includes(engine.beamRow(at)));
    for (const [at, width] of EFFORTS.entries()) {
      this.#scan[at] = (this.#scan[at] ?? 0) + depths.filter((depth) => depth < width).length / truth.rows.length;
    }
    this.#scanAsked++;
    yield;
  }

  /**
   * Beam widths that the graph needs for each of RECALL_STEPS; `margin`: share of the error allowed that is left unused; `missable`:
   * by how much the widest may miss a recall and still be kept for it.
   */
  graphWidths(margin: number, missable = 0): GraphWidths {
    return {
      ten: widths(recalls(this.#ten, this.#graphAsked), margin, missable),
      few: widths(recalls(this.#few, this.#graphAsked), margin, missable),
    };
  }

  /** Keeps in the segment what a scan by signs needs. */
  keepScan(segment: Segment, margin: number): void {
    const depths = widths(this.scanRecalls, margin).map((depth) => (depth > 0 ? Math.max(depth, SCAN_DEPTH_MIN) : 0));
    keepEfforts(segment, "scanEfforts", depths);
    segment.setState("scanMeasuredAt", segment.rows);
  }

  /** Halves the weight of what was asked so far. */
  fade(): void {
    for (const counts of [this.#ten, this.#few, this.#scan]) {
      for (let at = 0; at < counts.length; at++) counts[at] = (counts[at] ?? 0) / 2;
    }
    this.#graphAsked /= 2;
    this.#scanAsked /= 2;
  }
}

/** Keeps in the segment what the graph needs: the wider of those given, 0 where one is. */
export function keepGraph(segment: Segment, all: readonly GraphWidths[]): void {
  const widest = (each: readonly (readonly number[])[]): number[] =>
    RECALL_STEPS.map((_, step) => {
      const found = each.map((kept) => kept[step] ?? 0);
      return found.includes(0) ? 0 : Math.max(...found);
    });
  keepEfforts(segment, "graphEfforts", widest(all.map(({ ten }) => ten)));
  keepEfforts(segment, "fewEfforts", widest(all.map(({ few }) => few)));
  segment.setState("graphMeasuredAt", segment.linked);
}

/** Gives what was measured of scans of one segment to another, which counts as not measured. */
export function passScan(from: Segment, to: Segment): void {
  to.setState("scanBy", from.state("scanBy"));
  keepEfforts(
    to,
    "scanEfforts",
    RECALL_STEPS.map((step) => effortFor(from, "scanEfforts", step)),
  );
}

/** The beam width kept for a recall; 0 when none reached it or it is beyond what is kept. */
export function effortFor(segment: Segment, efforts: Efforts, recall: number): number {
  const step = RECALL_STEPS.findIndex((reached) => reached >= recall);
  return step < 0 ? 0 : (segment.words[WORD[efforts] + step] ?? 0);
}

function recalls(found: Float64Array, asked: number): number[] {
  return Array.from(found, (sum) => (asked === 0 ? 0 : sum / asked));
}

/** For each of RECALL_STEPS the least width that reached it with the margin; where none did, the least that reached it at all. */
function widths(reached: readonly number[], margin: number, missable = 0): number[] {
  return RECALL_STEPS.map((target) => {
    const safe = reached.findIndex((recall) => recall >= target + (1 - target) * margin);
    const at = safe < 0 ? reached.findIndex((recall) => recall >= target) : safe;
    if (at >= 0) return EFFORTS[at] ?? 0;
    return missable > 0 && (reached.at(-1) ?? 0) >= target - missable ? WIDEST : 0;
  });
}

function keepEfforts(segment: Segment, efforts: Efforts, kept: readonly number[]): void {
  for (const [step, width] of kept.entries()) Atomics.store(segment.words, WORD[efforts] + step, width);
}

/** Share of `rows` that is among the `count` found. */
function shareOf(rows: readonly number[], engine: SegmentEngine, count: number): number {
  const found = foundRows(engine, count);
  return rows.filter((row) => found.includes(row)).length / rows.length;
}
