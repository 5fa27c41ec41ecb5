import { type Clock, systemClock } from "@millrace/core";
import { STREAMS_COUNTED_MAX } from "../limits.ts";

/** Rates look back this far. */
const WINDOW_MS = 5_000;
const SLOT_MS = 500;
const SLOTS = WINDOW_MS / SLOT_MS;
/** What is left of a rank after a slot: after the window a quarter. */
const DECAY = 0.25 ** (1 / SLOTS);

export type StreamRates = { readonly eventsPerSecond: number; readonly framesPerSecond: number };

/** One counted stream: its events in and frames out of the last slots, and its rank among the others. */
type Place = { readonly events: Float64Array; readonly frames: Float64Array; slot: number; rank: number };

/**
 * The streams with the most traffic, in bounded memory however many there are: the frequent-items algorithm with median cuts (Anderson et
 * al. 2017, "A High-Performance Algorithm for Identifying Frequent Items in Data Streams", section 3), with ranks that fade. A
 * stream with more than 2 / STREAMS_COUNTED_MAX of the traffic keeps its place, and then its rates are exact; ranks only decide who has a place.
 * Counting is O(1) on average.
 */
export class TopStreams {
  readonly #clock: Clock;
  readonly #places = new Map<string, Place>();
  readonly #free: Place[] = [];
  readonly #startSlot: number;
  #slot: number;
  /** When a stream last lost its place: until that is out of the window, one without a place may have had traffic. */
  #cutSlot = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#startSlot = this.#currentSlot();
    this.#slot = this.#startSlot;
  }

  /** Streams counted now, at most STREAMS_COUNTED_MAX. */
  get size(): number {
    return this.#places.size;
  }

  addEvents(stream: string, count: number): void {
    const { events } = this.#place(stream, count);
    const at = this.#slot % SLOTS;
    events[at] = (events[at] ?? 0) + count;
  }

  addFrames(stream: string, count: number): void {
    const { frames } = this.#place(stream, count);
    const at = this.#slot % SLOTS;
    frames[at] = (frames[at] ?? 0) + count;
  }

  /** The busiest `count` streams of the window by events in and frames out together, busiest first. */
  top(count: number): readonly (StreamRates & { readonly stream: string })[] {
    this.#turn();
    const busy: (StreamRates & { readonly stream: string })[] = [];
    for (const [stream, place] of this.#places) {
      const rates = this.#ratesOf(place);
      if (trafficOf(rates) > 0) busy.push({ stream, ...rates });
    }
    return busy.sort((a, b) => trafficOf(b) - trafficOf(a)).slice(0, count);
  }

  /** The rates of a stream; undefined when it has no place, so that they are small but not known. */
  rates(stream: string): StreamRates | undefined {
    this.#turn();
    const place = this.#places.get(stream);
    if (place) return this.#ratesOf(place);
    return this.#slot - this.#cutSlot > SLOTS ? { eventsPerSecond: 0, framesPerSecond: 0 } : undefined;
  }

  #ratesOf(place: Place): StreamRates {
    this.#clearOld(place);
    const seconds = (Math.min(SLOTS, this.#slot - this.#startSlot + 1) * SLOT_MS) / 1000;
    return { eventsPerSecond: sum(place.events) / seconds, framesPerSecond: sum(place.frames) / seconds };
  }

  #place(stream: string, count: number): Place {
    this.#turn();
    const known = this.#places.get(stream);
    const place = known ?? this.#open(stream);
    if (known) this.#clearOld(known);
    place.rank += count;
    return place;
  }

  #open(stream: string): Place {
    if (this.#places.size >= STREAMS_COUNTED_MAX) this.#cut();
    const place = this.#free.pop() ?? {
      events: new Float64Array(SLOTS),
      frames: new Float64Array(SLOTS),
      slot: 0,
      rank: 0,
    };
    place.slot = this.#slot;
    this.#places.set(stream, place);
    return place;
  }

  /** Takes the median rank from all; those that have no more lose their places, at least half of them. */
  #cut(): void {
    this.#cutSlot = this.#slot;
    const ranks = Float64Array.from(this.#places.values(), ({ rank }) => rank).sort();
    const median = ranks[ranks.length >> 1] ?? 0;
    for (const [stream, place] of this.#places) {
      place.rank -= median;
      if (place.rank > 0) continue;
      this.#places.delete(stream);
      place.events.fill(0);
      place.frames.fill(0);
      place.rank = 0;
      this.#free.push(place);
    }
  }

  #currentSlot(): number {
    return Math.floor(this.#clock.monotonic() / SLOT_MS);
  }

  #turn(): void {
    const now = this.#currentSlot();
    if (now === this.#slot) return;
    const faded = DECAY ** (now - this.#slot);
    for (const place of this.#places.values()) place.rank *= faded;
    this.#slot = now;
  }

  #clearOld(place: Place): void {
    const stale = Math.min(SLOTS, this.#slot - place.slot);
    for (let step = 1; step <= stale; step++) {
      place.events[(place.slot + step) % SLOTS] = 0;
      place.frames[(place.slot + step) % SLOTS] = 0;
    }
    place.slot = this.#slot;
  }
}

function trafficOf({ eventsPerSecond, framesPerSecond }: StreamRates): number {
  return eventsPerSecond + framesPerSecond;
}

function sum(counts: Float64Array): number {
  let all = 0;
  for (const count of counts) all += count;
  return all;
}
