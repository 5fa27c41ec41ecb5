/** Means, percentiles, and intervals by bootstrap over pages. */
import { createRng, randomBelow } from "@millrace/core";
import { RESAMPLES } from "./limits.ts";

/** The least and the greatest of the middle 95 %. */
export type Interval = readonly [low: number, high: number];

/** 0 for none. */
export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The least value that `share` of all are not above (nearest rank); 0 for none. */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/**
 * Where the mean lies in 95 % of resamples of the pages, drawn with replacement. The same values and seed give the same interval.
 * Of differences between two extractors page by page it is the interval of the paired difference.
 */
export function bootstrapMean(values: readonly number[], seed: number): Interval {
  return bootstrapRatio(
    values,
    values.map(() => 1),
    seed,
  );
}

/** The same for the ratio of two sums over the same pages, as of the times of two extractors. */
export function bootstrapRatio(over: readonly number[], under: readonly number[], seed: number): Interval {
  const { length } = over;
  if (length === 0) return [0, 0];
  const rng = createRng(seed);
  const [above, below] = [Float64Array.from(over), Float64Array.from(under)];
  const ratios = new Float64Array(RESAMPLES);
  for (let at = 0; at < RESAMPLES; at++) {
    let [top, bottom] = [0, 0];
    for (let drawn = 0; drawn < length; drawn++) {
      const page = randomBelow(rng, length);
      top += above[page] ?? 0;
      bottom += below[page] ?? 0;
    }
    ratios[at] = bottom === 0 ? 0 : top / bottom;
  }
  ratios.sort();
  return [ratios[Math.floor(RESAMPLES * 0.025)] ?? 0, ratios[Math.ceil(RESAMPLES * 0.975) - 1] ?? 0];
}
