/** One thread adds while another searches the same memory; every answer is checked. */
import { type BenchCase, defineCase } from "../src/case.ts";
import { note } from "../src/note.ts";
import { measureConcurrent } from "../vector/measure/concurrent.ts";
import { optional } from "../vector/measure/figure-names.ts";
import { loadSetOrNote } from "../vector/measure/or-note.ts";
import { shareSet } from "../vector/measure/vector-set.ts";

type ConcurrentCase = {
  readonly name: string;
  readonly set: string;
  /** Indexes filled in turn, searched at random. */
  readonly spaces: number;
  readonly searches: number;
  readonly graphRowsMin?: number;
  readonly efConstruction?: number;
  readonly efSearch?: number;
  /** Whether the bars of the rates are meant for this size. */
  readonly isBarred: boolean;
};

function concurrentCase({
  name,
  set: setName,
  spaces,
  searches,
  isBarred,
  efSearch,
  ...graph
}: ConcurrentCase): BenchCase {
  const bar = (value: number) => (isBarred ? { bar: value } : {});
  const width = efSearch === undefined ? {} : { efSearch };
  return defineCase({
    name,
    title: `one writer and one reader, ${searches.toLocaleString("en-US")} searches, ${spaces} × ${setName}`,
    unit: "rows/s",
    isSelfWarming: true,
    figures: optional({
      inserts: { kind: "throughput", ...bar(50_000) },
      queries: { kind: "throughput", unit: "queries/s", ...bar(12_000) },
      p50: { kind: "latency", unit: "ms" },
      p99: { kind: "latency", unit: "ms", ...bar(0.2) },
      recall: { kind: "throughput", unit: "recall@10" },
      searches: { kind: "plain", unit: "searches" },
      wrong: { kind: "latency", unit: "searches", bar: 0 },
      short: { kind: "latency", unit: "searches", bar: 0 },
      missing: { kind: "latency", unit: "searches", bar: 0 },
    }),
    options: { set: setName, spaces, searches, k: 10, ...width, ...graph },
    setup: async () => {
      const set = await loadSetOrNote(setName);
      return set && shareSet(set);
    },
    run: async (set) => {
      if (!set) return {};
      const index = { dims: set.dims, metric: set.metric, ...graph };
      const measured = await measureConcurrent(set, { index, spaces, searchesMin: searches, ...width });
      note("one search in 64 is exact, for a copy of a row that was added; missing counts those that did not find it");
      return {
        inserts: measured.insertsPerSecond,
        queries: measured.queriesPerSecond,
        p50: measured.p50Ms,
        p99: measured.p99Ms,
        recall: measured.recall,
        ...measured.violations,
      };
    },
  });
}

const one = { set: "bge-768", spaces: 1, isBarred: true } as const;
/** Graphs from the first row on; the beam width that finds 0.97 to 0.98. */
const graph = { graphRowsMin: 0, efSearch: 100 } as const;

export const cases: readonly BenchCase[] = [
  concurrentCase({ ...one, name: "vector/concurrent", searches: 50_000 }),
  concurrentCase({ ...one, ...graph, name: "vector/concurrent-graph", searches: 150_000 }),
  concurrentCase({ ...one, ...graph, name: "vector/concurrent-graph-narrow", searches: 150_000, efConstruction: 16 }),
  concurrentCase({ ...one, ...graph, name: "vector/concurrent-million", searches: 1_000_000 }),
  concurrentCase({
    ...graph,
    name: "vector/concurrent-16-spaces",
    set: "bge-768",
    spaces: 16,
    searches: 100_000,
    isBarred: false,
  }),
  concurrentCase({ name: "vector/concurrent-100k", set: "bge-100k", spaces: 1, searches: 50_000, isBarred: false }),
];
