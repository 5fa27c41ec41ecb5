import { type Clock, MillraceError } from "@millrace/core";
import { BREAKER_FAILURES, BREAKER_OPEN_MS, BREAKER_PROBES } from "../limits.ts";

export type BreakerState = "closed" | "open" | "halfOpen";

/** What came of a call that was let through. The first word counts, and none after the state it was let through in has passed. */
export type Admission = {
  succeeded(): void;
  failed(): void;
  /** Nothing is known of the server: the caller gave up. */
  released(): void;
};

/** Told to those who come while the probes are out: by then the first of them has mostly answered. */
const PROBES_WAIT_MS = 1_000;

/**
 * Leaves an origin alone that fails: `BREAKER_FAILURES` in a row and it is open for `BREAKER_OPEN_MS`, in which every call is refused at
 * once; then half open, in which `BREAKER_PROBES` calls try it: all must succeed to close it, one failure opens it again.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  #state: BreakerState = "closed";
  /** Grows with every change of state, so that calls of an earlier one no longer count. */
  #era = 0;
  #failures = 0;
  #probing = 0;
  #probed = 0;
  #openUntilMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get state(): BreakerState {
    return this.#state === "open" && this.#clock.monotonic() >= this.#openUntilMs ? "halfOpen" : this.#state;
  }

  /** Until a call may be let through, 0 when one would be now. */
  get waitMs(): number {
    if (this.state === "open") return this.#openUntilMs - this.#clock.monotonic();
    return this.#state === "halfOpen" && this.#probing + this.#probed >= BREAKER_PROBES ? PROBES_WAIT_MS : 0;
  }

  /** Throws as `admit` does, and lets nobody through: for who still has to wait for something else. */
  check(name: string): void {
    const { waitMs } = this;
    if (waitMs > 0) throw refusal(name, waitMs);
  }

  /** Throws `fetch_unreachable` with `retryAfterMs` while open, or half open with all probes out. */
  admit(name: string): Admission {
    if (this.#state === "open" && this.state === "halfOpen") this.#enter("halfOpen");
    this.check(name);
    if (this.#state === "halfOpen") this.#probing++;
    return this.#admission();
  }

  #admission(): Admission {
    const era = this.#era;
    let isOver = false;
    const once = (settle: () => void) => () => {
      if (isOver) return;
      isOver = true;
      if (era === this.#era) settle();
    };
    return {
      succeeded: once(() => this.#succeed()),
      failed: once(() => this.#fail()),
      released: once(() => {
        if (this.#state === "halfOpen") this.#probing--;
      }),
    };
  }

  #succeed(): void {
    this.#failures = 0;
    if (this.#state !== "halfOpen") return;
    this.#probing--;
    this.#probed++;
    if (this.#probed >= BREAKER_PROBES) this.#enter("closed");
  }

  #fail(): void {
    this.#failures++;
    if (this.#state === "halfOpen" || this.#failures >= BREAKER_FAILURES) this.#enter("open");
  }

  #enter(state: BreakerState): void {
    this.#state = state;
    this.#era++;
    this.#failures = 0;
    this.#probing = 0;
    this.#probed = 0;
    if (state === "open") this.#openUntilMs = this.#clock.monotonic() + BREAKER_OPEN_MS;
  }
}

function refusal(name: string, waitMs: number): MillraceError {
  const retryAfterMs = Math.ceil(waitMs);
  return new MillraceError(
    "fetch_unreachable",
    `${name} failed ${BREAKER_FAILURES} times in a row and is left alone; try again in ${retryAfterMs} ms`,
    { retryAfterMs },
  );
}
