/** Observations of few and of many spaces, evenly and not: more of them than the engine can take, so that the rate is its own. */
import { ingestCase } from "../ingest/ingest-case.ts";
import type { BenchCase } from "../src/case.ts";

const RATE = 150_000;
const SPACES = [1, 2, 4, 8, 64, 512];

export const cases: readonly BenchCase[] = [
  ...SPACES.map((spaces) =>
    ingestCase({
      name: `spaces-${spaces}`,
      title: spaces === 1 ? "one space" : `${spaces} spaces in turn`,
      run: { rate: RATE, spaces },
    }),
  ),
  ingestCase({
    name: "skew-90-10",
    title: "90 % of the batches into one space of ten",
    run: { rate: RATE, spaces: 10, hot: 0.9 },
  }),
  ingestCase({
    name: "skew-zipf",
    title: "64 spaces by Zipf's law, exponent 1",
    run: { rate: RATE, spaces: 64, skew: 1 },
  }),
  ingestCase({
    name: "hot-space",
    title: "all batches into one space of eight",
    run: { rate: RATE, spaces: 8, hot: 1 },
  }),
];
