import { bestBuild, type EngineBuild, engineModule } from "../kernels/engine-module.ts";
import { layoutOf, scratchPlaces, shapeOf } from "./layout.ts";

/** What a walk or a scan goes by: 1-bit signs or bytes. */
export const NAVIGATION = { none: 0, signs: 1, bytes: 2 } as const;
export type Navigation = (typeof NAVIGATION)[keyof typeof NAVIGATION];

/** Whether a thread's searches look at low bytes: as the segment says, never, always. */
export const FINENESS = { asKept: 0, coarse: 1, fine: 2 } as const;

/** What a scan of a segment with low bytes may go by besides: both bytes. */
export const BY_BOTH = 3;

/** The exports of assembly/graph/engine.ts. Addresses are bytes in the segment's memory. */
export type EngineExports = {
  readonly configure: (scratch: number) => void;
  readonly setDegree: (m: number) => void;
  readonly inputSquares: () => number;
  readonly append: (id: number) => number;
  readonly decodeRow: (row: number) => void;
  readonly prepareQuery: () => void;
  readonly prepareRow: (row: number) => void;
  readonly linkMany: (count: number, width: number, navigation: number) => number;
  readonly beginRepair: () => void;
  /** Links what is cut off, for about as long as following the links of `budget` rows takes; whether there may be more. */
  readonly repairSome: (budget: number, width: number, navigation: number) => number;
  readonly allowedShare: () => number;
  readonly resetGraph: () => void;
  readonly setFineness: (fineness: number) => void;
  readonly begin: () => void;
  readonly searchGraph: (width: number, navigation: number, rows: number, bitmap: number) => number;
  readonly scan: (
    from: number,
    to: number,
    width: number,
    navigation: number,
    bitmap: number,
    unseen: number,
  ) => number;
  /** Copies which rows are alive to `allowed`; returns how many, of `snapshotRows`. */
  readonly snapshot: () => number;
  readonly snapshotRows: () => number;
  readonly finish: (k: number, bitmap: number) => number;
  readonly visited: () => number;
};

/** One thread's hold on a segment's memory: the compiled engine over it, with scratch space of its own. */
export class SegmentEngine {
  readonly exports: EngineExports;
  readonly #inputs: Float32Array;
  readonly #foundRows: Uint32Array;
  readonly #foundScores: Float32Array;
  readonly #beam: Uint32Array;
  /** Address and words of a bitmap that the thread may fill. */
  readonly allowedAt: number;
  readonly allowed: Uint32Array;

  /** `slot`: which scratch space; no two threads may use one at a time. */
  constructor(memory: WebAssembly.Memory, slot: number, build: EngineBuild = bestBuild()) {
    const instance = new WebAssembly.Instance(engineModule(build), { env: { memory } });
    this.exports = instance.exports as unknown as EngineExports;
    const words = new Uint32Array(memory.buffer);
    const shape = shapeOf(words);
    const layout = layoutOf(shape);
    const places = scratchPlaces(layout, shape.capacity);
    const scratch = layout.scratchAt + slot * layout.scratchBytes;
    const numbers = new Float32Array(memory.buffer);
    this.#inputs = numbers.subarray(scratch / 4, scratch / 4 + shape.dims);
    this.#foundRows = words.subarray((scratch + places.found) / 4);
    this.#foundScores = numbers.subarray((scratch + places.found) / 4);
    this.#beam = words.subarray((scratch + places.beam) / 4);
    this.allowedAt = scratch + places.allowed;
    this.allowed = words.subarray(this.allowedAt / 4, this.allowedAt / 4 + Math.ceil(shape.capacity / 32));
    this.exports.configure(scratch);
  }

  /** The numbers of the vector to be appended or asked for. */
  get input(): Float32Array {
    return this.#inputs;
  }

  /** Row at a place of the beam, best first: the low half of its key without the lowest bit. */
  beamRow(at: number): number {
    return (this.#beam[at * 2] ?? 0) >>> 1;
  }

  /** Row of the `at`-th result of the last `finish`, best first. */
  foundRow(at: number): number {
    return this.#foundRows[at * 2] ?? 0;
  }

  foundScore(at: number): number {
    return this.#foundScores[at * 2 + 1] ?? 0;
  }
}
