/** How extraction fares, in the overview (PROTOCOL.md, Overview); `schemas.ts` re-exports it. */
import Type, { type Static } from "typebox";

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Share = Type.Number({ minimum: 0, maximum: 1 });
const Ms = Type.Number({ minimum: 0 });

/** Counts, shares and times are since the start; what `add` reads is not in them. */
export const ExtractOverviewSchema = Type.Object({
  /** Extractions of several sources that run, and reads in hand, those of single sources included. */
  running: Count,
  reading: Count,
  /** Now: fetches that wait for a turn at their origin, and sources that wait for a thread or process to read them; those of `add` too. */
  waiting: Count,
  /** Sources that became a document, and those that did not. */
  read: Count,
  failed: Count,
  /** Share of addresses answered by what is kept of the document made of them; 0 before the first. */
  cacheHitRate: Share,
  /** Share of pages judged to need a browser, of all that were judged; 0 before the first. */
  needsRenderRate: Share,
  /** From the call to the document. */
  readMs: Type.Object({ count: Count, p50: Ms, p95: Ms, p99: Ms }),
});

export type ExtractOverview = Static<typeof ExtractOverviewSchema>;
