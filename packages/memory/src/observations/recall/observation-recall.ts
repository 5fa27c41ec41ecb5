import { type Clock, Histogram, MillraceError } from "@millrace/core";
import type { RecallRequest, RecallResponse, RecallResult } from "@millrace/protocol";
import { toMatchQuery } from "../../retrieval/full-text.ts";
import type { OpenSpace } from "../../space-registry.ts";
import type { Ingest } from "../ingest.ts";
import type { ObservationTexts } from "../text/observation-texts.ts";
import type { RecallAnswer, RecalledRow, RecallQuestion } from "../workers/recall-question.ts";

const K_DEFAULT = 8;
/** Share of the nearest that the first answer is to find: a quarter of the work of the default. */
const PROVISIONAL_RECALL = 0.8;
/** Hits of the full text that are weighed for each result asked for, and at least. */
const TEXT_HITS_PER_RESULT = 8;
const TEXT_HITS_MIN = 100;
/** Too few of them may be answered with: so many times more are looked at, up to what takes some 50 ms. */
const TEXT_HITS_WIDER = 8;
const TEXT_HITS_MAX = 20_000;

type RecallOptions = { readonly ingest: Ingest; readonly texts: ObservationTexts; readonly clock: Clock };
type Timings = { embedMs: number; textMs: number; vectorMs: number };

/** Recall over a space's observations: what comes first, then better, then all. */
export class ObservationRecall {
  readonly #options: RecallOptions;
  /** Microseconds to the first answer, and to the last. */
  readonly firstMicros = new Histogram();
  readonly micros = new Histogram();

  constructor(options: RecallOptions) {
    this.#options = options;
  }

  /**
   * Answers one after the other, each whole and better than the one before; the last has stage `final`. What the vector finds quickly comes
   * first, unless words alone are asked. Ends with `cancelled` when `signal` aborts.
   */
  async *stages(space: OpenSpace, request: RecallRequest, signal?: AbortSignal): AsyncGenerator<RecallResponse> {
    const { clock } = this.#options;
    const startedMs = clock.monotonic();
    const timings: Timings = { embedMs: 0, textMs: 0, vectorMs: 0 };
    const words = (request.query ?? "").trim();
    const vector = await this.#vector(space, { request, words, timings }, signal);
    const match = request.mode === "vector" || words === "" ? "" : toMatchQuery(words);
    if (!vector && match === "") throw new MillraceError("invalid_argument", nothingAsked(space));
    const question = this.#question(request, vector);
    let limit = Math.max(TEXT_HITS_MIN, question.k * TEXT_HITS_PER_RESULT);
    const text = match === "" ? undefined : this.#match(space, { match, limit, timings });
    text?.catch(() => {});
    let shown = "";
    let textHits = 0;
    const ask = async (more: Partial<RecallQuestion>, stage: "provisional" | "final") => {
      signal?.throwIfAborted();
      const answer = await this.#options.ingest.ask(space.row.id, { ...question, ...more });
      timings.vectorMs += answer.searchMs;
      textHits = answer.textHits;
      const tookMs = clock.monotonic() - startedMs;
      return toResponse(space, answer, { stage, tookMs, timings: { ...timings }, mode: request.mode ?? "hybrid" });
    };
    if (vector && request.recall !== "exact" && countsSimilarity(request)) {
      const first = await ask({ recall: PROVISIONAL_RECALL }, "provisional");
      this.firstMicros.record(first.tookMs * 1_000);
      shown = keyOf(first);
      yield first;
      if (text) {
        const better = await ask({}, "provisional");
        if (keyOf(better) !== shown) yield better;
      }
    }
    let found = await text;
    let last = await ask(found ? { text: found } : {}, "final");
    // What a filter leaves out, or was removed a moment ago, must not stand in the way of hits that are weaker.
    while (found?.length === limit && textHits < question.k && limit < TEXT_HITS_MAX) {
      limit = Math.min(TEXT_HITS_MAX, limit * TEXT_HITS_WIDER);
      found = await this.#match(space, { match, limit, timings });
      last = await ask({ text: found }, "final");
    }
    this.micros.record(last.tookMs * 1_000);
    yield last;
  }

  async #vector(
    { embedder, row }: OpenSpace,
    { request, words, timings }: { readonly request: RecallRequest; readonly words: string; readonly timings: Timings },
    signal: AbortSignal | undefined,
  ): Promise<Float32Array | undefined> {
    const { vector, mode } = request;
    if (mode === "text") return undefined;
    if (vector) {
      if (vector.length === row.dims) return Float32Array.from(vector);
      const message = `the question has ${vector.length} numbers; the space holds vectors of ${row.dims}`;
      throw new MillraceError("dimension_mismatch", message);
    }
    if (words === "" || row.provider === "none") return undefined;
    const startedMs = this.#options.clock.monotonic();
    const embedded = await embedder.embed([words], "query", signal);
    timings.embedMs = this.#options.clock.monotonic() - startedMs;
    return embedded;
  }

  #question(request: RecallRequest, vector: Float32Array | undefined): RecallQuestion {
    const { recall, filter, asOf, weights, decay, threshold, associations } = request;
    return {
      k: request.k ?? K_DEFAULT,
      nowMs: this.#options.clock.now(),
      isFull: true,
      ...(vector ? { vector } : {}),
      ...(recall === undefined ? {} : { recall }),
      ...(filter ? { filter } : {}),
      ...(asOf ? { asOf } : {}),
      ...(weights ? { weights } : {}),
      ...(decay ? { decay } : {}),
      ...(threshold === undefined ? {} : { threshold }),
      ...(associations ? { associations } : {}),
    };
  }

  async #match(
    { row }: OpenSpace,
    { match, limit, timings }: { readonly match: string; readonly limit: number; readonly timings: Timings },
  ) {
    const startedMs = this.#options.clock.monotonic();
    const hits = await this.#options.texts.match(row.id, match, limit);
    timings.textMs += this.#options.clock.monotonic() - startedMs;
    return hits;
  }
}

function toResponse(
  space: OpenSpace,
  answer: RecallAnswer,
  about: Pick<RecallResponse, "mode" | "tookMs" | "timings"> & { readonly stage: "provisional" | "final" },
): RecallResponse {
  const { generation, live, isExact } = answer;
  const results = answer.results.map(toResult);
  return { results, space: space.name, chunks: 0, asOfSeq: 0, observations: live, generation, isExact, ...about };
}

function toResult({ meta, ...about }: RecalledRow): RecallResult {
  const { row, id, score, terms, whenMs, acceptedMs, confidence, importance, isDurable, isIndexed } = about;
  const { what, where, who, why, payload, text = "" } = meta ?? {};
  const labels = Object.fromEntries(
    Object.entries({ what, where, who, why, payload }).filter(([, value]) => value !== undefined),
  );
  return {
    ...{ text, score, source: id, document: "", chunk: 0, title: what ?? "", headings: [] },
    ...{ start: 0, end: text.length, highlights: [], terms: {} },
    observation: {
      ...{ id, row, whenMs, acceptedMs, confidence, importance, isDurable, isIndexed },
      ...labels,
      terms: terms.map((term) => ({ ...term })),
    },
  };
}

/** Without the words nothing would be left to score by. */
function countsSimilarity({ weights }: RecallRequest): boolean {
  return (weights?.similarity ?? 1) > 0;
}

function keyOf({ results }: RecallResponse): string {
  return results.map(({ source }) => source).join("\n");
}

function nothingAsked({ row }: OpenSpace): string {
  if (row.provider === "none") return "the question has neither a vector nor words that can be searched for; send one";
  return "the question is empty; ask with at least one word, or with a vector";
}
