/** Which space each batch goes to. */
import { createRng, type Rng } from "@millrace/core";

export type SpaceChoiceOptions = {
  readonly spaces: number;
  /** Zipf's exponent; 0: all alike. */
  readonly skew: number;
  /** Share of the batches that go to the first tenth of the spaces (one at least); undefined: by skew. */
  readonly hot: number | undefined;
  readonly seed: number;
};

/** The space of the next batch, again and again: in turn when all are alike, else by chance from the seed. */
export function createSpaceChoice({ spaces, skew, hot, seed }: SpaceChoiceOptions): () => number {
  if (hot !== undefined) return byWeight(hotWeights(spaces, hot), createRng(seed));
  if (skew === 0) return inTurn(spaces);
  return byWeight(
    Array.from({ length: spaces }, (_, at) => (at + 1) ** -skew),
    createRng(seed),
  );
}

function inTurn(spaces: number): () => number {
  let next = 0;
  return () => {
    const chosen = next;
    next = (next + 1) % spaces;
    return chosen;
  };
}

function hotWeights(spaces: number, hot: number): number[] {
  const hotSpaces = Math.max(1, Math.floor(spaces / 10));
  const rest = spaces - hotSpaces;
  return Array.from({ length: spaces }, (_, at) => (at < hotSpaces ? hot / hotSpaces : (1 - hot) / rest));
}

function byWeight(weights: readonly number[], rng: Rng): () => number {
  let sum = 0;
  const ends = Float64Array.from(weights, (weight) => {
    sum += weight;
    return sum;
  });
  return () => {
    const place = rng() * sum;
    let [low, high] = [0, ends.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (place < (ends[middle] ?? 0)) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
