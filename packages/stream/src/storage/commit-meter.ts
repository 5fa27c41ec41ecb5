import type { DatabaseSync, StatementSync } from "node:sqlite";

/** What one batch of a storage thread took, measured in that thread. */
export type CommitFigures = {
  /** Milliseconds since the Unix epoch at which it began. */
  readonly startedMs: number;
  /** All of it, from the first call to the end of the transaction. */
  readonly commitMs: number;
  /** Its last step, in which SQLite puts the transaction on disk. */
  readonly syncMs: number;
  /** What went into applying frames to entities and lifecycles. */
  readonly projectMs: number;
  /** Rows written or deleted, those of triggers included. */
  readonly rows: number;
};

// A storage thread runs one batch at a time, so two numbers of the thread are enough for what its parts add up.
let syncMs = 0;
let projectMs = 0;

/** Runs the last step of a transaction and adds its time to `syncMs`. */
export function timeSync(run: () => void): void {
  const startedMs = performance.now();
  run();
  syncMs += performance.now() - startedMs;
}

/** Runs the projection of an append and adds its time to `projectMs`. */
export function timeProjection(run: () => void): void {
  const startedMs = performance.now();
  run();
  projectMs += performance.now() - startedMs;
}

/** Measures the batches of the thread it is in. */
export class CommitMeter {
  readonly #rowsSoFar: StatementSync;
  #rowsBefore = 0;
  #startedMs = 0;

  constructor(db: DatabaseSync) {
    this.#rowsSoFar = db.prepare("SELECT total_changes() AS rows");
  }

  begin(): void {
    syncMs = 0;
    projectMs = 0;
    this.#rowsBefore = this.#countRows();
    this.#startedMs = performance.now();
  }

  end(): CommitFigures {
    const commitMs = performance.now() - this.#startedMs;
    const rows = this.#countRows() - this.#rowsBefore;
    return { startedMs: performance.timeOrigin + this.#startedMs, commitMs, syncMs, projectMs, rows };
  }

  #countRows(): number {
    return Number(this.#rowsSoFar.get()?.rows);
  }
}
