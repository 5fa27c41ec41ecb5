import type { CheckedOptions } from "../index-options.ts";
import { DEAD_ROWS_MIN, DEAD_SHARE_MAX, LEARNED_ROWS } from "../limits.ts";
import { learnTransform, meanOf } from "../segment/learn.ts";
import { Segment } from "../segment/segment.ts";
import { type BuilderOptions, SegmentBuilder } from "../segment/segment-builder.ts";
import { NAVIGATION } from "../segment/segment-engine.ts";
import { plainTransform, readTransform, type Transform } from "../segment/transform.ts";
import type { Builders } from "./builders.ts";
import type { Held, SegmentSet } from "./segment-set.ts";

/** Rows linked for each row added while a graph catches up: more than one, so that it does. */
const LINKED_PER_CHANGE = 2;
/** Rows moved out of a segment for each row added or removed: as many as keep up with the removals that let it begin. */
const MOVED_PER_CHANGE = 4;
/** Rows linked or moved between two looks at the clock while settling. */
const SETTLED_AT_ONCE = 64;
/** Time after which settling lets the thread do other things, ms. */
const TURN_MS = 10;
/** Changes between two looks for segments that builder threads have finished. */
const TRIMMED_EVERY = 1_024;
const OWNER_SLOT = 0;

/**
 * What happens behind an index: a segment is opened when the last is full, graphs are built, rows of segments with many removed
 * ones are moved to the open one, as if they were added again. Each change of the index pays for a little of it: some rows, or one
 * question of a measurement. In one piece come only the first learning (1,024 rows), a look for rows cut off, and the trimming of a
 * full segment (a copy of its bytes).
 */
export class Maintenance {
  readonly #set: SegmentSet;
  readonly #options: CheckedOptions;
  readonly #builders: Builders | undefined;
  /** Tells readers of a new segment, before any row is moved into it: what they miss in the old one they find there. */
  readonly #publish: () => void;
  /** By place: segments that are not in their final form and are built by this thread. */
  readonly #building = new Map<number, SegmentBuilder>();
  /** Segments whose rows are being moved, and the next row of each. */
  readonly #leaving = new Map<Held, number>();
  #changes = 0;

  constructor(
    set: SegmentSet,
    options: CheckedOptions,
    threads: { readonly builders: Builders | undefined; readonly publish: () => void },
  ) {
    this.#set = set;
    this.#options = options;
    this.#builders = threads.builders;
    this.#publish = threads.publish;
    for (const held of set.list) this.#build(held);
    if (set.list.length === 0 || set.open.segment.isFull) this.#openNext();
  }

  /** After a row was appended or removed; `touched` is the segment that lost one. */
  changed(touched: Held | undefined): void {
    if (touched) this.#lost(touched);
    if (this.#set.open.segment.isFull) this.#openNext();
    if (this.#leaving.size > 0) this.#move(MOVED_PER_CHANGE);
    if (this.#building.size > 0) this.#link(LINKED_PER_CHANGE);
    else if (this.#builders) this.#wake(this.#builders);
  }

  /** Brings all there is into its final form, in turns of some milliseconds. */
  async settle(): Promise<void> {
    while (this.#leaving.size > 0) {
      this.#move(SETTLED_AT_ONCE);
      await turn();
    }
    await this.#builders?.settle();
    let since = performance.now();
    for (const builder of [...this.#building.values()]) {
      while (builder.step(SETTLED_AT_ONCE)) {
        if (performance.now() - since < TURN_MS) continue;
        await turn();
        since = performance.now();
      }
      builder.settle();
    }
    this.#seal();
    this.trim();
    if (this.#set.open.segment.isFull) this.#openNext();
    this.#publish();
  }

  /** An open segment that is half full and final is closed, so that it needs no room for more: what comes later gets another. */
  #seal(): void {
    const { segment } = this.#set.open;
    const isFinal = segment.navigation !== NAVIGATION.none && segment.linked === segment.rows;
    const isWorthIt = segment.rows >= segment.capacity / 2 && segment.state("usesLow") === 0;
    if (isFinal && isWorthIt && segment.state("graphMeasuredAt") > 0) segment.setState("isSettled", 1);
  }

  /** Gives segments that are full and built memory of just their size. */
  trim(): void {
    for (const held of this.#set.list) {
      const { segment } = held;
      if (segment.state("isSettled") === 0 || !segment.shape.hasLow) continue;
      this.#building.delete(held.place);
      this.#builders?.forget(held.place);
      if (segment.state("usesLow") === 0 && !this.#leaving.has(held)) this.#set.replace(held, segment.fitted(false));
    }
  }

  /** Builder threads say nothing of their own, so what they finished is looked for now and then. */
  #wake(builders: Builders): void {
    builders.wake();
    if (++this.#changes % TRIMMED_EVERY === 0) this.trim();
  }

  #link(rows: number): void {
    for (const [place, builder] of this.#building) {
      const hasWork = builder.step(rows);
      if (builder.segment.state("isSettled") === 1) {
        this.#building.delete(place);
        this.trim();
      }
      if (hasWork) return;
    }
  }

  #lost(held: Held): void {
    const { segment } = held;
    const { dead, rows } = segment;
    if (this.#leaving.has(held)) {
      this.#dropIfEmpty(held);
      return;
    }
    if (dead < DEAD_ROWS_MIN || dead < rows * DEAD_SHARE_MAX) return;
    if (held === this.#set.open) this.#openNext();
    else this.#leave(held);
  }

  #leave(held: Held): void {
    this.#leaving.set(held, 0);
    this.#building.delete(held.place);
    this.#builders?.forget(held.place);
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

  /** Opens a segment after the last: the first one small, to learn from; the others coded as the rows before them ask for. */
  #openNext(): void {
    const last = this.#set.list.at(-1);
    if (!last) {
      this.#push(plainTransform(this.#options.dims), LEARNED_ROWS);
      return;
    }
    const { segment } = last;
    const isFirst = segment.capacity === LEARNED_ROWS && segment.state("isLearned") === 0;
    if (isFirst && segment.rows - segment.dead < LEARNED_ROWS / 2) {
      // Most were removed again, and what is learned stays.
      this.#push(plainTransform(this.#options.dims), LEARNED_ROWS);
      this.#leave(last);
      return;
    }
    const transform = isFirst ? this.#learn(last) : this.#follow(last);
    const next = this.#push(transform, this.#options.segmentRows);
    next.segment.setState("isLearned", 1);
    next.segment.setState("isHard", segment.navigation === NAVIGATION.bytes ? 1 : 0);
    const isSparse = segment.dead >= DEAD_ROWS_MIN && segment.dead >= segment.rows * DEAD_SHARE_MAX;
    if (!isFirst && !isSparse) return;
    this.#leave(last);
    if (isFirst) while (this.#leaving.has(last)) this.#move(LEARNED_ROWS);
  }

  #push(transform: Transform, capacity: number): Held {
    const { dims, metric } = this.#options;
    const held = this.#set.push(Segment.create({ dims, metric, capacity, hasLow: true }, transform));
    this.#build(held);
    this.#publish();
    return held;
  }

  #build(held: Held): void {
    if (held.segment.state("isSettled") === 1) return;
    const options = this.#builderOptions;
    if (this.#builders) this.#builders.take(held.place, held.segment, options);
    else this.#building.set(held.place, new SegmentBuilder(held.segment, held.engine, options));
  }

  get #builderOptions(): BuilderOptions {
    const { recall, graphRowsMin, m, efConstruction } = this.#options;
    return { graphRowsMin, m, efConstruction, recall: recall === "exact" ? 0.99 : recall };
  }

  #learn({ segment, engine }: Held): Transform {
    const { dims, metric, build } = this.#options;
    return learnTransform(segment, engine, (transform) => {
      const trial = Segment.create({ dims, metric, capacity: LEARNED_ROWS, hasLow: true }, transform);
      return { segment: trial, engine: trial.engine(OWNER_SLOT, build) };
    });
  }

  /** The mean of the latest rows, so that a drift is followed. */
  #follow({ segment, engine }: Held): Transform {
    const before = readTransform(segment.memory, segment.layout, segment.shape.dims);
    if (segment.rows - segment.dead < LEARNED_ROWS) return before;
    return { ...before, mean: meanOf(segment, engine, LEARNED_ROWS) };
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
