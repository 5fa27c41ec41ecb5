import { createRng, Histogram } from "@millrace/core";
import { type BenchCase, defineCase } from "../src/case.ts";
import { nanosecondsPerCall } from "../src/time.ts";

const CALLS = 2_000_000;

const histogramRecord = defineCase({
  name: "core/histogram-record",
  title: "one record into a histogram",
  unit: "ns",
  figures: { record: { kind: "latency", bar: 50 } },
  options: { calls: CALLS },
  setup: () => {
    const rng = createRng(1);
    return { histogram: new Histogram(), values: Float64Array.from({ length: 4_096 }, () => Math.exp(rng() * 16)) };
  },
  run: ({ histogram, values }) => ({
    record: nanosecondsPerCall(CALLS, (at) => histogram.record(values[at & 4_095] ?? 0)),
  }),
});

export const cases: readonly BenchCase[] = [histogramRecord];
