/** nDCG@10, recall@10 and a paired bootstrap over questions. */
import { createRng, randomBelow } from "@millrace/core";

const AT = 10;

/** Normalised discounted cumulative gain of the first ten, gain 2^grade − 1. */
export function ndcgAt10(ranked: readonly number[], grades: ReadonlyMap<number, number>): number {
  const gain = (grade: number, at: number) => (2 ** grade - 1) / Math.log2(at + 2);
  const best = [...grades.values()].sort((a, b) => b - a).slice(0, AT);
  const ideal = best.reduce((sum, grade, at) => sum + gain(grade, at), 0);
  const found = ranked.slice(0, AT).reduce((sum, id, at) => sum + gain(grades.get(id) ?? 0, at), 0);
  return ideal === 0 ? 0 : found / ideal;
}

/** The share of what answers that is in the first ten. */
export function recallAt10(ranked: readonly number[], grades: ReadonlyMap<number, number>): number {
  const found = ranked.slice(0, AT).filter((id) => grades.has(id)).length;
  return grades.size === 0 ? 0 : found / Math.min(grades.size, AT);
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

export type Interval = { readonly mean: number; readonly low: number; readonly high: number };

/** The mean of `ours − theirs` per question with its 95 % interval, from 10,000 resamples of the questions. Seeded. */
export function pairedDifference(ours: readonly number[], theirs: readonly number[], seed = 1): Interval {
  const differences = ours.map((value, at) => value - (theirs[at] as number));
  const rng = createRng(seed);
  const means = Array.from({ length: 10_000 }, () => {
    let sum = 0;
    for (let draw = 0; draw < differences.length; draw++)
      sum += differences[randomBelow(rng, differences.length)] as number;
    return sum / differences.length;
  }).sort((a, b) => a - b);
  return { mean: mean(differences), low: means[250] as number, high: means[9_749] as number };
}
