import { createRng, Histogram, Ring } from "@millrace/core";
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

const ringPush = defineCase({
  name: "core/ring-push",
  title: "one push into a full ring of 1,024 items and 64 KiB",
  unit: "ns",
  figures: { push: { kind: "latency" } },
  options: { calls: CALLS, countMax: 1_024, bytesMax: 65_536 },
  setup: () => new Ring<number>({ countMax: 1_024, bytesMax: 65_536 }),
  run: (ring) => ({ push: nanosecondsPerCall(CALLS, (at) => ring.push(at, 16 + (at & 127))) }),
});

export const cases: readonly BenchCase[] = [histogramRecord, ringPush];
