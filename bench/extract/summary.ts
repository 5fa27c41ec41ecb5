/** Scores of pages to the figures of one extractor, and to its comparison with another. */
import { FAILED_F1 } from "./limits.ts";
import type { PageScore } from "./page-score.ts";
import { bootstrapMean, bootstrapRatio, type Interval, meanOf, percentileOf } from "./statistics.ts";

export type TypeFigures = {
  readonly pages: number;
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
};

/** Means over pages whose truth is not empty; times over all pages, in milliseconds of processor time. */
export type ExtractorFigures = TypeFigures & {
  /** Of the mean F1. */
  readonly f1Interval95: Interval;
  /** Share of the snippets found, a mean over the pages that have some. */
  readonly withSnippets: number;
  readonly withoutSnippets: number;
  /** With an F1 below 0.5. */
  readonly pagesBelowHalf: number;
  readonly byType: Readonly<Record<string, TypeFigures & { readonly pagesBelowHalf: number }>>;
  /** Pages whose truth holds no word, and on how many of them something was extracted. */
  readonly emptyReference: { readonly pages: number; readonly withText: number; readonly meanWords: number };
  /** Pages on which the extractor threw, died or ran out of time. They count with an empty text. */
  readonly failures: number;
  readonly msPerPage: { readonly mean: number; readonly p50: number; readonly p95: number; readonly p99: number };
  readonly maxMs: number;
  /** Millions of bytes of HTML for each second of processor time. */
  readonly mbPerSecond: number;
  /** The most memory its process has had in use, in millions of bytes. */
  readonly rssMb: number;
};

export type Resources = { readonly bytes: number; readonly peakRssBytes: number; readonly seed: number };

export function summarize(all: readonly PageScore[], { bytes, peakRssBytes, seed }: Resources): ExtractorFigures {
  const judged = all.filter((score) => !score.isReferenceEmpty);
  const empty = all.filter((score) => score.isReferenceEmpty);
  const types = [...new Set(judged.map(({ type }) => type))].sort();
  const times = all.map(({ cpuMs }) => cpuMs);
  const totalMs = times.reduce((sum, ms) => sum + ms, 0);
  return {
    ...typeFigures(judged),
    f1Interval95: intervalOf(
      bootstrapMean(
        judged.map(({ f1 }) => f1),
        seed,
      ),
    ),
    withSnippets: share(judged.map(({ withSnippets }) => withSnippets)),
    withoutSnippets: share(judged.map(({ withoutSnippets }) => withoutSnippets)),
    pagesBelowHalf: belowHalf(judged),
    byType: Object.fromEntries(
      types.map((type) => {
        const members = judged.filter((score) => score.type === type);
        return [type, { ...typeFigures(members), pagesBelowHalf: belowHalf(members) }];
      }),
    ),
    emptyReference: {
      pages: empty.length,
      withText: empty.filter(({ words }) => words > 0).length,
      meanWords: round(meanOf(empty.map(({ words }) => words)), 1),
    },
    failures: all.filter(({ failure }) => failure !== undefined).length,
    msPerPage: {
      mean: round(meanOf(times), 3),
      p50: round(percentileOf(times, 0.5), 3),
      p95: round(percentileOf(times, 0.95), 3),
      p99: round(percentileOf(times, 0.99), 3),
    },
    maxMs: round(percentileOf(times, 1), 3),
    mbPerSecond: totalMs === 0 ? 0 : round(bytes / 1_000 / totalMs, 2),
    rssMb: round(peakRssBytes / 1e6, 1),
  };
}

/** Ours against a peer's, page by page. */
export type Comparison = {
  /** Our F1 less the peer's. */
  readonly pairedDifference: { readonly mean: number; readonly interval95: Interval };
  /** How many times as much processor time the peer takes. */
  readonly timesOurs: { readonly ratio: number; readonly interval95: Interval };
};

/** Both lists are over the same pages in the same order. */
export function compare(own: readonly PageScore[], peer: readonly PageScore[], seed: number): Comparison {
  const differences = own.flatMap((score, at) => (score.isReferenceEmpty ? [] : [score.f1 - (peer[at]?.f1 ?? 0)]));
  const ownMs = own.map(({ cpuMs }) => cpuMs);
  const peerMs = peer.map(({ cpuMs }) => cpuMs);
  return {
    pairedDifference: { mean: round(meanOf(differences), 4), interval95: intervalOf(bootstrapMean(differences, seed)) },
    timesOurs: {
      ratio: round(meanOf(peerMs) / (meanOf(ownMs) || 1), 2),
      interval95: intervalOf(bootstrapRatio(peerMs, ownMs, seed), 2),
    },
  };
}

function typeFigures(scores: readonly PageScore[]): TypeFigures {
  const mean = (pick: (score: PageScore) => number) => round(meanOf(scores.map(pick)), 4);
  return {
    pages: scores.length,
    f1: mean(({ f1 }) => f1),
    precision: mean(({ precision }) => precision),
    recall: mean(({ recall }) => recall),
  };
}

function belowHalf(scores: readonly PageScore[]): number {
  return scores.filter(({ f1 }) => f1 < FAILED_F1).length;
}

function share(shares: readonly (number | undefined)[]): number {
  return round(meanOf(shares.filter((one) => one !== undefined)), 4);
}

function intervalOf([low, high]: Interval, digits = 4): Interval {
  return [round(low, digits), round(high, digits)];
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
