import { createRng, type Rng } from "@millrace/core";

/** Shapes of data an index must survive, each a generator of one vector. */
export const DISTRIBUTIONS = {
  uniform: (rng: Rng, dims: number) => Float32Array.from({ length: dims }, () => rng() * 2 - 1),
  clustered: (rng: Rng, dims: number) => {
    const centre = createRng(Math.floor(rng() * 4));
    return Float32Array.from({ length: dims }, () => centre() * 2 - 1 + (rng() - 0.5) * 0.01);
  },
  tiny: (rng: Rng, dims: number) => Float32Array.from({ length: dims }, () => (rng() * 2 - 1) * 1e-18),
  duplicates: (rng: Rng, dims: number) => {
    const which = createRng(Math.floor(rng() * 3));
    return Float32Array.from({ length: dims }, () => which() * 2 - 1);
  },
  dominant: (rng: Rng, dims: number) =>
    Float32Array.from({ length: dims }, (_, at) => (at === 0 ? 50 + rng() : rng() * 2 - 1)),
  sparse: (rng: Rng, dims: number) => Float32Array.from({ length: dims }, () => (rng() < 0.9 ? 0 : rng() * 2 - 1)),
} as const;

export type Distribution = keyof typeof DISTRIBUTIONS;
