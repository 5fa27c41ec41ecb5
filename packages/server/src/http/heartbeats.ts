import type { Clock } from "@millrace/core";
import { HEARTBEAT_MS } from "../limits.ts";

/** Beats of one round: connections are spread over the slots, so that ten thousand of them are not written to in one turn. */
const SLOTS = 15;

/** One timer for the heartbeats of all connections: a wheel that turns once in `everyMs`. It stands still while nobody is on it. */
export class Heartbeats {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #slots: Set<() => void>[] = Array.from({ length: SLOTS }, () => new Set());
  #at = 0;
  #count = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, everyMs: number = HEARTBEAT_MS) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /** Calls `beat` once in `everyMs`, first after that time, until the returned function is called. */
  add(beat: () => void): () => void {
    const slot = this.#slots[this.#at] as Set<() => void>;
    slot.add(beat);
    this.#count++;
    this.#cancel ??= this.#clock.after(this.#everyMs / SLOTS, this.#turn);
    return () => {
      if (slot.delete(beat)) this.#count--;
    };
  }

  readonly #turn = (): void => {
    this.#at = (this.#at + 1) % SLOTS;
    for (const beat of this.#slots[this.#at] as Set<() => void>) beat();
    this.#cancel = this.#count > 0 ? this.#clock.after(this.#everyMs / SLOTS, this.#turn) : undefined;
  };
}
