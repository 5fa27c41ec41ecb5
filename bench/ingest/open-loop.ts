/** Work at intended times, whatever becomes of it: what is late is done at once and its time stays the intended one. */
import { MillraceError } from "@millrace/core";
import { LATE_MS_MAX, TURN_MS } from "./limits.ts";
import type { Pace } from "./pace.ts";

/** One kind of work: number `at` is intended `at × everyMs` after the start. */
export type Flow = {
  readonly everyMs: number;
  /** How often in all. */
  readonly count: number;
  readonly fire: (at: number, intendedMs: number) => void;
};

type Running = Flow & { next: number };

/**
 * Runs the flows, begun together, to their ends; resolves with when they began. Rejects with `timeout` when what is due is half a
 * minute late: then the load is not the one that was asked for.
 */
export async function runOpenLoop(flows: readonly Flow[], pace: Pace): Promise<number> {
  const startMs = pace.nowMs();
  const running: Running[] = flows.map((flow) => ({ ...flow, next: 0 }));
  for (let next = earliest(running); next; next = earliest(running)) {
    const turnMs = pace.nowMs();
    while (next && dueMs(next, startMs) <= pace.nowMs() && pace.nowMs() - turnMs < TURN_MS) {
      next.fire(next.next, dueMs(next, startMs));
      next.next++;
      next = earliest(running);
    }
    if (next) await pace.pause(Math.max(0, checkLate(dueMs(next, startMs), pace.nowMs())));
  }
  return startMs;
}

function earliest(flows: readonly Running[]): Running | undefined {
  let first: Running | undefined;
  for (const flow of flows) {
    if (flow.next < flow.count && (!first || dueMs(flow, 0) < dueMs(first, 0))) first = flow;
  }
  return first;
}

function dueMs({ next, everyMs }: Running, startMs: number): number {
  return startMs + next * everyMs;
}

/** Time until it is due. */
function checkLate(intendedMs: number, nowMs: number): number {
  if (nowMs - intendedMs <= LATE_MS_MAX) return intendedMs - nowMs;
  const text = `the producer is ${Math.round(nowMs - intendedMs)} ms late, more than ${LATE_MS_MAX} ms; lower --rate or raise --batch`;
  throw new MillraceError("timeout", text);
}
