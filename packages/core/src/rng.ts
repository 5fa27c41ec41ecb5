/** Numbers in [0, 1). Seeded in tests and benchmarks so that a run can be repeated. */
export type Rng = () => number;

/** mulberry32 (Tommy Ettinger, public domain): 32 bits of state, period 2^32; for simulation and jitter, not for secrets. */
export function createRng(seed: number): Rng {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** An integer in [0, below). */
export function randomBelow(rng: Rng, below: number): number {
  return Math.floor(rng() * below);
}
