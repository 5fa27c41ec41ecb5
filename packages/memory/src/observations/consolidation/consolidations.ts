import { type Clock, checkInteger, createIdFactory, MillraceError, toErrorBody } from "@millrace/core";
import {
  type Concept,
  type ConceptPage,
  type ConsolidateRequest,
  type Consolidation,
  type SpaceId,
  spaceStream,
} from "@millrace/protocol";
import type { Sequencer, Storage } from "@millrace/stream";
import type { SpaceRegistry } from "../../space-registry.ts";
import type { Ingest } from "../ingest.ts";
import { CONCEPT_THRESHOLDS, type ConceptThresholds } from "../recall/consolidate.ts";
import { conceptId, kindOf, parseConceptId } from "./concept-key.ts";
import { ConceptStore } from "./concept-store.ts";
import type { ConceptRow } from "./consolidation-module.ts";
import { ConsolidationRun } from "./consolidation-run.ts";
import { BUDGET_MAX, CONCEPTS_PAGE_MAX, EVERY_MS_MAX, EVERY_MS_MIN, PATTERN_MIN, RUNS_MAX } from "./limits.ts";

export type ConsolidationsOptions = {
  readonly ingest: Ingest;
  readonly registry: SpaceRegistry;
  readonly storage: Storage;
  readonly sequencer: Sequencer;
  readonly clock: Clock;
};

type Running = {
  readonly id: string;
  readonly run: ConsolidationRun;
  readonly at: ConceptThresholds;
  /** Settles when all is written; never rejects. */
  readonly ended: Promise<Consolidation>;
};

/**
 * Finds what observations of a space say the same, or are of one kind. At most one run in a space, RUNS_MAX in all. A run looks for the
 * neighbours of rows that no run looked at, on the index worker, in the time that batches and questions leave; then it puts all rows into
 * concepts. What is found is kept as it goes: a run that was broken off is gone on with by the next.
 */
export class Consolidations implements AsyncDisposable {
  readonly #options: ConsolidationsOptions;
  readonly #newId: () => string;
  readonly #starting = new Set<SpaceId>();
  readonly #running = new Map<SpaceId, Running>();
  /** The last run that ended in each space, since the engine started. */
  readonly #ended = new Map<SpaceId, Consolidation>();
  /** What each space was like when its last run began. */
  readonly #seen = new Map<number, string>();
  #cancelNext: () => void = () => {};
  #isClosing = false;

  constructor(options: ConsolidationsOptions) {
    this.#options = options;
    this.#newId = createIdFactory(options.clock);
  }

  /**
   * Begins a run; settles when its first frame is durable. `invalid_argument`, `not_found`, `conflict` (one is under way in the space),
   * `overloaded` (RUNS_MAX are).
   */
  async start(name: SpaceId, request: ConsolidateRequest = {}): Promise<Consolidation> {
    const { budget = BUDGET_MAX, removeDuplicates = false } = request;
    const at = toThresholds(request);
    checkInteger("budget", budget, { min: 1, max: BUDGET_MAX });
    const { id: space } = this.#options.registry.row(name);
    this.#checkStart(name);
    this.#starting.add(name);
    try {
      const run = new ConsolidationRun({
        ...{ ...this.#options, space, at, budget, removesDuplicates: removeDuplicates },
        floor: Math.min(CONCEPT_THRESHOLDS.pattern, at.pattern),
        check: () => this.#checkSpace(name, space),
      });
      this.#seen.set(space, this.#fingerprint(space));
      await run.prepare();
      return await this.#begin(name, { id: this.#newId(), run, at }, space);
    } finally {
      this.#starting.delete(name);
    }
  }

  /** The run under way, else the last that ended; `not_found` when there was none. */
  async state(name: SpaceId): Promise<Consolidation> {
    const { id } = this.#options.registry.row(name);
    const running = this.#running.get(name);
    const known = running ? this.#show(name, running) : this.#ended.get(name);
    if (known) return known;
    const { report } = (await new ConceptStore(this.#options.storage, id).state()) ?? {};
    if (report) return JSON.parse(report) as Consolidation;
    throw new MillraceError(
      "not_found",
      `space ${name} was never consolidated; POST /v1/spaces/${name}/consolidate does it`,
    );
  }

  /** Settles when the run in the space has ended, or when `signal` aborts. */
  async ended(name: SpaceId, signal: AbortSignal): Promise<void> {
    const running = this.#running.get(name);
    if (!running || signal.aborted) return;
    const left = Promise.withResolvers<void>();
    const leave = () => left.resolve();
    signal.addEventListener("abort", leave, { once: true });
    await Promise.race([running.ended, left.promise]);
    signal.removeEventListener("abort", leave);
  }

  /** Duplicates before patterns, each in the order of their oldest member; after the one whose id is `after`. */
  async concepts(name: SpaceId, after: string, limit: number): Promise<ConceptPage> {
    const { id } = this.#options.registry.row(name);
    const size = Math.min(limit, CONCEPTS_PAGE_MAX);
    const from = after === "" ? -1 : parseConceptId(after);
    const rows = await new ConceptStore(this.#options.storage, id).concepts(from, size + 1);
    const concepts = rows.slice(0, size).map(toConcept);
    const last = concepts.at(-1);
    return rows.length > size && last ? { concepts, next: last.id } : { concepts };
  }

  /** Consolidates every space that changed since its last run, one after another, so often. Call it once. */
  every(everyMs: number): void {
    checkInteger("consolidateEveryMs", everyMs, { min: EVERY_MS_MIN, max: EVERY_MS_MAX });
    const next = () => {
      if (this.#isClosing) return;
      this.#cancelNext = this.#options.clock.after(everyMs, () => void this.consolidateChanged().finally(next));
    };
    next();
  }

  /** Consolidates every space that changed since its last run, one after another; what fails is left to the next time. */
  async consolidateChanged(): Promise<void> {
    const { registry, ingest } = this.#options;
    for (const { id, name } of registry.rows()) {
      if (this.#isClosing) return;
      if (!ingest.has(id) || this.#seen.get(id) === this.#fingerprint(id)) continue;
      // Another run, or none now: the space is looked at again next time.
      await this.start(name as SpaceId).catch(() => {});
      await this.#running.get(name as SpaceId)?.ended;
    }
  }

  /** The space is to be deleted: its run ends first. */
  async leave(name: SpaceId): Promise<void> {
    const running = this.#running.get(name);
    running?.run.abort.abort(new MillraceError("cancelled", "the space is to be deleted"));
    await running?.ended;
    this.#ended.delete(name);
  }

  /** Breaks every run off; the next goes on with what they found. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#cancelNext();
    const running = [...this.#running.values()];
    for (const { run } of running) run.abort.abort(new MillraceError("cancelled", "the engine is closing"));
    await Promise.all(running.map(({ ended }) => ended));
  }

  #checkStart(name: SpaceId): void {
    if (this.#isClosing) throw new MillraceError("unavailable", "the engine is closing", { retryAfterMs: 1_000 });
    if (this.#running.has(name) || this.#starting.has(name)) {
      const message = `space ${name} is being consolidated, and one run goes on in a space; wait for its end`;
      throw new MillraceError("conflict", message, { retryable: true, retryAfterMs: 1_000 });
    }
    if (this.#running.size + this.#starting.size < RUNS_MAX) return;
    const message = `${RUNS_MAX} spaces are being consolidated, which is the limit; try again when one has ended`;
    throw new MillraceError("overloaded", message, { retryAfterMs: 1_000 });
  }

  #checkSpace(name: SpaceId, space: number): void {
    if (this.#options.registry.row(name).id !== space) throw new MillraceError("not_found", "the space was deleted");
  }

  /** Differs when rows came or went. */
  #fingerprint(space: number): string {
    const { records, progress } = this.#options.ingest.spaceState(space);
    return `${records.rows}/${progress?.live}`;
  }

  async #begin(name: SpaceId, { id, run, at }: Omit<Running, "ended">, space: number): Promise<Consolidation> {
    const data = { ...at, total: run.total };
    const floor = Math.min(CONCEPT_THRESHOLDS.pattern, at.pattern);
    await this.#append(
      name,
      { id, type: "consolidation.started", data },
      { op: "consolidation.begin", args: { space, floor } },
    );
    if (this.#isClosing) throw new MillraceError("unavailable", "the engine is closing", { retryAfterMs: 1_000 });
    const ended = Promise.resolve().then(() => this.#work(name, { id, run, at }, space));
    const running = { id, run, at, ended };
    this.#running.set(name, running);
    return this.#show(name, running);
  }

  async #work(name: SpaceId, running: Omit<Running, "ended">, space: number): Promise<Consolidation> {
    const end = await this.#tryWork(running.run);
    const shown = { ...this.#show(name, running), ...end };
    // Of a run that was broken off nothing is said: its space is deleted, or the next goes on with it.
    if (shown.state !== "cancelled") {
      const { run: id, space: _, state, startedMs: __, elapsedMs: tookMs, ...counts } = shown;
      const finish = { op: "consolidation.finish", args: { space, report: JSON.stringify(shown) } };
      await this.#append(name, { id, type: `consolidation.${state}`, data: { ...counts, tookMs } }, finish).catch(
        () => {},
      );
    }
    if (shown.state !== "done") this.#seen.delete(space);
    this.#ended.set(name, shown);
    this.#running.delete(name);
    return shown;
  }

  async #tryWork(run: ConsolidationRun): Promise<Pick<Consolidation, "state" | "error">> {
    try {
      await run.work();
      return { state: "done" };
    } catch (error) {
      if (run.abort.signal.aborted) return { state: "cancelled" };
      return { state: "failed", error: toErrorBody(error) };
    }
  }

  /** With a write that fails, and the frame with it, when the space was deleted: else its stream would be made anew. */
  #append(
    name: SpaceId,
    event: { readonly id: string; readonly type: string; readonly data: object },
    call: { readonly op: string; readonly args: object },
  ): Promise<unknown> {
    return this.#options.sequencer.append(spaceStream(name), [event], { alongside: [call] });
  }

  #show(space: SpaceId, { id, run, at }: Omit<Running, "ended">): Consolidation {
    const { total, looked, left, duplicates, patterns, removed, startedMs } = run;
    const elapsedMs = Math.max(0, this.#options.clock.now() - startedMs);
    const counts = { total, looked, left, duplicates, patterns, removed };
    return { space, run: id, state: "running", ...at, ...counts, startedMs, elapsedMs };
  }
}

function toThresholds(request: ConsolidateRequest): ConceptThresholds {
  const { duplicate = CONCEPT_THRESHOLDS.duplicate, pattern = Math.min(CONCEPT_THRESHOLDS.pattern, duplicate) } =
    request;
  if (pattern >= PATTERN_MIN && pattern <= duplicate && duplicate <= 1) return { duplicate, pattern };
  const message = `the thresholds are duplicate ${duplicate} and pattern ${pattern}; give ${PATTERN_MIN} ≤ pattern ≤ duplicate ≤ 1`;
  throw new MillraceError("invalid_argument", message);
}

function toConcept({ key, representative, members, count, createdMs }: ConceptRow): Concept {
  return { id: conceptId(key), kind: kindOf(key), representative, members: JSON.parse(members), count, createdMs };
}
