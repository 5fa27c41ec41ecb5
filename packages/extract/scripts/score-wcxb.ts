/**
 * Word F1 of the HTML extractor on the WCXB development split (CC-BY-4.0), per page type, for the half of the domains the
 * weights were tuned on and for the other half.
 *
 *   node --conditions=source packages/extract/scripts/score-wcxb.ts --data DIR [--half tune|held|all] [--worst N]
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { decodeText } from "../src/decode-text.ts";
import { parseHtml } from "../src/html-document.ts";

type Truth = {
  readonly url: string;
  readonly ground_truth: { readonly main_content?: string | null; readonly title: string | null };
};
type Listing = { readonly files: Record<string, { readonly page_type: string; readonly domain: string }> };
type Score = {
  readonly id: string;
  readonly type: string;
  readonly half: string;
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
  readonly ms: number;
  readonly isEmpty: boolean;
};

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    half: { type: "string", default: "all" },
    worst: { type: "string", default: "0" },
  },
});
if (!values.data) throw new Error("give the folder of wcxb-dev with --data DIR");
report(scoreAll(values.data, values.half));

/** The half is drawn by a hash of the domain, so a domain is on one side only and the draw never changes. */
function halfOf(domain: string): string {
  return (createHash("sha256").update(`millrace:${domain}`).digest()[0] ?? 0) < 128 ? "tune" : "held";
}

function scoreAll(folder: string, half: string): Score[] {
  const listing = JSON.parse(readFileSync(join(folder, "metadata.json"), "utf8")) as Listing;
  const scores: Score[] = [];
  for (const name of readdirSync(join(folder, "html")).sort()) {
    const id = name.slice(0, 4);
    const entry = listing.files[id];
    if (!entry || (half !== "all" && halfOf(entry.domain) !== half)) continue;
    const truth = JSON.parse(readFileSync(join(folder, "ground-truth", `${id}.json`), "utf8")) as Truth;
    const bytes = gunzipSync(readFileSync(join(folder, "html", name)));
    scores.push({ id, type: entry.page_type, half: halfOf(entry.domain), ...scorePage(bytes, truth) });
  }
  return scores;
}

function scorePage(bytes: Uint8Array, truth: Truth): Pick<Score, "f1" | "precision" | "recall" | "ms" | "isEmpty"> {
  const startMs = process.cpuUsage();
  const { text } = parseHtml({ html: decodeText(bytes, { isHtml: true }), url: truth.url, bytes: bytes.length });
  const cpu = process.cpuUsage(startMs);
  const ms = (cpu.user + cpu.system) / 1000;
  const got = wordsOf(text);
  const want = wordsOf(truth.ground_truth.main_content ?? "");
  let common = 0;
  for (const [word, count] of want.counts) common += Math.min(count, got.counts.get(word) ?? 0);
  const precision = got.total === 0 ? 0 : common / got.total;
  const recall = want.total === 0 ? 0 : common / want.total;
  return {
    f1: common === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    precision,
    recall,
    ms,
    isEmpty: want.total === 0,
  };
}

/** `\w+` as Python reads it: letters and digits of every script. */
function wordsOf(text: string): { readonly counts: Map<string, number>; readonly total: number } {
  const counts = new Map<string, number>();
  let total = 0;
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}_]+/gu)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
    total++;
  }
  return { counts, total };
}

function report(all: readonly Score[]): void {
  const scores = all.filter((score) => !score.isEmpty);
  for (const half of ["tune", "held"]) {
    const part = scores.filter((score) => score.half === half);
    if (part.length === 0) continue;
    console.log(line(half, part));
    for (const type of [...new Set(part.map((score) => score.type))].sort()) {
      console.log(
        line(
          `  ${type}`,
          part.filter((score) => score.type === type),
        ),
      );
    }
  }
  const times = all.map((score) => score.ms).sort((left, right) => left - right);
  console.log(`CPU ms a page: mean ${mean(times).toFixed(2)}, median ${(times[times.length >> 1] ?? 0).toFixed(2)}`);
  console.log(`pages with an empty reference, left out above: ${all.length - scores.length}`);
  for (const score of [...scores].sort((left, right) => left.f1 - right.f1).slice(0, Number(values.worst))) {
    console.log(
      score.id,
      score.type,
      `f1 ${score.f1.toFixed(3)} p ${score.precision.toFixed(3)} r ${score.recall.toFixed(3)}`,
    );
  }
}

function line(name: string, part: readonly Score[]): string {
  const figure = (pick: (score: Score) => number) => mean(part.map(pick)).toFixed(4);
  return `${name.padEnd(16)} n ${String(part.length).padStart(4)}  F1 ${figure((s) => s.f1)}  P ${figure((s) => s.precision)}  R ${figure((s) => s.recall)}`;
}

function mean(list: readonly number[]): number {
  return list.reduce((sum, value) => sum + value, 0) / Math.max(1, list.length);
}
