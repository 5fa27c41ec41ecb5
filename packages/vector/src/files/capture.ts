import { setImmediate } from "node:timers/promises";
import type { Builders } from "../owner/builders.ts";
import type { Held, SegmentSet } from "../owner/segment-set.ts";
import { HEADER_BYTES, type SegmentShape, WORD } from "../segment/layout.ts";
import { isFree } from "../segment/run-build.ts";
import type { Segment } from "../segment/segment.ts";
import { headerOf, type SegmentHeader, withoutGraph } from "./format.ts";
import { type GraphImage, graphImageOf } from "./graph-image.ts";

/** Longest wait for threads that run orders, ms: their steps take about one, unless they died. Else their graphs are left out. */
const LET_GO_MS = 1_000;

/** A segment as it was at the moment of a save. Its codes are in its memory still: they never change. */
export type CapturedSegment = {
  readonly segment: Segment;
  readonly header: SegmentHeader;
  readonly alive: Uint32Array;
  readonly ids: Uint32Array;
  /** The graph that goes with the header; made only when it is to be written. */
  readonly image: () => GraphImage | undefined;
};

/**
 * All segments at one moment. Builder threads copy the graphs that they work on first, each between two of its steps; then the owner
 * notes, in one go, which rows there are and which are alive: so a graph tells of rows that are there, and a row that is moved or
 * replaced meanwhile is in one segment.
 */
export async function captureAll(
  set: SegmentSet,
  { builders, isOffered }: { readonly builders: Builders | undefined; readonly isOffered: boolean },
): Promise<readonly CapturedSegment[]> {
  const resume = isOffered ? await pauseBuilds(set) : () => undefined;
  try {
    return await captureStill(set, builders);
  } finally {
    resume();
  }
}

async function captureStill(set: SegmentSet, builders: Builders | undefined): Promise<readonly CapturedSegment[]> {
  const images = new Map<Segment, GraphImage | undefined>();
  const takeImage = async ({ place, segment }: Held): Promise<void> => {
    if (segment.state("isSettled") === 0) images.set(segment, await builders?.image(place));
  };
  await Promise.all(set.list.map(takeImage));
  const open = set.list.at(-1);
  const worthKeeping = set.list.filter((held) => held === open || held.segment.dead < held.segment.rows);
  const isAtWork = ({ segment }: Held): boolean => builders !== undefined || segment.state("runner") !== 0;
  return worthKeeping.map((held) => capture(held, images.get(held.segment), isAtWork(held)));
}

/** Waits until threads that run orders have let go, as far as they do in time; what is returned lets builds go on. */
async function pauseBuilds(set: SegmentSet): Promise<() => void> {
  const paused = set.list.map(({ segment }) => segment).filter((segment) => segment.swapState("stop", 0, 1));
  const endMs = performance.now() + LET_GO_MS;
  while (paused.some((segment) => !isFree(segment)) && performance.now() < endMs) await setImmediate();
  return () => {
    for (const segment of paused) segment.swapState("stop", 1, 0);
  };
}

/** Files keep no low bytes where rows to come have none and those of the first do not matter. */
function keptShape({ shape, words }: Segment): SegmentShape {
  const isSkipped = (words[WORD.lowRows] ?? 0) > 0 && words[WORD.usesLow] === 0;
  return { ...shape, hasLow: shape.hasLow && !isSkipped };
}

function capture({ segment }: Held, image: GraphImage | undefined, isBuiltElsewhere: boolean): CapturedSegment {
  const { rows, layout } = segment;
  const isFinal = segment.state("isSettled") === 1;
  // A graph in work on another thread may be in the middle of a step; it is linked again when the file is opened.
  const isTorn = !image && !isFinal && isBuiltElsewhere;
  // A final graph changes no more, but for a repair that leaves it sound: it is copied when its turn to be written comes.
  const copied = image ?? (isFinal || isTorn ? undefined : graphImageOf(segment));
  const header = headerOf(copied?.words ?? segment.words.slice(0, HEADER_BYTES / 4), keptShape(segment), rows);
  const aliveAt = layout.aliveAt / 4;
  const idsAt = layout.idsAt / 4;
  return {
    segment,
    header: isTorn ? withoutGraph(header) : header,
    alive: segment.words.slice(aliveAt, aliveAt + Math.ceil(rows / 32)),
    ids: segment.words.subarray(idsAt, idsAt + rows),
    image: () => (isTorn ? undefined : (copied ?? graphImageOf(segment))),
  };
}
