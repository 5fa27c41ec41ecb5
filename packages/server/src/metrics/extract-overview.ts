import type { ExtractOverview } from "@millrace/protocol/schemas";
import type { Engine } from "../engine.ts";

const MS_US = 1_000;

/** How extraction fares, every figure measured (I13): counts, shares and times since the start, the rest now. */
export function readExtract({ extracts, pageService }: Engine): ExtractOverview {
  const { reader, fetcher, extractor, documents, gate } = pageService;
  const { reading, read, failed, tookUs } = reader.stats();
  const { parse, pdfWaiting } = extractor.stats();
  return {
    running: extracts.running,
    ...{ reading, read, failed },
    waiting: fetcher.stats().waiting + parse.waiting.interactive + parse.waiting.bulk + pdfWaiting,
    cacheHitRate: documents.stats().hitRate,
    needsRenderRate: shareOf(gate.stats()),
    readMs: {
      count: tookUs.count,
      p50: tookUs.p50 / MS_US,
      p95: tookUs.p95 / MS_US,
      p99: tookUs.p99 / MS_US,
    },
  };
}

type Decisions = { readonly static: number; readonly probe: number; readonly dynamic: number; readonly pdf: number };

function shareOf({ static: unaided, probe, dynamic, pdf }: Decisions): number {
  const judged = unaided + probe + dynamic + pdf;
  return judged === 0 ? 0 : dynamic / judged;
}
