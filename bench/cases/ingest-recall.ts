/** Recalls while observations come in, and the named profiles. */
import { type IngestCase, ingestCase } from "../ingest/ingest-case.ts";
import type { BenchCase } from "../src/case.ts";

const RECALLS = [1, 10, 50, 100];

/** Each with a load that it is meant for. */
const PROFILES: readonly Omit<IngestCase, "name" | "title">[] = [
  { engine: { profile: "production" }, run: { recalls: 50 } },
  { engine: { profile: "low-latency" }, run: { rate: 20_000, recalls: 50 }, bars: { searchableP99: 10 } },
  { engine: { profile: "high-throughput" }, run: { rate: 150_000, recalls: 10 } },
  { engine: { profile: "resource-constrained" }, run: { rate: 20_000, recalls: 10 }, bars: { rss: 1_024 } },
  { engine: { profile: "multi-tenant" }, run: { rate: 50_000, spaces: 64, skew: 1, recalls: 50 } },
  { engine: { profile: "edge" }, run: { rate: 5_000, spaces: 2, recalls: 5 }, bars: { rss: 512 } },
];

export const cases: readonly BenchCase[] = [
  ...RECALLS.map((recalls) =>
    ingestCase({
      name: `recall-${recalls}`,
      title: `${recalls} ${recalls === 1 ? "recall" : "recalls"}/s while 100,000 observations/s come in`,
      run: { recalls },
      bars: { recall: 0.95, searchableP99: 50, recallP99: 20 },
    }),
  ),
  ...PROFILES.map((one) =>
    ingestCase({ ...one, name: `profile-${one.engine?.profile}`, title: `profile ${one.engine?.profile}` }),
  ),
];
