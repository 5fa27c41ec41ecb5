/** Families of Prometheus' text format 0.0.4. */
import type { Histogram } from "@millrace/core";

/** Upper bounds of buckets for latencies, in seconds. */
export const LATENCY_BOUNDS_S = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** For what happens within a turn of the event loop. */
export const SHORT_BOUNDS_S = [
  0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1,
];

/** For numbers of things. */
export const COUNT_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000];

export type Pairs = readonly (readonly [label: string, value: number])[];

export function counter(name: string, help: string, value: number): string {
  return `${head(name, "counter", help)}${name} ${value}\n`;
}

export function gauge(name: string, help: string, value: number): string {
  return `${head(name, "gauge", help)}${name} ${value}\n`;
}

/** A family with one label. Its values must come from a closed list or be the top few of an open one (I12). */
export function labelled(
  name: string,
  { type, help, label }: { type: "counter" | "gauge"; help: string; label: string },
  pairs: Pairs,
): string {
  const lines = pairs.map(([value, number]) => `${name}{${label}="${escaped(value)}"} ${number}\n`);
  return head(name, type, help) + lines.join("");
}

export type Rows = readonly (readonly [labels: readonly string[], value: number])[];

/** A family with several labels, a value for each in every row. They must all come from closed lists (I12). */
export function crossed(
  name: string,
  { type, help, labels }: { type: "counter" | "gauge"; help: string; labels: readonly string[] },
  rows: Rows,
): string {
  const pairsOf = (values: readonly string[]) => labels.map((label, at) => `${label}="${escaped(values[at] ?? "")}"`);
  const lines = rows.map(([values, number]) => `${name}{${pairsOf(values).join(",")}} ${number}\n`);
  return head(name, type, help) + lines.join("");
}

/** Durations that were recorded in microseconds. */
export function durations(name: string, help: string, micros: Histogram, boundsS = LATENCY_BOUNDS_S): string {
  const buckets = boundsS.map((bound) => [bound, micros.countAtMost(bound * 1e6)] as const);
  return histogram(name, help, { buckets, sum: micros.sum / 1e6, count: micros.count });
}

export function counts(name: string, help: string, histogramOf: Histogram): string {
  const buckets = COUNT_BOUNDS.map((bound) => [bound, histogramOf.countAtMost(bound)] as const);
  return histogram(name, help, { buckets, sum: histogramOf.sum, count: histogramOf.count });
}

type Buckets = {
  readonly buckets: readonly (readonly [bound: number, count: number])[];
  readonly sum: number;
  readonly count: number;
};

function histogram(name: string, help: string, { buckets, sum, count }: Buckets): string {
  const lines = buckets.map(([bound, seen]) => `${name}_bucket{le="${bound}"} ${seen}\n`).join("");
  return `${head(name, "histogram", help)}${lines}${name}_bucket{le="+Inf"} ${count}\n${name}_sum ${sum}\n${name}_count ${count}\n`;
}

function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** Label values may be what a client sent. */
function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (sign) => (sign === "\n" ? "\\n" : `\\${sign}`));
}
