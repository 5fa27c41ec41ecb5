import { Histogram } from "@millrace/core";
import { type Counter, type Figures, type Level, TIMES, type Times } from "./figures.ts";
import { quantileSince } from "./quantile-since.ts";

/** One reading, kept: a copy that later records do not change. */
export type Sample = Figures & { readonly atMs: number };

/** Readings of the last `windowMs`, and the one before them. */
export class Samples {
  readonly #windowMs: number;
  readonly #samples: Sample[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  get length(): number {
    return this.#samples.length;
  }

  /** Times must not fall. */
  add(figures: Figures, atMs: number): void {
    const last = this.#samples.at(-1);
    const times = Object.fromEntries(TIMES.map((name) => [name, keep(figures[name], last?.[name])]));
    const workers = figures.workers.map((worker) => ({ ...worker }));
    this.#samples.push({ ...figures, ...(times as Record<Times, Histogram>), workers, atMs });
    while ((this.#samples[1]?.atMs ?? atMs) <= atMs - this.#windowMs) this.#samples.shift();
  }

  /** The last `windowMs`, or all there is when that is less; undefined before the second reading. */
  span(windowMs: number): Span | undefined {
    const to = this.#samples.at(-1);
    if (!to || this.#samples.length < 2) return undefined;
    const sinceMs = to.atMs - windowMs;
    const at = Math.max(
      0,
      this.#samples.findLastIndex((sample) => sample !== to && sample.atMs <= sinceMs),
    );
    return new Span(this.#samples.slice(at), windowMs);
  }
}

/** What happened between the first and the last of some readings. */
export class Span {
  readonly from: Sample;
  readonly to: Sample;
  /** Whether it covers the window that was asked for. */
  readonly isWhole: boolean;
  readonly #samples: readonly Sample[];

  constructor(samples: readonly Sample[], windowMs: number) {
    this.#samples = samples;
    this.from = samples[0] as Sample;
    this.to = samples.at(-1) as Sample;
    this.isWhole = this.ms >= windowMs;
  }

  get ms(): number {
    return this.to.atMs - this.from.atMs;
  }

  /** How much more it is. */
  more(counter: Counter): number {
    return this.to[counter] - this.from[counter];
  }

  perSecond(counter: Counter): number {
    return this.ms === 0 ? 0 : (this.more(counter) * 1_000) / this.ms;
  }

  /** Mean of the readings within. */
  mean(level: Level): number {
    const readings = this.#samples.slice(1);
    return readings.reduce((sum, sample) => sum + sample[level], 0) / readings.length;
  }

  /** Records within. */
  records(times: Times): number {
    return this.to[times].count - this.from[times].count;
  }

  /** In milliseconds; 0 without records. */
  quantileMs(times: Times, quantile: number): number {
    return quantileSince(this.to[times], this.from[times], quantile) / 1_000;
  }

  /** Of each worker, the percentage of time that it worked. */
  utilisations(): number[] {
    return this.to.workers.map(({ busyMs }, at) => {
      const busy = busyMs - (this.from.workers[at]?.busyMs ?? 0);
      return this.ms === 0 ? 0 : Math.min(100, (busy * 100) / this.ms);
    });
  }

  /** Of each worker, how often it ended. */
  deaths(): number[] {
    return this.to.workers.map(({ deaths }, at) => deaths - (this.from.workers[at]?.deaths ?? 0));
  }
}

/** The copy before serves as well while nothing was recorded. */
function keep(histogram: Histogram, before: Histogram | undefined): Histogram {
  if (before?.count === histogram.count) return before;
  const copy = new Histogram();
  copy.merge(histogram);
  return copy;
}
