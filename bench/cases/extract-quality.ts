/** Main content found on real pages, by the model of each page's fold: F1 over all and by type, beside rs-trafilatura in the same run. */
import { peersOrNote } from "../extract/peers-or-note.ts";
import { runExtract } from "../extract/run-extract.ts";
import { openWcxb } from "../extract/wcxb.ts";
import { type BenchCase, defineCase, type Figure, type Measurement } from "../src/case.ts";

const score = (bar?: number): Figure => ({ kind: "throughput", unit: "F1", isOptional: true, ...(bar ? { bar } : {}) });
const share = (kind: Figure["kind"], bar?: number): Figure => ({
  kind,
  unit: "found",
  isOptional: true,
  ...(bar ? { bar } : {}),
});
const time = (bar?: number): Figure => ({ kind: "latency", unit: "ms", isOptional: true, ...(bar ? { bar } : {}) });

const BY_TYPE: Readonly<Record<string, number>> = {
  article: 0.955,
  documentation: 0.945,
  service: 0.855,
  forum: 0.79,
  listing: 0.72,
  collection: 0.7,
  product: 0.68,
};

const FIELDS = ["title", "author", "published"] as const;
const right: Figure = { kind: "throughput", unit: "right", isOptional: true };

const quality = defineCase({
  name: "extract/quality",
  title: "wcxb-dev, models of five folds by domain; times are of one thread, text, Markdown and metadata",
  unit: "F1",
  isSelfWarming: true,
  figures: {
    f1: score(0.875),
    precision: score(),
    recall: score(),
    ...Object.fromEntries(Object.entries(BY_TYPE).map(([type, bar]) => [type, score(bar)])),
    with: share("throughput"),
    without: share("latency", 0.06),
    belowHalf: { kind: "latency", unit: "pages", isOptional: true },
    emptyReference: { kind: "plain", unit: "pages", isOptional: true },
    mean: time(2.5),
    p50: time(),
    p95: time(),
    p99: time(),
    max: time(250),
    throughput: { kind: "throughput", unit: "MB/s", isOptional: true },
    rss: { kind: "latency", unit: "MB", isOptional: true },
    ...Object.fromEntries(FIELDS.map((field) => [field, right])),
    trafilaturaF1: { kind: "plain", unit: "F1", isOptional: true },
    trafilaturaBelowHalf: { kind: "plain", unit: "pages", isOptional: true },
    overTrafilatura: { kind: "plain", unit: "F1", isOptional: true },
    overTrafilaturaLow: { kind: "plain", unit: "F1", isOptional: true },
    overTrafilaturaHigh: { kind: "plain", unit: "F1", isOptional: true },
    overTrafilaturaTextLow: { kind: "plain", unit: "F1", isOptional: true },
    timesTrafilatura: { kind: "throughput", unit: "×", bar: 4, isOptional: true },
  },
  options: { set: "wcxb-dev", folds: 5, resamples: 5_000, seed: 1 },
  setup: () => openWcxb(),
  run: async (judged): Promise<Measurement> => {
    if (!judged) return {};
    const peers = await peersOrNote(["trafilatura", "trafilatura-text"]);
    const { result } = await runExtract({ ...judged, peers, seed: 1 });
    const { trafilatura, "trafilatura-text": ownText } = result.peers;
    const known = Object.keys(BY_TYPE).filter((type) => result.byType[type]);
    return {
      ...{ f1: result.f1, precision: result.precision, recall: result.recall },
      ...Object.fromEntries(known.map((type) => [type, result.byType[type]?.f1 ?? 0])),
      ...{ with: result.withSnippets, without: result.withoutSnippets, belowHalf: result.pagesBelowHalf },
      ...{ emptyReference: result.emptyReference.pages, ...result.msPerPage, max: result.maxMs },
      ...{ throughput: result.mbPerSecond, rss: result.rssMb },
      ...Object.fromEntries(FIELDS.map((field) => [field, result.metadata[field].right])),
      ...(trafilatura && {
        trafilaturaF1: trafilatura.f1,
        trafilaturaBelowHalf: trafilatura.pagesBelowHalf,
        overTrafilatura: trafilatura.pairedDifference.mean,
        overTrafilaturaLow: trafilatura.pairedDifference.interval95[0],
        overTrafilaturaHigh: trafilatura.pairedDifference.interval95[1],
        timesTrafilatura: trafilatura.timesOurs.ratio,
      }),
      ...(ownText && { overTrafilaturaTextLow: ownText.pairedDifference.interval95[0] }),
    };
  },
});

export const cases: readonly BenchCase[] = [quality];
