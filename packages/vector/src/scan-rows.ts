import type { Mean } from "./mean.ts";
import type { Metric } from "./metric.ts";
import { quantiseQuery } from "./quantise.ts";
import type { RowStore } from "./row-store.ts";
import type { Segment } from "./segment.ts";
import { TopK } from "./top-k.ts";

/** Which rows a search may return: a predicate, or a bitmap whose bit `id & 7` of byte `id >> 3` is 1 for those it may. */
export type RowFilter = ((id: number) => boolean) | Uint8Array;

export type ScanRequest = {
  readonly query: Float32Array;
  readonly metric: Metric;
  readonly means: readonly Mean[];
  readonly k: number;
  readonly filter: RowFilter | undefined;
};

/** The k best rows by a scan of all: the filter is asked only for rows good enough to enter, and before they enter. */
export function scanRows(store: RowStore, request: ScanRequest): TopK {
  const best = new TopK(Math.min(request.k, store.size));
  const codes = new Int8Array(store.stride);
  for (const [ordinal, mean] of request.means.entries()) {
    const quantised = quantiseQuery(request.metric, request.query, mean, codes);
    for (const segment of store.segments) {
      segment.writeQuery(codes);
      for (let block = 0; block < segment.blockCount; block++) {
        if (segment.meanOfBlock(block) !== ordinal) continue;
        const found = segment.scanBlock(block, { mean: ordinal, ...quantised }, best.threshold);
        offerFound(segment, { block, found }, best, request.filter);
      }
    }
  }
  return best;
}

/** Every row scores 0 against a zero query under cosine and dot, so the lowest ids win. */
export function zeroQueryRows(store: RowStore, request: ScanRequest): TopK {
  const best = new TopK(Math.min(request.k, store.size));
  for (const segment of store.segments) {
    segment.forEachRow(({ id }) => {
      if (isAllowed(request.filter, id)) best.offer(id, 0);
    });
  }
  return best;
}

function offerFound(
  segment: Segment,
  scanned: { readonly block: number; readonly found: number },
  best: TopK,
  filter: RowFilter | undefined,
): void {
  for (let at = 0; at < scanned.found; at++) {
    const score = segment.foundScore(at);
    if (score < best.threshold) continue;
    const id = segment.foundId(scanned.block, at);
    if (isAllowed(filter, id)) best.offer(id, score);
  }
}

function isAllowed(filter: RowFilter | undefined, id: number): boolean {
  if (filter === undefined) return true;
  if (typeof filter === "function") return filter(id);
  return ((filter[Math.floor(id / 8)] ?? 0) & (1 << (id & 7))) !== 0;
}
