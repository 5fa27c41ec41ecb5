import { MillraceError } from "@millrace/core";
import type { CheckedOptions } from "../index-options.ts";
import { isGraphDue } from "../segment/demand.ts";
import type { Measurement } from "../segment/measurement.ts";
import { BUILDER_SLOT, isFree, orderBuild, type SegmentBuild, SegmentRun } from "../segment/run-build.ts";
import type { Segment } from "../segment/segment.ts";
import { type BuilderOptions, SegmentBuilder } from "../segment/segment-builder.ts";
import { NAVIGATION } from "../segment/segment-engine.ts";
import type { Builders } from "./builders.ts";
import { isLearnable, isSparse, Opener } from "./opener.ts";
import type { Held, SegmentSet } from "./segment-set.ts";
import { isLowALoad, isTrimDue, Trimming } from "./trimming.ts";

/** Rows linked for each row added while a graph catches up: more than one, so that it does. */
const LINKED_PER_CHANGE = 2;
/** Rows moved out of a segment for each row added or removed: as many as keep up with the removals that let it begin. */
const MOVED_PER_CHANGE = 4;
/** Changes between two parts of a measurement, of learning or of a copy: each takes up to a millisecond, a change some microseconds. */
const CHANGES_A_PART = 4;
/** Such parts in one call of the index, however many rows it adds. */
const PARTS_A_CALL = 3;
/** Changes between two looks for a segment to build. */
const CHANGES_A_LOOK = 8;
/** Changes between two looks at all segments: for those that builder threads have finished, and those that want a graph. */
const CHANGES_A_REVIEW = 1_024;
/** Rows linked or moved between two looks at the clock while settling. */
const SETTLED_AT_ONCE = 64;
/** Time after which settling lets the thread do other things, ms. */
const TURN_MS = 10;
/** Longest wait for a thread to let go of a segment, ms: its steps take about one, unless it died. */
const LET_GO_MS = 10_000;

/**
 * What happens behind an index: a segment is opened when the last is full, graphs are built, rows of segments with many removed
 * ones are moved to the open one, as if they were added again. Each change of the index pays for a little of it: some rows, or one
 * part of a measurement, of learning or of a copy. In one piece comes the opening of a segment.
 */
export class Maintenance {
  readonly #set: SegmentSet;
  readonly #options: CheckedOptions;
  readonly #builders: Builders | undefined;
  /** Tells readers of a new segment, before any row is moved into it: what they miss in the old one they find there. */
  readonly #publish: () => void;
  readonly #opener: Opener;
  readonly #trimming: Trimming;
  /** By place: segments that are not in their final form and are built by this thread. */
  readonly #building = new Map<number, SegmentBuilder>();
  /** The one of them that had work last. */
  #active: SegmentBuilder | undefined;
  /** Segments whose rows are being moved, and the next row of each. */
  readonly #leaving = new Map<Held, number>();
  #changes = 0;
  #parts = 0;
  #isEnded = false;

  constructor(
    set: SegmentSet,
    options: CheckedOptions,
    threads: { readonly builders: Builders | undefined; readonly publish: () => void },
  ) {
    this.#set = set;
    this.#options = options;
    this.#builders = threads.builders;
    this.#publish = threads.publish;
    this.#opener = new Opener(options);
    this.#trimming = new Trimming(set);
    for (const held of set.list) this.#resume(held);
    if (set.list.length === 0) this.#push(this.#opener.first());
    else if (set.open.segment.isFull) this.#openNext();
  }

  /** A call of the index begins, for whose changes work in parts is bounded. */
  begin(): void {
    this.#parts = 0;
  }

  /** After a row was appended or removed; `touched` is the segment that lost one. */
  changed(touched: Held | undefined): void {
    this.#changes++;
    if (touched) this.#lost(touched);
    if (this.#opener.isDue(this.#set.open)) this.#openNext();
    if (this.#leaving.size > 0) this.#move(MOVED_PER_CHANGE);
    const isPartDue = this.#changes % CHANGES_A_PART === 0 && this.#parts < PARTS_A_CALL;
    if (isPartDue && this.#doPart()) this.#parts++;
    if (this.#building.size > 0) this.#build(isPartDue);
    this.#builders?.wake();
    if (this.#changes % CHANGES_A_REVIEW === 0) this.#review();
  }

  /** Brings all there is into its final form, in turns of some milliseconds. */
  async settle(): Promise<void> {
    await this.#inTurns(() => this.#opener.step(this.#set.open));
    if (this.#opener.isDue(this.#set.open)) this.#openNext();
    await this.#inTurns(() => {
      this.#move(SETTLED_AT_ONCE);
      return this.#leaving.size > 0;
    });
    this.#review();
    await this.#builders?.settle();
    this.#checkEnded();
    for (const builder of [...this.#building.values()]) await this.#drainInTurns(builder.settling(SETTLED_AT_ONCE));
    this.#active = undefined;
    if (this.#options.builds === "offered") for (const held of this.#set.list) await this.#settleOffered(held);
    this.#seal();
    this.#review();
    while (this.#trimming.isBusy) {
      await this.#inTurns(() => this.#doTrim() && this.#trimming.isBusy);
      this.#review();
    }
    if (this.#set.open.segment.isFull) this.#openNext();
    this.#publish();
  }

  /** Orders for the segments that have work to do and that nobody builds; a little of what the owner does itself. */
  orders(): readonly SegmentBuild[] {
    this.#review();
    this.#doPart();
    this.#publish();
    return this.#set.list.filter((held) => this.#isOpenToBuild(held)).map((held) => this.#order(held));
  }

  /** Lets go of everything, so that another owner may go on. Segments that threads of the index's own build are waited for. */
  end(): void {
    this.#isEnded = true;
    for (const { place, segment } of this.#set.list) {
      if (this.#builders) {
        segment.setState("stop", 1);
        this.#builders.forget(place);
      }
    }
    this.#builders?.ring();
    const endMs = performance.now() + LET_GO_MS;
    for (const { segment } of this.#set.list) {
      while (this.#builders && !isFree(segment) && performance.now() < endMs) {
        segment.awaitState("runner", segment.state("runner"), TURN_MS);
      }
      segment.setState("stop", 0);
    }
  }

  /** Goes on with a segment that was read from a file or was another owner's. */
  #resume(held: Held): void {
    const { segment } = held;
    segment.setState("stop", 0);
    const isOpen = held === this.#set.open;
    if (!isOpen && (segment.state("isLearned") === 0 || isSparse(segment))) this.#leave(held);
    else this.#take(held);
  }

  /** Does a part of what is to be done in parts; whether there was anything. */
  #doPart(): boolean {
    return this.#opener.step(this.#set.open) || this.#doTrim();
  }

  #doTrim(): boolean {
    if (!this.#trimming.isBusy) return false;
    const trimmed = this.#trimming.step();
    if (trimmed) {
      this.#take(trimmed);
      this.#publish();
    }
    return true;
  }

  /** Links a little, or does a part of a measurement where one is due. */
  #build(isPartDue: boolean): void {
    const active = this.#active ?? this.#findWork();
    if (!active) return;
    if (active.isMeasuring) {
      if (!isPartDue || this.#parts >= PARTS_A_CALL) return;
      this.#parts++;
    }
    this.#active = active.step(LINKED_PER_CHANGE) ? active : undefined;
    if (active.segment.state("isSettled") === 1) this.#review();
  }

  #findWork(): SegmentBuilder | undefined {
    if (this.#changes % CHANGES_A_LOOK !== 0) return undefined;
    for (const builder of this.#building.values()) {
      if (builder.hasWork) return builder;
      builder.rest();
    }
    return undefined;
  }

  /** Looks at all segments: which are in their final form, which want a graph, which one to trim next. O(segments). */
  #review(): void {
    if (this.#options.graphs === "demanded") this.#wantGraphs();
    for (const held of this.#set.list) this.#reviewOne(held);
  }

  #reviewOne(held: Held): void {
    const { place, segment } = held;
    if (this.#leaving.has(held) || this.#trimming.isAt(held)) return;
    if (this.#options.builds === "offered" && isFree(segment)) this.#builderOf(held).rest();
    if (segment.state("isSettled") === 1) this.#release(place);
    if (isTrimDue(segment, this.#options.graphs === "demanded")) {
      if (!this.#trimming.isBusy && this.#canTrim(held)) this.#trimming.begin(held);
    } else if (segment.state("stop") === 1) {
      segment.setState("stop", 0);
      this.#take(held);
    }
  }

  /** Whether nobody builds the segment; who does is told to let go. */
  #canTrim({ place, segment }: Held): boolean {
    if (this.#building.get(place)?.isMeasuring) return false;
    if (segment.state("isSettled") === 1) return true;
    segment.setState("stop", 1);
    this.#release(place);
    return isFree(segment);
  }

  /** Where more rows are scanned than may be, the oldest full segments get their graphs. */
  #wantGraphs(): void {
    const { graphRowsMin, scanRowsMax } = this.#options;
    const scanned = this.#set.list.filter(
      ({ segment }) => segment.navigation === NAVIGATION.none && !isGraphDue(segment),
    );
    let rows = scanned.reduce((sum, { segment }) => sum + segment.rows, 0);
    for (const { segment } of scanned) {
      if (rows <= scanRowsMax) return;
      if (!segment.isFull || segment.rows < graphRowsMin || segment.state("isLearned") === 0) continue;
      segment.setState("isWanted", 1);
      rows -= segment.rows;
    }
  }

  /** An open segment that is half full and final is closed where it can give back memory: what comes later gets another. */
  #seal(): void {
    const { segment } = this.#set.open;
    const isFinal = segment.navigation !== NAVIGATION.none && segment.linked === segment.rows;
    const isWorthIt = segment.rows >= segment.capacity / 2 && segment.state("usesLow") === 0 && isLowALoad(segment);
    if (isFinal && isWorthIt && segment.state("graphMeasuredAt") > 0 && isFree(segment)) {
      segment.setState("isSettled", 1);
    }
  }

  #lost(held: Held): void {
    if (this.#leaving.has(held)) {
      this.#dropIfEmpty(held);
      return;
    }
    if (!isSparse(held.segment)) return;
    if (held !== this.#set.open) this.#leave(held);
    // From the first rows is learned before they leave, in parts.
    else if (!isLearnable(held.segment)) this.#openNext();
  }

  #leave(held: Held): void {
    this.#leaving.set(held, 0);
    held.segment.setState("stop", 1);
    this.#release(held.place);
    if (this.#trimming.isAt(held)) this.#trimming.drop();
    this.#dropIfEmpty(held);
  }

  /** Moves up to `rows` rows into the open segment: appended there, then removed here, as an update does. */
  #move(rows: number): void {
    const next = this.#leaving.entries().next().value;
    if (!next) return;
    const [held, from] = next;
    const { segment, engine } = held;
    let row = from;
    for (let moved = 0; row < segment.rows && moved < rows; row++) {
      // Before the row is looked at: opening a segment may move rows, this one among them.
      if (this.#set.open.segment.isFull) this.#openNext();
      if (!segment.isAlive(row)) continue;
      engine.exports.decodeRow(row);
      this.#set.open.engine.input.set(engine.input);
      this.#set.append(segment.idOf(row));
      moved++;
    }
    this.#leaving.set(held, row);
    this.#dropIfEmpty(held);
    if (this.#set.open.segment.isFull) this.#openNext();
  }

  #dropIfEmpty(held: Held): void {
    if (held.segment.dead < held.segment.rows) return;
    this.#leaving.delete(held);
    this.#set.drop(held);
  }

  /** Opens a segment after the last. */
  #openNext(): void {
    const last = this.#set.open;
    const { segment, isReplacing } = this.#opener.next(last);
    this.#push(segment);
    if (isReplacing) this.#leave(last);
    this.#review();
  }

  #push(segment: Segment): void {
    this.#take(this.#set.push(segment));
    this.#publish();
  }

  /** Gives a segment to whoever builds. */
  #take(held: Held): void {
    const { place, segment } = held;
    if (segment.state("isSettled") === 1 || this.#options.builds === "offered") return;
    if (this.#builders) this.#builders.take(this.#order(held));
    else this.#building.set(place, this.#builderOf(held));
  }

  /** Takes it back. */
  #release(place: number): void {
    if (this.#active && this.#active === this.#building.get(place)) this.#active = undefined;
    this.#building.delete(place);
    this.#builders?.forget(place);
  }

  #isOpenToBuild(held: Held): boolean {
    const { segment } = held;
    if (this.#leaving.has(held) || this.#trimming.isAt(held) || segment.state("stop") === 1) return false;
    return isFree(segment) && this.#builderOf(held).hasWork;
  }

  #builderOf({ segment }: Held): SegmentBuilder {
    return new SegmentBuilder(segment, () => segment.engine(BUILDER_SLOT, this.#options.build), this.#builderOptions);
  }

  #order({ place, segment }: Held): SegmentBuild {
    return orderBuild(segment, { place, options: this.#builderOptions, build: this.#options.build });
  }

  get #builderOptions(): BuilderOptions {
    const { recall, graphRowsMin, m, efConstruction, graphs } = this.#options;
    const isDemanded = graphs === "demanded";
    return { graphRowsMin, m, efConstruction, recall: recall === "exact" ? 0.99 : recall, isDemanded };
  }

  /** Finishes a segment itself, once who builds it has let go. */
  async #settleOffered(held: Held): Promise<void> {
    const { segment } = held;
    if (this.#leaving.has(held) || segment.state("isSettled") === 1) return;
    const endMs = performance.now() + LET_GO_MS;
    for (;;) {
      segment.setState("stop", 0);
      const run = SegmentRun.begin(this.#order(held));
      if (run) {
        try {
          return await this.#drainInTurns(run.settling(SETTLED_AT_ONCE));
        } finally {
          run.close();
        }
      }
      if (performance.now() > endMs) throw notLetGo(held.place);
      segment.setState("stop", 1);
      await turn();
      this.#checkEnded();
    }
  }

  async #drainInTurns(work: Measurement<undefined>): Promise<void> {
    await this.#inTurns(() => !work.next().done);
  }

  /** Does parts of some work until there is no more, and lets the thread do other things now and then. */
  async #inTurns(part: () => boolean): Promise<void> {
    this.#checkEnded();
    let since = performance.now();
    while (part()) {
      if (performance.now() - since < TURN_MS) continue;
      await turn();
      this.#checkEnded();
      since = performance.now();
    }
  }

  #checkEnded(): void {
    if (this.#isEnded)
      throw new MillraceError("conflict", "the index was released while it settled; settle it where it is now");
  }
}

function notLetGo(place: number): MillraceError {
  const message = `the thread that builds the segment at place ${place} did not let go of it in ${LET_GO_MS} ms; if it ended, call abandonBuild with its order`;
  return new MillraceError("unavailable", message);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
