/** Each peer over real pages, page by page beside ours: quality, processor time, memory. */

import { PEER_NAMES, type PeerName } from "../extract/peers/peer.ts";
import { peersOrNote } from "../extract/peers-or-note.ts";
import { runExtract } from "../extract/run-extract.ts";
import { openWcxb } from "../extract/wcxb.ts";
import { type BenchCase, defineCase, type Figure, type Measurement } from "../src/case.ts";

/** Peers that take a tenth of a second a page get fewer, so that a case ends within its time. */
const PAGES: Readonly<Partial<Record<PeerName, number>>> = { "readability-jsdom": 500, defuddle: 500 };
/** How many times as much processor time the peer must take. */
const BARS: Readonly<Partial<Record<PeerName, number>>> = { trafilatura: 4, "readability-linkedom": 8 };

const plain = (unit: string): Figure => ({ kind: "plain", unit, isOptional: true });

function besidePeer(peer: PeerName): BenchCase {
  const limit = PAGES[peer];
  const bar = BARS[peer];
  return defineCase({
    name: `extract/beside-${peer}`,
    title: `${peer} and ours on ${limit === undefined ? "all" : limit} pages of wcxb-dev, in turn`,
    unit: "ms",
    isSelfWarming: true,
    figures: {
      times: { kind: "throughput", unit: "×", isOptional: true, ...(bar === undefined ? {} : { bar }) },
      timesLow: plain("×"),
      timesHigh: plain("×"),
      ...{ f1: plain("F1"), precision: plain("F1"), recall: plain("F1") },
      ...{ with: plain("found"), without: plain("found"), belowHalf: plain("pages"), failures: plain("pages") },
      ...{ mean: plain("ms"), p50: plain("ms"), p95: plain("ms"), p99: plain("ms"), max: plain("ms") },
      ...{ throughput: plain("MB/s"), rss: plain("MB") },
      ...{ ownF1: plain("F1"), ownMean: plain("ms"), ownP50: plain("ms"), ownP95: plain("ms") },
      ...{ overF1: plain("F1"), overF1Low: plain("F1"), overF1High: plain("F1") },
    },
    options: { set: "wcxb-dev", pages: limit ?? "all", deadlineMs: 30_000, seed: 1 },
    setup: () => openWcxb({ limit }),
    run: async (judged): Promise<Measurement> => {
      const peers = judged ? await peersOrNote([peer]) : [];
      if (!judged || peers.length === 0) return {};
      const { result } = await runExtract({ ...judged, peers, seed: 1 });
      const figures = result.peers[peer];
      if (!figures) return {};
      const { pairedDifference, timesOurs } = figures;
      return {
        ...{ times: timesOurs.ratio, timesLow: timesOurs.interval95[0], timesHigh: timesOurs.interval95[1] },
        ...{ f1: figures.f1, precision: figures.precision, recall: figures.recall },
        ...{ with: figures.withSnippets, without: figures.withoutSnippets },
        ...{ belowHalf: figures.pagesBelowHalf, failures: figures.failures },
        ...{ ...figures.msPerPage, max: figures.maxMs, throughput: figures.mbPerSecond, rss: figures.rssMb },
        ...{ ownF1: result.f1, ownMean: result.msPerPage.mean },
        ...{ ownP50: result.msPerPage.p50, ownP95: result.msPerPage.p95 },
        ...{ overF1: pairedDifference.mean, overF1Low: pairedDifference.interval95[0] },
        overF1High: pairedDifference.interval95[1],
      };
    },
  });
}

export const cases: readonly BenchCase[] = PEER_NAMES.map(besidePeer);
