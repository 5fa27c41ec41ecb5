/** A worker's place: the thread that has it now, what that has in hand, and how busy it was lately. */
import type { SegmentBuild } from "@millrace/vector";
import type { SpaceThread } from "./space-thread.ts";

/** How far back a worker's load is looked at. */
export const LATELY_MS = 1_000;
/** What a segment that it builds counts for, ms of such a while. */
const BUILD_LOAD_MS = 200;

export type Hand<Task> = { readonly tasks: readonly Task[]; readonly observations: number };

export type Seat<Task> = {
  thread: SpaceThread;
  readonly hands: Map<number, Hand<Task>>;
  /** Segments it was told to build. */
  readonly builds: Map<number, SegmentBuild>;
  depth: number;
  busyMs: number;
  /** Time that it worked lately: of the last seconds, the older ones count less. */
  lateMs: number;
  lateAtMs: number;
};

/** Time of the last LATELY_MS that it worked, about. */
export function lateMs(seat: Seat<unknown>, nowMs: number): number {
  seat.lateMs *= Math.exp((seat.lateAtMs - nowMs) / LATELY_MS);
  seat.lateAtMs = nowMs;
  return seat.lateMs;
}

/** Who had least to do lately. There is one at least. */
export function idlest<Task>(seats: readonly Seat<Task>[], nowMs: number): Seat<Task> {
  const loadOf = (seat: Seat<Task>) => lateMs(seat, nowMs) + seat.builds.size * BUILD_LOAD_MS;
  return seats.reduce((a, b) => (loadOf(b) < loadOf(a) ? b : a));
}
