/** The result for a person. */
import { formatTable } from "../src/format.ts";
import type { PageScore } from "./page-score.ts";
import type { ExtractResult } from "./run-extract.ts";
import type { ExtractorFigures } from "./summary.ts";

export function describeExtract(result: ExtractResult): string {
  const all: [string, ExtractorFigures][] = [["millrace", result], ...Object.entries(result.peers)];
  const types = Object.keys(result.byType);
  const head = [
    "",
    "F1",
    "95 %",
    "P",
    "R",
    "with",
    "without",
    "< 0.5",
    "failed",
    "ms",
    "P95",
    "P99",
    "max",
    "MB/s",
    "RSS",
  ];
  const rows = all.map(([name, one]) => [
    name,
    one.f1.toFixed(3),
    one.f1Interval95.map((end) => end.toFixed(3)).join("–"),
    ...[one.precision, one.recall, one.withSnippets, one.withoutSnippets].map((value) => value.toFixed(3)),
    ...[one.pagesBelowHalf, one.failures].map(String),
    ...[one.msPerPage.mean, one.msPerPage.p95, one.msPerPage.p99, one.maxMs].map((value) => value.toFixed(2)),
    ...[one.mbPerSecond, one.rssMb].map((value) => value.toFixed(0)),
  ]);
  const byType = types.map((type) => [
    `${type} (${result.byType[type]?.pages})`,
    ...all.map(([, one]) => one.byType[type]?.f1.toFixed(3) ?? ""),
  ]);
  return [
    `${result.pages} pages, and ${result.emptyReference.pages} with an empty reference; processor time a page, one thread`,
    formatTable([head, ...rows]),
    formatTable([["F1", ...all.map(([name]) => name)], ...byType]),
    ...describePeers(result),
    describeFields(result),
  ].join("\n\n");
}

function describePeers({ peers }: ExtractResult): string[] {
  const rows = Object.entries(peers).map(([name, { pairedDifference, timesOurs }]) => [
    name,
    `${signed(pairedDifference.mean)} (${pairedDifference.interval95.map(signed).join(" … ")})`,
    `${timesOurs.ratio}× (${timesOurs.interval95.join("–")})`,
  ]);
  return rows.length === 0 ? [] : [formatTable([["ours against", "F1, paired, 95 %", "its time"], ...rows])];
}

function describeFields({ metadata }: ExtractResult): string {
  const rows = Object.entries(metadata).map(([name, { pages, right, wrong, absent }]) => [
    name,
    ...[pages, right, wrong, absent].map(String),
  ]);
  return formatTable([["field", "pages", "right", "wrong", "absent"], ...rows]);
}

/** The pages of each type that score least. */
export function describeWorst(scores: readonly PageScore[], count: number): string {
  const judged = scores.filter(({ isReferenceEmpty }) => !isReferenceEmpty).sort((one, other) => one.f1 - other.f1);
  const types = [...new Set(judged.map(({ type }) => type))].sort();
  const rows = types.flatMap((type) => judged.filter((score) => score.type === type).slice(0, count));
  return formatTable([
    ["type", "page", "F1", "P", "R", "words"],
    ...rows.map(({ type, id, f1, precision, recall, words }) => [
      ...[type, id],
      ...[f1, precision, recall].map((value) => value.toFixed(3)),
      String(words),
    ]),
  ]);
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}
