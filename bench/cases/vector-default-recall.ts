/** An index as it is made without any option, on data of several kinds: whether it reaches what it promises, and what that costs. */
import { type BenchCase, defineCase, type Figure } from "../src/case.ts";
import { DATA_SET_NAMES } from "../vector/data/data-set.ts";
import { MillraceContender } from "../vector/measure/contender.ts";
import { optional } from "../vector/measure/figure-names.ts";
import { insertRows } from "../vector/measure/insert-rows.ts";
import { loadSetOrNote } from "../vector/measure/or-note.ts";
import { searchQueries } from "../vector/measure/search-queries.ts";
import { rowsIn } from "../vector/measure/vector-set.ts";
import { warmUp } from "../vector/measure/warm-up.ts";

/** Other targets that the same index is searched with. */
const TARGETS = { 90: 0.9, 99: 0.99 } as const;

const recall: Figure = { kind: "throughput", unit: "recall@10" };

function defaultCase(setName: string): BenchCase {
  return defineCase({
    name: `vector/default-recall-${setName}`,
    title: `an index with no option set (recall: 0.95), one core, ${setName}`,
    unit: "queries/s",
    isSelfWarming: true,
    figures: optional({
      recall: { ...recall, bar: 0.95 },
      queries: { kind: "throughput" },
      p50: { kind: "latency", unit: "ms" },
      p99: { kind: "latency", unit: "ms" },
      inserts: { kind: "throughput", unit: "rows/s a core" },
      build: { kind: "latency", unit: "s" },
      bytes: { kind: "latency", unit: "bytes a row" },
      recallWhen90: { ...recall, bar: 0.9 },
      queriesWhen90: { kind: "throughput" },
      recallWhen99: { ...recall, bar: 0.99 },
      queriesWhen99: { kind: "throughput" },
    }),
    options: { set: setName, k: 10 },
    setup: () => loadSetOrNote(setName),
    run: async (set) => {
      if (!set) return {};
      const options = { dims: set.dims, metric: set.metric };
      await warmUp(options, set);
      const contender = new MillraceContender(options);
      const built = await insertRows(contender, set);
      const found = await searchQueries(contender, set, { secondsMin: 1, secondsMax: 20 });
      contender.setRecall(TARGETS[90]);
      const when90 = await searchQueries(contender, set, { secondsMax: 10 });
      contender.setRecall(TARGETS[99]);
      const when99 = await searchQueries(contender, set, { secondsMax: 10 });
      const bytes = contender.index.bytes / rowsIn(set);
      await contender.close();
      return {
        recall: found.recall,
        queries: found.queriesPerSecond,
        p50: found.p50Ms,
        p99: found.p99Ms,
        inserts: built.perCore,
        build: built.seconds,
        bytes,
        recallWhen90: when90.recall,
        queriesWhen90: when90.queriesPerSecond,
        recallWhen99: when99.recall,
        queriesWhen99: when99.queriesPerSecond,
      };
    },
  });
}

export const cases: readonly BenchCase[] = DATA_SET_NAMES.map(defaultCase);
