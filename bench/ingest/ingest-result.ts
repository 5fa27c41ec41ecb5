/** What `bench ingest` prints. */
import type { Histogram } from "@millrace/core";
import { formatNumber, formatTable } from "../src/format.ts";

/** Milliseconds, from the intended time; null when there was nothing to measure. */
export type Percentiles = { readonly p50: number | null; readonly p99: number | null };

export type IngestResult = {
  /** Observations that the producer was to send, and did. */
  readonly sent: number;
  readonly accepted: number;
  /** Observations in the form that the index keeps, dead letters not among them. */
  readonly indexed: number;
  readonly refused: number;
  /** By the time from the first intended sending to the last observation indexed. */
  readonly indexedPerSecond: number;
  /** After the load, when all is indexed; null when a space holds nothing. */
  readonly recallAt10: number | null;
  readonly acceptedMs: Percentiles;
  readonly durableMs: Percentiles;
  readonly searchableMs: Percentiles;
  readonly indexedMs: Percentiles;
  readonly recallMs: Percentiles;
  /** Most resident memory from the load on, and what it was when the settle time was over. */
  readonly rssMb: number;
  readonly rssAfterSettleMb: number;
  readonly durable: number;
  readonly searchable: number;
  readonly deadLetters: number;
  /** Refused observations by code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Sent and accepted, by the time that sending took. */
  readonly offeredPerSecond: number;
  readonly acceptedPerSecond: number;
  /** By the time from the first intended sending to the last observation on disk. */
  readonly durablePerSecond: number;
  /** How late the producer was: a part of every latency. */
  readonly lateMs: Percentiles;
  readonly recalls: number;
  readonly recallsFailed: number;
  readonly recallsPerSecond: number;
  /** Of answers during the load, against what was searchable when they were asked for. */
  readonly recallAt10UnderLoad: number | null;
  /** Answers that named rows which their space does not hold. */
  readonly ghosts: number;
  /** Queries that recallAt10 was judged by. */
  readonly judged: number;
  readonly spaces: number;
  /** How often the file was gone through, in the space that holds most. */
  readonly passes: number;
  /** Resident memory before the engine was opened: the program and the files. */
  readonly rssBeforeMb: number;
  /** By how much memory rose in the settle time above what it was at its beginning; null without one. */
  readonly rssGrowthPercent: number | null;
  /** Cores used during the load by all threads of the process that is measured: where the engine is. */
  readonly cpuCores: number;
  /** What one observation costs the producer: to be made, and to be taken by the engine. */
  readonly makeMicros: number;
  readonly submitMicros: number;
  readonly seconds: number;
};

/** Why the run counts for nothing; none when it is sound. */
export function problemsOf(result: IngestResult): string[] {
  const { sent, accepted, indexed, refused, deadLetters, ghosts } = result;
  const problems: string[] = [];
  if (sent !== indexed + refused) {
    const dead = deadLetters > 0 ? `, ${deadLetters} on the dead-letter list` : "";
    problems.push(
      `sent ${sent} is not indexed ${indexed} + refused ${refused}: ${sent - indexed - refused} lost${dead}`,
    );
  }
  if (sent !== accepted + refused) problems.push(`sent ${sent} is not accepted ${accepted} + refused ${refused}`);
  if (ghosts > 0) problems.push(`${ghosts} answers were rows that their space does not hold`);
  return problems;
}

/** Of a histogram of microseconds. */
export function percentilesOf(micros: Histogram): Percentiles {
  if (micros.count === 0) return { p50: null, p99: null };
  return { p50: rounded(micros.quantile(0.5) / 1_000), p99: rounded(micros.quantile(0.99) / 1_000) };
}

/** To five significant digits: more would be noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(5));
}

export function describeResult(result: IngestResult): string {
  const count = (value: number) => formatNumber(value);
  const rate = (value: number) => `${formatNumber(value)}/s`;
  const share = (value: number | null) => (value === null ? "–" : value.toFixed(4));
  const refusals = Object.entries(result.refusals).map(([code, refused]) => `${code} ${count(refused)}`);
  const numbers = formatTable([
    ["sent", count(result.sent), rate(result.offeredPerSecond)],
    ["accepted", count(result.accepted), rate(result.acceptedPerSecond)],
    ["durable", count(result.durable), rate(result.durablePerSecond)],
    ["indexed", count(result.indexed), rate(result.indexedPerSecond)],
    ["refused", count(result.refused), refusals.join(", ")],
    ["recall@10", share(result.recallAt10), `${share(result.recallAt10UnderLoad)} under load`],
    ["recalls", count(result.recalls), rate(result.recallsPerSecond)],
    ["memory", `${count(result.rssMb)} MB`, `${count(result.rssAfterSettleMb)} MB after`],
    [
      "processor",
      `${formatNumber(result.cpuCores)} cores`,
      `${formatNumber(result.makeMicros + result.submitMicros)} µs to send one`,
    ],
  ]);
  return `${numbers}\n\n${formatTable([["ms from intended", "p50", "p99"], ...latencyRows(result)])}`;
}

function latencyRows(result: IngestResult): string[][] {
  const names = ["lateMs", "acceptedMs", "durableMs", "searchableMs", "indexedMs", "recallMs"] as const;
  const cell = (value: number | null) => (value === null ? "–" : formatNumber(value));
  return names.map((name) => [name.replace("Ms", ""), cell(result[name].p50), cell(result[name].p99)]);
}
