/**
 * Building by any thread. One word of the segment says who builds: a ticket, which each order has of its own. So an order that was
 * given twice is run once, and a thread that died gives its segment back to whoever comes next.
 */
import type { EngineBuild } from "../kernels/engine-module.ts";
import type { Measurement } from "./measurement.ts";
import { mendGraph } from "./mend-graph.ts";
import { Segment } from "./segment.ts";
import { type BuilderOptions, SegmentBuilder } from "./segment-builder.ts";
import { NAVIGATION } from "./segment-engine.ts";

/** Scratch space of who builds a segment. */
export const BUILDER_SLOT = 1;
/** In the place of a ticket: who built ended in the middle of a step. */
export const RUNNER_DIED = -1;
/** Tickets begin again after so many. */
const TICKETS_MAX = 2 ** 30;

/** An order to build one segment. Any thread may run it; can be posted to one. */
export type SegmentBuild = {
  /** Of the segments of its index. */
  readonly place: number;
  readonly memory: WebAssembly.Memory;
  readonly options: BuilderOptions;
  readonly ticket: number;
  readonly build: EngineBuild | undefined;
};

/** A build that this thread runs, and nobody else until `close`. */
export interface BuildRun {
  /**
   * Links about `rows` rows (10 to 60 µs each) or does a part of a measurement (about 1 ms); false once there is nothing to do or the
   * index wants its segment back. Then it is closed.
   */
  step(rows: number): boolean;
  /** Lets go, between two steps: another may go on where this one was. */
  close(): void;
}

/** An order for a segment. */
export function orderBuild(
  segment: Segment,
  { place, options, build }: Omit<SegmentBuild, "memory" | "ticket">,
): SegmentBuild {
  const ticket = 1 + (Math.abs(segment.addState("tickets", 1)) % TICKETS_MAX);
  return { place, memory: segment.memory, options, ticket, build };
}

/** Begins to build, or goes on where another was; undefined when somebody else does or the index wants its segment back. */
export function runBuild(order: SegmentBuild): BuildRun | undefined {
  return SegmentRun.begin(order);
}

/** To be called when the thread that ran an order ended without closing it: the segment is free again, its graph mended by the next run. */
export function abandonBuild({ memory, ticket }: SegmentBuild): void {
  const segment = new Segment(memory);
  if (segment.swapState("runner", ticket, RUNNER_DIED)) segment.notifyState("runner");
}

/** Whether nobody builds the segment. */
export function isFree(segment: Segment): boolean {
  const runner = segment.state("runner");
  return runner === 0 || runner === RUNNER_DIED;
}

/** As `BuildRun`, with what an index asks of its own threads besides. */
export class SegmentRun implements BuildRun {
  readonly segment: Segment;
  readonly #builder: SegmentBuilder;
  readonly #ticket: number;
  #isClosed = false;

  private constructor(segment: Segment, { options, build, ticket }: SegmentBuild) {
    this.segment = segment;
    this.#ticket = ticket;
    this.#builder = new SegmentBuilder(segment, () => segment.engine(BUILDER_SLOT, build), options);
  }

  static begin(order: SegmentBuild): SegmentRun | undefined {
    const segment = new Segment(order.memory);
    const isDead = segment.swapState("runner", RUNNER_DIED, order.ticket);
    if (!isDead && !segment.swapState("runner", 0, order.ticket)) return undefined;
    if (isDead && segment.navigation !== NAVIGATION.none) mendGraph(segment);
    const run = new SegmentRun(segment, order);
    if (!run.#isUnwanted) return run;
    run.close();
    return undefined;
  }

  step(rows: number): boolean {
    if (this.#isClosed) return false;
    if (!this.#isUnwanted && this.#builder.step(rows)) return true;
    this.close();
    return false;
  }

  /** As `step`, but stays when there is nothing to do for now. */
  stepOn(rows: number): boolean {
    if (this.#isUnwanted) this.close();
    return !this.#isClosed && this.#builder.step(rows);
  }

  /** Finishes for the rows there are now, part by part. */
  *settling(rows: number): Measurement<undefined> {
    if (!this.#isClosed && !this.#isUnwanted) yield* this.#builder.settling(rows);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.segment.swapState("runner", this.#ticket, 0);
    this.segment.notifyState("runner");
  }

  get #isUnwanted(): boolean {
    return this.segment.state("stop") === 1;
  }
}
