import { type Clock, Histogram, MillraceError } from "@millrace/core";
import {
  type RecallMode,
  type RecallRequest,
  type RecallResponse,
  type RecallResult,
  spaceStream,
} from "@millrace/protocol";
import type { Storage } from "@millrace/stream";
import { type HitsReply, placeOf, type VectorStore } from "./index-worker/vector-store.ts";
import { CANDIDATES_MIN } from "./limits.ts";
import { toMatchQuery } from "./retrieval/full-text.ts";
import { type Fused, fuse, type TextHit, type VectorHit } from "./retrieval/fusion.ts";
import { toHighlights } from "./retrieval/highlights.ts";
import type { OpenSpace } from "./space-registry.ts";
import type { ChunkRow, MemoryReads } from "./store/memory-module.ts";

const K_DEFAULT = 8;
/** Candidates per result asked for, so that the lists overlap enough to be weighed against each other. */
const CANDIDATES_PER_RESULT = 4;

type RecallOptions = {
  readonly storage: Storage;
  readonly vectors: VectorStore;
  readonly clock: Clock;
  /** The space as it is now, if it was given another model since it was got. */
  readonly renewed: (space: OpenSpace) => Promise<OpenSpace | undefined>;
};

/** What both lists found, before they are fused, and how long each took. */
type Found = {
  readonly textHits: readonly TextHit[];
  readonly vectorHits: readonly VectorHit[];
  readonly timings: RecallResponse["timings"];
};

/** Answers questions over one space: full text on the reading thread beside vectors on the index thread, then one fused list. */
export class Recall {
  readonly #options: RecallOptions;
  /** Microseconds of each whole recall. */
  readonly micros = new Histogram();
  count = 0;

  constructor(options: RecallOptions) {
    this.#options = options;
  }

  /** `invalid_argument` for a question without a word. A space that is given another model while it is asked is asked again. */
  async run(space: OpenSpace, request: RecallRequest, signal?: AbortSignal): Promise<RecallResponse> {
    try {
      return await this.#run(space, request, signal);
    } catch (error) {
      const renewed = await this.#options.renewed(space);
      if (!renewed) throw error;
      return this.#run(renewed, request, signal);
    }
  }

  async #run(space: OpenSpace, request: RecallRequest, signal?: AbortSignal): Promise<RecallResponse> {
    const { clock } = this.#options;
    const startedMs = clock.monotonic();
    const query = (request.query ?? "").trim();
    if (query === "") throw new MillraceError("invalid_argument", "the question is empty; ask with at least one word");
    const { k = K_DEFAULT, mode = "hybrid" } = request;
    const match = mode === "vector" ? "" : toMatchQuery(query);
    // The reading thread answers in order, so what is counted is never newer than what is found.
    const [counts, found] = await Promise.all([
      this.#counts(space),
      this.#search(space, { query, match, mode, limit: Math.max(CANDIDATES_MIN, k * CANDIDATES_PER_RESULT) }, signal),
    ]);
    const fused = fuse(found.textHits, found.vectorHits, { mode, provider: space.row.provider }).slice(0, k);
    const results = await this.#results(space, fused, match);
    const tookMs = clock.monotonic() - startedMs;
    this.micros.record(tookMs * 1000);
    this.count++;
    const { chunks, indexedSeq } = counts;
    return { results, space: space.name, mode, tookMs, timings: found.timings, chunks, asOfSeq: indexedSeq };
  }

  #counts({ row, name }: OpenSpace) {
    return this.#options.storage.read<MemoryReads["counts"]>("memory.counts", {
      space: row.id,
      stream: spaceStream(name),
    });
  }

  async #search(
    space: OpenSpace,
    ask: { query: string; match: string; mode: RecallMode; limit: number },
    signal: AbortSignal | undefined,
  ): Promise<Found> {
    const [text, vector] = await Promise.all([
      this.#searchText(space, ask.match, ask.limit),
      this.#searchVectors(space, ask, signal),
    ]);
    const missing = ask.mode === "hybrid" ? await this.#similaritiesOf(space, text.hits, vector) : [];
    return {
      textHits: text.hits,
      vectorHits: [...vector.hits, ...missing],
      timings: { embedMs: vector.embedMs, textMs: text.ms, vectorMs: vector.ms },
    };
  }

  async #searchText(
    { row }: OpenSpace,
    match: string,
    limit: number,
  ): Promise<{ hits: readonly TextHit[]; ms: number }> {
    if (match === "") return { hits: [], ms: 0 };
    const startedMs = this.#options.clock.monotonic();
    const hits = await this.#options.storage.read<MemoryReads["match"]>("memory.match", {
      space: row.id,
      match,
      limit,
    });
    return { hits, ms: this.#options.clock.monotonic() - startedMs };
  }

  async #searchVectors(
    { row, embedder }: OpenSpace,
    { query, mode, limit }: { query: string; mode: RecallMode; limit: number },
    signal?: AbortSignal,
  ) {
    if (mode === "text") return { hits: [], query: undefined, embedMs: 0, ms: 0 };
    const { clock, vectors } = this.#options;
    const startedMs = clock.monotonic();
    const vector = await embedder.embed([query], "query", signal);
    const embeddedMs = clock.monotonic();
    const hits = toHits(await vectors.search({ ...placeOf(row), query: vector, k: limit }));
    return { hits, query: vector, embedMs: embeddedMs - startedMs, ms: clock.monotonic() - embeddedMs };
  }

  /** Similarities of what only the full text found: a fusion should weigh both views of every candidate. */
  async #similaritiesOf(
    { row }: OpenSpace,
    textHits: readonly TextHit[],
    vector: { hits: readonly VectorHit[]; query: Float32Array | undefined },
  ): Promise<VectorHit[]> {
    const known = new Set(vector.hits.map(({ id }) => id));
    const ids = textHits.map(({ id }) => id).filter((id) => !known.has(id));
    if (ids.length === 0 || !vector.query) return [];
    return toHits(await this.#options.vectors.similarities({ ...placeOf(row), query: vector.query, ids }));
  }

  async #results({ row }: OpenSpace, fused: readonly Fused[], match: string): Promise<RecallResult[]> {
    const ids = fused.map(({ id }) => id);
    const [rows, marked] = await Promise.all([
      this.#options.storage.read<MemoryReads["chunks"]>("memory.chunks", { space: row.id, ids }),
      match === ""
        ? []
        : this.#options.storage.read<MemoryReads["marked"]>("memory.marked", { space: row.id, match, ids }),
    ]);
    const rowOf = new Map(rows.map((chunk) => [chunk.id, chunk]));
    const markedOf = new Map(marked.map((hit) => [hit.id, hit.marked]));
    // A chunk replaced between search and this read is left out: its text is no longer stored.
    return fused.flatMap((hit) => {
      const chunk = rowOf.get(hit.id);
      return chunk ? [toResult(hit, chunk, markedOf.get(hit.id))] : [];
    });
  }
}

function toHits({ ids, scores }: HitsReply): VectorHit[] {
  return Array.from(ids, (id, at) => ({ id, similarity: scores[at] ?? 0 }));
}

function toResult({ score, terms }: Fused, chunk: ChunkRow, marked: string | undefined): RecallResult {
  const { text, source, document, number, title, headings, start, end, page } = chunk;
  const highlights = marked === undefined ? [] : toHighlights(marked);
  const base = {
    text,
    score,
    source,
    document,
    chunk: number,
    title,
    headings: JSON.parse(headings) as string[],
    start,
    end,
    highlights,
    terms,
  };
  return page === null ? base : { ...base, page };
}
