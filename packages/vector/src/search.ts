import { BEAM_MAX, FEW_NEIGHBOURS, SEGMENTS_MAX } from "./limits.ts";
import type { Metric } from "./metric.ts";
import type { RecallSampler } from "./recall-sampler.ts";
import { noteScan } from "./segment/demand.ts";
import { precise } from "./segment/question.ts";
import { type Efforts, effortFor } from "./segment/recall-tally.ts";
import type { Segment } from "./segment/segment.ts";
import { NAVIGATION, type Navigation, type SegmentEngine } from "./segment/segment-engine.ts";
import { TopK } from "./top-k.ts";

/** Which ids a search may return: a predicate, or a bitmap whose bit `id & 7` of byte `id >> 3` is 1 for those it may. */
export type IdFilter = ((id: number) => boolean) | Uint8Array;

/** Share of the true nearest that a search is to find; `exact` looks at every row. */
export type RecallTarget = number | "exact";

export type SearchRequest = {
  readonly query: Float32Array;
  readonly metric: Metric;
  readonly k: number;
  readonly recall: RecallTarget;
  /** Beam width, instead of that measured for `recall`. */
  readonly efSearch: number | undefined;
  readonly filter: IdFilter | undefined;
};

/** Ids and similarities (larger is better), best first; equal scores in order of id. */
export type SearchResult = { readonly ids: Uint32Array; readonly scores: Float32Array };

/** A segment and the searching thread's hold on it. */
export type OpenSegment = {
  readonly segment: Segment;
  readonly engine: SegmentEngine;
  readonly sampler: RecallSampler;
};

/** Times a search begins again, with room for more results, because it found ids twice: rows that moved meanwhile. */
const TRIES_MAX = 4;
/** Places in a beam for each of the k asked for, beyond the ten that widths are measured with: signs put fewer of them in front (measured). */
const WIDER = { signs: 6, bytes: 2 } as const;
/** Rows for each place of its beam below which a scan by signs is no cheaper than one by bytes. */
const SCAN_DEPTH_WORTH = 8;
/** Share of the nearest rows that must be allowed, of what it would be by chance: else what is allowed lies elsewhere than the query. */
const ALLOWED_BY_CHANCE = 0.5;
/** Rows that a walk looks at for each of its beam's places, about (measured). */
const VISITS_PER_WIDTH = 10;

/**
 * Searches segments in the order given, which must be that of their making, then those that `opened` tells of, which were made
 * meanwhile: so a row replaced or moved is found old or new. One found both ways takes a place of the k; then the search begins
 * again with as many places more.
 */
export function searchAll(
  segments: readonly OpenSegment[],
  request: SearchRequest,
  opened: () => readonly OpenSegment[] = () => [],
): SearchResult {
  const all = [...segments];
  for (let surplus = 0, tries = 1; ; tries++) {
    const k = Math.min(BEAM_MAX, request.k + surplus);
    const { result, repeats } = distinct(searchOnce(all, { ...request, k }, opened), request.k);
    if (repeats <= surplus || tries === TRIES_MAX) return result;
    // Every id may be met twice while rows are moved.
    surplus = Math.max(2 * repeats, request.k);
  }
}

/** Adds to `segments` what was opened while they were searched: empty or nearly, so that this ends soon. */
function searchOnce(
  segments: OpenSegment[],
  request: SearchRequest,
  opened: () => readonly OpenSegment[],
): SearchResult {
  const best = new TopK(request.k);
  const isZero = request.metric !== "l2" && request.query.every((value) => value === 0);
  const total = segments.reduce((sum, { segment }) => sum + segment.rows, 0);
  for (let at = 0; at < segments.length; at++) {
    const open = segments[at];
    if (!open) break;
    if (isZero) offerZeros(open.segment, request, best);
    else searchOne(open, { ...request, expected: (request.k * open.segment.rows) / total }, best);
    if (at + 1 === segments.length && at < SEGMENTS_MAX) segments.push(...opened());
  }
  return best.take();
}

/** A request to one segment, of which about `expected` of the k are its own. */
type SegmentRequest = SearchRequest & { readonly expected: number };

function searchOne({ segment, engine, sampler }: OpenSegment, request: SegmentRequest, best: TopK): void {
  engine.input.set(request.query);
  engine.exports.prepareQuery();
  const { found, scanned, isTypical } = fill(segment, engine, request);
  for (let at = 0; at < found; at++) {
    const score = engine.foundScore(at);
    // Rounding may leave −1..1; cut before rows are put in order, so that equals are in that of their ids.
    const kept = request.metric === "cosine" ? Math.max(-1, Math.min(1, score)) : score;
    best.offer(segment.idOf(engine.foundRow(at)), kept);
  }
  if (isTypical) sampler.searched(request.query, scanned);
}

/** `isTypical`: it asked for a recall among all rows, so it tells what beam widths should be. */
type Filled = { readonly found: number; readonly scanned: number; readonly isTypical: boolean };

/** Finds the best rows of one segment for the prepared query. */
function fill(segment: Segment, engine: SegmentEngine, request: SegmentRequest): Filled {
  // Linked before rows: whatever is not linked yet is below rows, and scanned.
  const linked = segment.linked;
  const { rows, allowed, bitmap } = look(segment, engine, request.filter);
  if (allowed <= 0) return { found: 0, scanned: 0, isTypical: false };
  const plan = planOf(segment, request, { linked, allowed, rows });
  // A graph that was found wanting is given another chance by what is really asked.
  const hasWidths = plan.by !== "bytes" || segment.state("graphMeasuredAt") > 0;
  const isTypical = hasWidths && request.recall !== "exact" && !request.filter && request.efSearch === undefined;
  if (plan.by === "graph") {
    const found = walkAndScan(segment, engine, { request, width: plan.width, linked, rows, bitmap });
    const isElsewhere = bitmap !== 0 && engine.exports.allowedShare() < (ALLOWED_BY_CHANCE * allowed) / rows;
    if (found >= Math.min(request.k, allowed) && !isElsewhere) return { found, scanned: rows - linked, isTypical };
  }
  const { exports } = engine;
  exports.begin();
  const by = plan.by === "signs" ? NAVIGATION.signs : bytesFor(segment, request);
  const width = plan.by === "signs" ? plan.width : Math.min(2 * request.k + 32, rows, BEAM_MAX);
  exports.scan(0, rows, width, by, bitmap, 0);
  // A graph would have saved it, the less so the fewer rows pass a filter.
  const isForLackOfGraph = segment.navigation === NAVIGATION.none && request.recall !== "exact";
  if (isForLackOfGraph) noteScan(segment, by, (allowed / rows) * allowed);
  return { found: exports.finish(request.k, bitmap), scanned: rows, isTypical };
}

/** Low bytes of every row are looked at where they were seen to matter, and for those who ask for all there is. */
function bytesFor(segment: Segment, { recall }: SegmentRequest): number {
  const isMeasured = segment.state("scanMeasuredAt") > 0 || segment.state("graphMeasuredAt") > 0;
  return recall === "exact" || isMeasured ? precise(segment) : NAVIGATION.bytes;
}

type WalkArguments = {
  readonly request: SegmentRequest;
  readonly width: number;
  readonly linked: number;
  readonly rows: number;
  readonly bitmap: number;
};

/** The graph for the linked rows, then a scan of those after them that the walk did not come by. */
function walkAndScan(segment: Segment, engine: SegmentEngine, walk: WalkArguments): number {
  const { exports } = engine;
  const by = segment.navigation || NAVIGATION.bytes;
  exports.searchGraph(walk.width, by, walk.rows, walk.bitmap);
  if (walk.linked < walk.rows) exports.scan(walk.linked, walk.rows, walk.width, by, walk.bitmap, 1);
  return exports.finish(walk.request.k, walk.bitmap);
}

type Plan = { readonly by: "graph" | "signs" | "bytes"; readonly width: number };

/**
 * What costs least among what reaches the recall: the graph, a scan by signs, a scan by bytes, which is exact but for rounding. A
 * graph that was not measured yet is walked only by those who name a width.
 */
function planOf(
  segment: Segment,
  request: SegmentRequest,
  counts: { readonly linked: number; readonly allowed: number; readonly rows: number },
): Plan {
  const exact: Plan = { by: "bytes", width: 0 };
  if (request.recall === "exact" && request.efSearch === undefined) return exact;
  const { linked, allowed, rows } = counts;
  const width = graphWidth(segment, request);
  const isWorthIt = (allowed / rows) * allowed > VISITS_PER_WIDTH * width;
  if (segment.navigation !== NAVIGATION.none && linked > rows / 2 && width > 0 && isWorthIt) {
    return { by: "graph", width };
  }
  // What passes a filter may lie far from the query, where signs tell little apart.
  const isBySigns = (segment.state("scanBy") as Navigation) === NAVIGATION.signs && !request.filter;
  if (!isBySigns || allowed < 512) return exact;
  const depth = widthOf(segment, request, "scanEfforts");
  return depth > 0 && depth * SCAN_DEPTH_WORTH < rows ? { by: "signs", width: depth } : exact;
}

/** A segment that is expected to hold few of the k needs a narrower beam for them; twice as many are allowed for. */
function graphWidth(segment: Segment, request: SegmentRequest): number {
  if (request.efSearch === undefined && segment.state("graphMeasuredAt") === 0) return 0;
  const isFew = request.k <= 10 && request.expected * 2 <= FEW_NEIGHBOURS;
  return widthOf(segment, request, isFew ? "fewEfforts" : "graphEfforts");
}

/** The beam width for a request, wider for more neighbours than it was measured for; 0 when none is known to reach its recall. */
function widthOf(segment: Segment, { k, recall, efSearch }: SegmentRequest, efforts: Efforts): number {
  if (efSearch !== undefined) return Math.max(efSearch, k);
  const known = effortFor(segment, efforts, recall === "exact" ? 1 : recall);
  if (known === 0 || k <= 10) return known;
  const isBySigns = efforts === "scanEfforts" || segment.navigation === NAVIGATION.signs;
  const width = Math.max(known, k * (isBySigns ? WIDER.signs : WIDER.bytes));
  return width > BEAM_MAX ? 0 : width;
}

/** The rows that a search of a segment sees; `bitmap`: address of the bits of those it may find, `allowed` of them, 0 for all. */
type Seen = { readonly rows: number; readonly allowed: number; readonly bitmap: number };

/** What there is at one moment; it is not looked at again, or a row replaced meanwhile could be missed old and new. O(rows). */
function look(segment: Segment, engine: SegmentEngine, filter: IdFilter | undefined): Seen {
  // Dead before rows: a row removed between the two is found, as one removed after.
  if (segment.dead === 0 && !filter) {
    const { rows } = segment;
    return { rows, allowed: rows, bitmap: 0 };
  }
  const alive = engine.exports.snapshot();
  const rows = engine.exports.snapshotRows();
  const allowed = filter ? allow(segment, engine, { rows, filter }) : alive;
  return { rows, allowed, bitmap: engine.allowedAt };
}

/** Leaves in the engine's bitmap the rows whose ids pass; returns how many. O(rows). */
function allow(
  segment: Segment,
  { allowed }: SegmentEngine,
  { rows, filter }: { readonly rows: number; readonly filter: IdFilter },
): number {
  const { words, layout } = segment;
  const idsAt = layout.idsAt / 4;
  const passes = typeof filter === "function" ? filter : (id: number) => bitOf(filter, id);
  let count = 0;
  for (let from = 0; from < rows; from += 32) {
    const alive = allowed[from >>> 5] ?? 0;
    let bits = 0;
    for (let at = 0; at < 32 && from + at < rows; at++) {
      if (((alive >>> at) & 1) === 0 || !passes(words[idsAt + from + at] ?? 0)) continue;
      bits |= 1 << at;
      count++;
    }
    allowed[from >>> 5] = bits;
  }
  return count;
}

function bitOf(bitmap: Uint8Array, id: number): boolean {
  return ((bitmap[Math.floor(id / 8)] ?? 0) & (1 << (id & 7))) !== 0;
}

/** Every row scores 0 against a zero query under cosine and dot, so the lowest ids win. */
function offerZeros(segment: Segment, { filter }: SearchRequest, best: TopK): void {
  const passes = typeof filter === "function" ? filter : (id: number) => filter === undefined || bitOf(filter, id);
  for (let row = 0; row < segment.rows; row++) {
    const id = segment.idOf(row);
    if (segment.isAlive(row) && passes(id)) best.offer(id, 0);
  }
}

/** The first k, each id once, and how many came again. */
function distinct(
  { ids, scores }: SearchResult,
  k: number,
): { readonly result: SearchResult; readonly repeats: number } {
  const seen = new Set<number>();
  let kept = 0;
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at] ?? 0;
    if (seen.has(id)) continue;
    seen.add(id);
    ids[kept] = id;
    scores[kept++] = scores[at] ?? 0;
  }
  const count = Math.min(k, kept);
  return { result: { ids: ids.slice(0, count), scores: scores.slice(0, count) }, repeats: ids.length - kept };
}
