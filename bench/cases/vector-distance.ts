import { createRng, type Rng, randomBelow } from "@millrace/core";
import { type CodesArray, type CodesKind, createDistances, type DistanceBuild, type MeasureOf } from "@millrace/vector";
import { type BenchCase, defineCase } from "../src/case.ts";
import { nanosecondsPerCall } from "../src/time.ts";

/** Rows of a trial in cache: with the query they leave most of a 2 MB L2 free. */
const HOT_BYTES = 512 * 1_024;
/** Rows of a trial out of cache lie in this many bytes: 16 times an L3 of 32 MB. */
const COLD_BYTES = 512 * 1_024 ** 2;
const HOT_DISTANCES = 100_000;
const COLD_DISTANCES = 30_000;
/** Different rows; they are written again and again, since only their places matter. */
const PATTERN_ROWS = 512;
/** Written before a trial out of cache: more than an L3 holds. */
const EVICTING_BYTES = 128 * 1_024 ** 2;

type Trial<Kind extends CodesKind> = {
  readonly codes: Kind;
  readonly measure: MeasureOf<Kind>;
  readonly build?: DistanceBuild;
};

/** Nanoseconds a distance takes in cache and out of it. */
type Timed = (evicting: Uint8Array) => { readonly hot: number; readonly cold: number };

function trialOf<Kind extends CodesKind>(dims: number, { codes, measure, build }: Trial<Kind>): Timed {
  const rng = createRng(dims);
  const pattern = vectorsOf(codes, rng, dims) as CodesArray<Kind>;
  const elements = pattern.length / PATTERN_ROWS;
  const rowBytes = pattern.byteLength / PATTERN_ROWS;
  const rows = Math.floor(COLD_BYTES / rowBytes);
  const distances = createDistances({ dims, codes, rows, ...(build ? { build } : {}) });
  distances.setRows(0, pattern);
  const hotRows = Math.min(PATTERN_ROWS, Math.floor(HOT_BYTES / rowBytes));
  const hot = Uint32Array.from({ length: HOT_DISTANCES }, () => randomBelow(rng, hotRows));
  const cold = Uint32Array.from({ length: COLD_DISTANCES }, () => randomBelow(rng, rows));
  for (const [at, row] of cold.entries()) {
    const from = (at % PATTERN_ROWS) * elements;
    distances.setRows(row, pattern.subarray(from, from + elements) as CodesArray<Kind>);
  }
  const query = (
    measure === "levels" ? Uint8Array.from({ length: dims }, () => randomBelow(rng, 16)) : pattern.subarray(0, elements)
  ) as CodesArray<Kind>;
  const time = (list: Uint32Array) => {
    const out = new Float32Array(list.length);
    return nanosecondsPerCall(1, () => distances.measure(measure, query, { list, out })) / list.length;
  };
  return (evicting) => {
    const inCache = time(hot);
    evicting.fill((evicting[0] ?? 0) + 1);
    return { hot: inCache, cold: time(cold) };
  };
}

function vectorsOf(codes: CodesKind, rng: Rng, dims: number): CodesArray<CodesKind> {
  if (codes === "f32") return Float32Array.from({ length: PATTERN_ROWS * dims }, () => rng() * 2 - 1);
  if (codes === "i8") return Int8Array.from({ length: PATTERN_ROWS * dims }, () => randomBelow(rng, 255) - 127);
  return Uint8Array.from({ length: PATTERN_ROWS * Math.ceil(dims / 8) }, () => randomBelow(rng, 256));
}

function distanceCase(dims: number): BenchCase {
  return defineCase({
    name: `vector/distance-${dims}`,
    title: `one distance of ${dims} dimensions, rows in cache and (cold) in random order over 512 MB`,
    unit: "ns",
    figures: {
      hamming: { kind: "latency" },
      hammingCold: { kind: "latency" },
      levels: { kind: "latency" },
      levelsCold: { kind: "latency" },
      i8Plain: { kind: "latency" },
      i8PlainCold: { kind: "latency" },
      i8Relaxed: { kind: "latency" },
      i8RelaxedCold: { kind: "latency" },
      f32: { kind: "latency" },
      f32Cold: { kind: "latency" },
    },
    options: { dims, hotBytes: HOT_BYTES, coldBytes: COLD_BYTES },
    setup: () => ({
      evicting: new Uint8Array(EVICTING_BYTES),
      trials: {
        hamming: trialOf(dims, { codes: "bits", measure: "hamming" }),
        levels: trialOf(dims, { codes: "bits", measure: "levels" }),
        i8Plain: trialOf(dims, { codes: "i8", measure: "dot", build: "simd" }),
        i8Relaxed: trialOf(dims, { codes: "i8", measure: "dot", build: "relaxed" }),
        f32: trialOf(dims, { codes: "f32", measure: "dot" }),
      },
    }),
    run: ({ evicting, trials }) => {
      const figures: Record<string, number> = {};
      for (const [name, trial] of Object.entries(trials)) {
        const { hot, cold } = trial(evicting);
        figures[name] = hot;
        figures[`${name}Cold`] = cold;
      }
      return figures;
    },
  });
}

export const cases: readonly BenchCase[] = [100, 384, 768, 1_536].map(distanceCase);
