import {
  BLOCK_ROWS,
  createFlatIndex,
  createKernel,
  type FlatIndex,
  KERNEL_NAMES,
  type KernelName,
} from "@millrace/vector";
import { type BenchCase, defineCase } from "../src/case.ts";
import { clusteredVectors } from "../src/clustered.ts";
import { nanosecondsPerCall, timeCalls } from "../src/time.ts";

/** Block and scratch addresses in the memory of a scan case. */
const BLOCK = 65_536;
const OUT = 32_768;

/** One block, which stays in the L2 cache: the cost of the arithmetic, without that of fetching rows. */
function scanCase(dims: number): BenchCase {
  const stride = Math.ceil(dims / 16) * 16;
  return defineCase({
    name: `vector/distance-${dims}`,
    title: `one i8 distance of ${dims} dimensions, rows in cache`,
    unit: "ns",
    figures: { relaxed: { kind: "latency" }, simd: { kind: "latency" }, scalar: { kind: "latency" } },
    options: { dims, rows: BLOCK_ROWS },
    setup: () => {
      const memory = new WebAssembly.Memory({ initial: 20, maximum: 20, shared: true });
      const codes = clusteredVectors(BLOCK_ROWS, stride).map((value) => Math.round(value * 127));
      new Int8Array(memory.buffer, BLOCK, codes.length).set(codes);
      const scales = (BLOCK + BLOCK_ROWS * stride) / 4;
      new Float32Array(memory.buffer).fill(1, scales, scales + BLOCK_ROWS);
      return { memory, query: Int8Array.from(codes.subarray(0, stride)) };
    },
    run: ({ memory, query }) => {
      const measure = (name: KernelName) => {
        const kernel = createKernel(name, memory);
        kernel.writeQuery(query, 0);
        const args = { block: BLOCK, rows: BLOCK_ROWS, stride, query: 0, alpha: 1, base: 0, threshold: 1e30, out: OUT };
        const calls = name === "scalar" ? 100 : 4_000;
        return nanosecondsPerCall(calls, () => kernel.scan(args)) / BLOCK_ROWS;
      };
      return Object.fromEntries(KERNEL_NAMES.map((name) => [name, measure(name)]));
    },
  });
}

function fill(count: number, dims: number): FlatIndex {
  const index = createFlatIndex({ dims, metric: "cosine" });
  index.addMany(
    Uint32Array.from({ length: count }, (_, id) => id),
    clusteredVectors(count, dims),
  );
  return index;
}

function searchCase(label: string, count: number, dims: number): BenchCase {
  const queries = 200;
  return defineCase({
    name: `vector/search-${label}-${dims}`,
    title: `the 10 nearest of ${count.toLocaleString("en-US")} rows of ${dims} dimensions, one thread`,
    unit: "queries/s",
    figures: {
      queries: { kind: "throughput" },
      p50: { kind: "latency", unit: "µs" },
      p99: { kind: "latency", unit: "µs" },
    },
    options: { count, dims, k: 10, queries, data: "clustered, seed 1" },
    setup: () => ({ index: fill(count, dims), queries: clusteredVectors(queries, dims, { stream: 1 }) }),
    run: ({ index, queries: vectors }) => {
      const times = timeCalls(queries, (at) => index.search(vectors.subarray(at * dims, (at + 1) * dims), 10));
      return { queries: times.perSecond, p50: times.p50Us, p99: times.p99Us };
    },
  });
}

const add = defineCase({
  name: "vector/add-768",
  title: "adding rows of 768 dimensions, quantised as they come",
  unit: "rows/s",
  figures: { rows: { kind: "throughput" } },
  options: { count: 5_000, dims: 768 },
  setup: () => clusteredVectors(5_000, 768),
  run: (vectors) => {
    const index = createFlatIndex({ dims: 768, metric: "cosine" });
    const ns = nanosecondsPerCall(5_000, (at) => index.add(at, vectors.subarray(at * 768, (at + 1) * 768)));
    return { rows: 1e9 / ns };
  },
});

export const cases: readonly BenchCase[] = [
  ...[100, 256, 384, 768].map(scanCase),
  searchCase("10k", 10_000, 256),
  searchCase("100k", 100_000, 256),
  add,
];
