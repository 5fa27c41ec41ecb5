import { checkInteger, MillraceError, unreachable } from "@millrace/core";
import type { FlowState } from "../session.ts";
import { CREDITS_MAX, RETRY_AFTER_MS_MIN } from "./limits.ts";
import type { PressureState } from "./pressure.ts";

/** Credits of a session that was granted so many: all, half at warning, a quarter at critical, none when overloaded. At least 1 but for that. */
export function creditsFor(state: PressureState, granted: number): number {
  switch (state) {
    case "normal":
      return granted;
    case "warning":
      return Math.max(1, Math.floor(granted / 2));
    case "critical":
      return Math.max(1, Math.floor(granted / 4));
    case "overloaded":
      return 0;
    default:
      return unreachable(state);
  }
}

/** What a producer is told as the state changes: from a pause it resumes, from slowness it speeds up. */
export function flowFor(state: PressureState, before: FlowState): FlowState {
  if (state === "overloaded") return "pause";
  if (state !== "normal") return "slow_down";
  if (before === "pause") return "resume";
  return before === "slow_down" ? "speed_up" : before;
}

/**
 * What one session may have under way: sent and not yet durable. With nothing under way one batch may be as large as was granted, even
 * while there are fewer credits; otherwise a producer of such batches would wait for ever.
 */
export class CreditLedger {
  readonly granted: number;
  #credits: number;
  #outstanding = 0;
  #flow: FlowState = "resume";

  /** `invalid_argument` when `granted` is not 1 to 10,000,000. */
  constructor(granted: number) {
    this.granted = checkInteger("credits", granted, { min: 1, max: CREDITS_MAX });
    this.#credits = granted;
  }

  get credits(): number {
    return this.#credits;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  get flow(): FlowState {
    return this.#flow;
  }

  /** Returns whether credits or flow changed, which the producer must be told. */
  setState(state: PressureState): boolean {
    const credits = creditsFor(state, this.granted);
    const flow = flowFor(state, this.#flow);
    if (credits === this.#credits && flow === this.#flow) return false;
    this.#credits = credits;
    this.#flow = flow;
    return true;
  }

  /** Throws `rate_limited` when so many more may not be under way now, `too_large` when they never may. */
  check(count: number, retryAfterMs: number = RETRY_AFTER_MS_MIN): void {
    if (count > this.granted) {
      const told = `the batch has ${count} observations and the session ${this.granted} credits`;
      throw new MillraceError("too_large", `${told}: send smaller batches, or open the session with more credits`);
    }
    const isFirst = this.#outstanding === 0 && this.#credits > 0;
    if (isFirst || this.#outstanding + count <= this.#credits) return;
    const told = `${this.#outstanding} observations are under way and the session has ${this.#credits} credits, so ${count} more are too many`;
    throw new MillraceError("rate_limited", `${told}; wait for acknowledgements, or ${retryAfterMs} ms`, {
      retryAfterMs,
    });
  }

  /** So many were accepted; `check` must have passed. */
  sent(count: number): void {
    this.#outstanding += count;
  }

  /** So many became durable, or were given up. */
  settled(count: number): void {
    this.#outstanding = Math.max(0, this.#outstanding - count);
  }
}
