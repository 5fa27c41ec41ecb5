import { type Clock, MillraceError } from "@millrace/core";
import type { Storage } from "@millrace/stream";
import type { Ingest } from "../ingest.ts";
import type { ConceptThresholds } from "../recall/consolidate.ts";
import { idOf } from "../workers/space-index.ts";
import { kindOf } from "./concept-key.ts";
import { type ChangedConcept, ConceptStore } from "./concept-store.ts";
import type { ConceptInput } from "./consolidation-module.ts";
import {
  ASK_RETRY_MS,
  ASK_TRIES_MAX,
  LIST_PAGE_ROWS,
  LOOK_ROWS,
  REMOVAL_PASSES_MAX,
  REMOVALS_AT_ONCE,
} from "./limits.ts";
import type { ConsolidationWork, Grouped, Looked } from "./work.ts";

export type RunOptions = {
  readonly ingest: Ingest;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly space: number;
  readonly at: ConceptThresholds;
  /** Lists keep neighbours from this similarity on. */
  readonly floor: number;
  /** Rows to look at, at most. */
  readonly budget: number;
  readonly removesDuplicates: boolean;
  /** Throws when the space is there no more. */
  readonly check: () => void;
};

/** One consolidation of a space: looks at rows that were not looked at, then puts all rows into concepts by what was found. */
export class ConsolidationRun {
  readonly abort = new AbortController();
  readonly startedMs: number;
  /** Rows that there are to look at in this run, and that were. */
  total = 0;
  looked = 0;
  /** Durable rows that are left for another run. */
  left = 0;
  duplicates = 0;
  patterns = 0;
  removed = 0;
  readonly #options: RunOptions;
  readonly #store: ConceptStore;
  #from = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#store = new ConceptStore(options.storage, options.space);
    this.startedMs = options.clock.now();
  }

  /** Finds out what there is to do. */
  async prepare(): Promise<void> {
    const { floor, budget } = this.#options;
    const state = await this.#store.state();
    // What was found before, if anything is left of it, lacks neighbours that are wanted now.
    const isAnew = state !== undefined && (state.floor > floor || state.looked === 0);
    if (isAnew) await this.#store.dropLists();
    this.#from = isAnew ? 0 : (state?.looked ?? 0);
    const rows = Math.max(0, this.#durableRows - this.#from);
    this.total = Math.min(rows, budget);
    this.left = rows;
  }

  async work(): Promise<void> {
    await this.#look();
    let grouped = await this.#group();
    for (let pass = 0; grouped.surplus.length > 0 && pass < REMOVAL_PASSES_MAX; pass++) {
      await this.#remove(grouped.surplus);
      grouped = await this.#group();
    }
    this.duplicates = grouped.keys.filter((key) => kindOf(key) === "duplicate").length;
    this.patterns = grouped.keys.length - this.duplicates;
    await this.#store.replace(grouped, (changed) => this.#describe(grouped, changed));
  }

  /** Rows that are in the log: others may be lost with the process, and their numbers are then given again. */
  get #durableRows(): number {
    const { ingest, space } = this.#options;
    return ingest.has(space) ? ingest.spaceState(space).records.rows : 0;
  }

  /** A page of rows a commit, so that what breaks it off costs no more than that. */
  async #look(): Promise<void> {
    const { floor } = this.#options;
    const end = this.#from + this.total;
    for (let row = this.#from; row < end; ) {
      const pageEnd = Math.min(end, (Math.floor(row / LIST_PAGE_ROWS) + 1) * LIST_PAGE_ROWS);
      const parts: Uint32Array[] = [];
      const from = row;
      while (row < pageEnd) {
        const work = { kind: "look", firstRow: row, end: Math.min(pageEnd, row + LOOK_ROWS), floor } as const;
        const { until, words } = await this.#ask<Looked>(work);
        if (until === row) break;
        parts.push(words);
        row = until;
      }
      // The index is behind the log: what it has not yet is for the next run.
      if (row === from) break;
      this.#check();
      await this.#store.addLists(joined(parts), row);
      this.looked += row - from;
      this.left -= row - from;
    }
  }

  async #group(): Promise<Grouped> {
    const { at, removesDuplicates, ingest, space, clock } = this.#options;
    if (!ingest.has(space)) return NO_CONCEPTS;
    const lists = await this.#store.lists();
    const pages = lists.map(({ words }) => words);
    const work = { kind: "group", pages, at, nowMs: clock.now(), wantsSurplus: removesDuplicates } as const;
    const grouped = await this.#ask<Grouped>(work);
    const dead = grouped.deadPages.flatMap((place) => lists[place]?.page ?? []);
    if (dead.length > 0) await this.#store.dropPages(dead);
    return grouped;
  }

  async #remove(rows: Uint32Array): Promise<void> {
    const { ingest, space } = this.#options;
    for (let from = 0; from < rows.length; from += REMOVALS_AT_ONCE) {
      this.#check();
      const ids = Array.from(rows.subarray(from, from + REMOVALS_AT_ONCE), idOf);
      this.removed += await ingest.remove(space, ids);
    }
  }

  async #describe(grouped: Grouped, changed: readonly ChangedConcept[]): Promise<readonly ConceptInput[]> {
    this.#check();
    const { starts, members, representatives, counts, digests } = grouped;
    const listed = changed.map(({ place }) => members.subarray(starts[place], starts[place + 1]));
    const rows = Uint32Array.from(
      changed.flatMap(({ place }, at) => [representatives[place] ?? 0, ...(listed[at] ?? [])]),
    );
    const names = rows.length === 0 ? [] : await this.#ask<string[]>({ kind: "name", rows });
    const createdMs = this.#options.clock.now();
    let at = 0;
    return changed.map(({ place, key }, number) => {
      const representative = names[at] ?? "";
      const ids = names.slice(at + 1, at + 1 + (listed[number]?.length ?? 0));
      at += ids.length + 1;
      const about = { count: counts[place] ?? 0, digest: digests[place] ?? 0, createdMs };
      return { key, representative, members: JSON.stringify(ids), ...about };
    });
  }

  /** A worker that died or lost the space is replaced by another, which is asked the same. */
  async #ask<T>(work: ConsolidationWork): Promise<T> {
    const { ingest, space } = this.#options;
    const { signal } = this.abort;
    for (let tries = 1; ; tries++) {
      this.#check();
      try {
        return await unlessAborted(ingest.workers.consolidate<T>(space, work), signal);
      } catch (error) {
        const isMoved = error instanceof MillraceError && error.code === "unavailable";
        if (!isMoved || tries === ASK_TRIES_MAX) throw error;
        await unlessAborted(this.#pause(), signal);
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(ASK_RETRY_MS, resolve));
  }

  #check(): void {
    this.abort.signal.throwIfAborted();
    this.#options.check();
  }
}

const NO_CONCEPTS: Grouped = {
  keys: new Float64Array(0),
  representatives: new Uint32Array(0),
  counts: new Uint32Array(0),
  digests: new Float64Array(0),
  starts: new Uint32Array(1),
  members: new Uint32Array(0),
  surplus: new Uint32Array(0),
  deadPages: [],
};

function joined(parts: readonly Uint32Array[]): Uint32Array {
  const whole = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const leave = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
    promise.catch(() => {});
  }
}
