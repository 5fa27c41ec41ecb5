import { type Clock, systemClock } from "@millrace/core";

/** Rates look back this far. */
const WINDOW_MS = 5_000;
const SLOT_MS = 250;
const SLOTS = WINDOW_MS / SLOT_MS;

/** Counts something: a total since the start, and how many a second over the last 5 s. Adding is a few array operations. */
export class RateMeter {
  readonly #clock: Clock;
  readonly #slots = new Float64Array(SLOTS);
  #slot: number;
  readonly #startSlot: number;
  #total = 0;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#slot = this.#currentSlot();
    this.#startSlot = this.#slot;
  }

  get total(): number {
    return this.#total;
  }

  add(count = 1): void {
    this.#turn();
    const at = this.#slot % SLOTS;
    this.#slots[at] = (this.#slots[at] ?? 0) + count;
    this.#total += count;
  }

  /** Over the window, or over the time since the start when that is shorter. */
  get perSecond(): number {
    this.#turn();
    const slots = Math.max(1, Math.min(SLOTS, this.#slot - this.#startSlot + 1));
    return this.#slots.reduce((sum, count) => sum + count, 0) / ((slots * SLOT_MS) / 1000);
  }

  #currentSlot(): number {
    return Math.floor(this.#clock.monotonic() / SLOT_MS);
  }

  #turn(): void {
    const now = this.#currentSlot();
    const stale = Math.min(SLOTS, now - this.#slot);
    for (let step = 1; step <= stale; step++) this.#slots[(this.#slot + step) % SLOTS] = 0;
    this.#slot = now;
  }
}
