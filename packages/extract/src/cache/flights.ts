/** Singleflight: one computation for all who ask for the same thing at the same time. */
import { MillraceError } from "@millrace/core";

type Flight<T> = {
  readonly controller: AbortController;
  readonly landed: Promise<T>;
  waiting: number;
};

/**
 * Who joins a flight waits for its result under a signal of their own; leaving disturbs nobody, and when the last one leaves the work is
 * aborted and the next who asks starts afresh. Invariant: at most one flight a key can be joined.
 */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();
  /** Detached ones too. */
  readonly #underWay = new Set<Flight<T>>();

  get size(): number {
    return this.#flights.size;
  }

  has(key: string): boolean {
    return this.#flights.has(key);
  }

  /** The result of `key`'s flight, which `start` begins when there is none. Rejects with `cancelled`, or the signal's own MillraceError. */
  join(key: string, start: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(whyAborted(key, signal));
    const flight = this.#flights.get(key) ?? this.#launch(key, start);
    flight.waiting++;
    return new Promise((resolve, reject) => {
      const leave = () => {
        flight.waiting--;
        if (flight.waiting === 0) this.#abandon(key, flight);
        reject(whyAborted(key, signal));
      };
      signal?.addEventListener("abort", leave, { once: true });
      const stay = () => signal?.removeEventListener("abort", leave);
      flight.landed.then(resolve, reject).finally(stay);
    });
  }

  /** Flights of these keys go on for those who wait; nobody else joins them. */
  detach(isMeant: (key: string) => boolean): void {
    for (const key of this.#flights.keys()) if (isMeant(key)) this.#flights.delete(key);
  }

  /** Aborts all, detached ones too; those who wait are rejected with `reason`. */
  abortAll(reason: MillraceError): void {
    for (const { controller } of this.#underWay) controller.abort(reason);
    this.#flights.clear();
  }

  #launch(key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const { signal } = controller;
    const landed = new Promise<T>((resolve, reject) => {
      // Work that does not listen to its signal must not hold those who wait.
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      // A tick later, so that a `start` that throws or settles at once finds the flight in its place.
      Promise.resolve()
        .then(() => start(signal))
        .then(resolve, reject);
    });
    const flight: Flight<T> = { controller, landed, waiting: 0 };
    this.#flights.set(key, flight);
    this.#underWay.add(flight);
    const land = () => this.#remove(key, flight);
    landed.then(land, land);
    return flight;
  }

  #abandon(key: string, flight: Flight<T>): void {
    this.#remove(key, flight);
    flight.controller.abort(new MillraceError("cancelled", `nobody waits for ${key} any more`));
  }

  #remove(key: string, flight: Flight<T>): void {
    this.#underWay.delete(flight);
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}

function whyAborted(key: string, signal: AbortSignal | undefined): MillraceError {
  const reason: unknown = signal?.reason;
  if (reason instanceof MillraceError) return reason;
  return new MillraceError("cancelled", `waiting for ${key} was cancelled`, { cause: reason });
}
