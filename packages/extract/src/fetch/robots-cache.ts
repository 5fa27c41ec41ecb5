import { type Clock, MillraceError } from "@millrace/core";
import { ROBOTS_ERROR_TTL_MS, ROBOTS_TTL_MS } from "../limits.ts";
import { DISALLOW_ALL, type RobotsRules } from "./robots-rules.ts";

/** What became of asking for a robots.txt: rules, or a server that could not say. A network error rejects instead. */
export type RobotsAnswer = { readonly rules: RobotsRules } | { readonly status: number };

export type LoadRobots = (signal: AbortSignal) => Promise<RobotsAnswer>;

type Kept = { readonly rules: RobotsRules; readonly untilMs: number; readonly isFromFailure: boolean };
type Loading = { readonly answer: Promise<Kept>; readonly abort: AbortController; waiting: number };

/** The state of one origin's robots.txt. */
export type RobotsRecord = { kept?: Kept; loading?: Loading };

export type RobotsAsk = { readonly record: RobotsRecord; readonly clock: Clock; readonly signal: AbortSignal };

export type RobotsFound = {
  readonly rules: RobotsRules;
  /** The rules stand for a server that answered 5xx: everything is forbidden until it answers. */
  readonly isFromFailure: boolean;
  /** How long they are good for. */
  readonly leftMs: number;
};

/**
 * The rules in force. Asked for once however many wait, and given up when the last of them leaves. Good for an hour; when they cannot be
 * renewed, the old ones stay in force (RFC 9309, 2.4), and without old ones a server's failure forbids all for a minute (2.3.1.4).
 */
export async function robotsOf({ record, clock, signal }: RobotsAsk, load: LoadRobots): Promise<RobotsFound> {
  signal.throwIfAborted();
  const { kept } = record;
  if (kept && clock.monotonic() < kept.untilMs) return found(kept, clock);
  record.loading ??= begin(record, clock, load);
  const { loading } = record;
  loading.waiting++;
  try {
    return found(await untilAborted(loading.answer, signal), clock);
  } finally {
    loading.waiting--;
    if (loading.waiting === 0) {
      if (record.loading === loading) delete record.loading;
      loading.abort.abort(new MillraceError("cancelled", "nobody waits for robots.txt any more"));
    }
  }
}

function begin(record: RobotsRecord, clock: Clock, load: LoadRobots): Loading {
  const abort = new AbortController();
  const answer = load(abort.signal).then(
    (given) => {
      const keep = judge(record.kept, given, clock.monotonic());
      record.kept = keep;
      return keep;
    },
    (error: unknown) => {
      if (record.kept && !record.kept.isFromFailure) return record.kept;
      throw error;
    },
  );
  // Those who wait hear of it; when the last has left, nobody does.
  answer.catch(() => {});
  return { answer, abort, waiting: 0 };
}

function judge(before: Kept | undefined, given: RobotsAnswer, nowMs: number): Kept {
  if ("rules" in given) return { rules: given.rules, untilMs: nowMs + ROBOTS_TTL_MS, isFromFailure: false };
  const untilMs = nowMs + ROBOTS_ERROR_TTL_MS;
  if (before && !before.isFromFailure) return { ...before, untilMs };
  return { rules: DISALLOW_ALL, untilMs, isFromFailure: true };
}

function found({ rules, isFromFailure, untilMs }: Kept, clock: Clock): RobotsFound {
  return { rules, isFromFailure, leftMs: Math.max(0, untilMs - clock.monotonic()) };
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let leave = () => {};
  const aborted = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
  });
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", leave));
}
