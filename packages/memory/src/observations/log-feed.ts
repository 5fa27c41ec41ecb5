/** What goes from the main thread to the log: one write at a time, in order, tried again for as long as the disk refuses it. */
import { type Clock, MillraceError } from "@millrace/core";
import type { Task } from "./ingest.ts";
import { BATCH_BYTES_MAX, LOG_RETRY_MS } from "./limits.ts";
import type { LogRecord, RecordPosition } from "./log/log-record.ts";
import type { ObservationLog } from "./log/observation-log.ts";

type LogFeedOptions = {
  readonly log: ObservationLog;
  readonly clock: Clock;
  readonly onDurable: (tasks: readonly Task[], positions: readonly RecordPosition[]) => void;
};

type Waiting = {
  readonly record: LogRecord;
  readonly task?: Task;
  readonly settle?: { readonly resolve: () => void; readonly reject: (error: unknown) => void };
};

/**
 * Removals of rows that are durable may go ahead of what a full log refuses: they are what makes room.
 *
 * Records of a space enter the log in the order of their rows, so that no row is durable before those ahead of it: hence one write at a
 * time, which takes all that has come meanwhile. A write that fails is tried again: what was accepted is not given up, and lanes that
 * fill refuse what comes.
 */
export class LogFeed {
  readonly #options: LogFeedOptions;
  #waiting: Waiting[] = [];
  /** Removals that do not wait for what the full log refuses. */
  #ahead: Waiting[] = [];
  #isBusy = false;
  #isClosed = false;
  /** A write failed and the next try is not due. */
  #isPausing = false;
  /** Why the last write failed; undefined once one succeeds. */
  failure: MillraceError | undefined;
  /** Writes that failed, tries counted. */
  failures = 0;

  constructor(options: LogFeedOptions) {
    this.#options = options;
  }

  get depth(): number {
    return this.#waiting.length + this.#ahead.length;
  }

  /** Whether the log has no room for what waits. */
  get isFull(): boolean {
    return this.failure?.code === "storage_full";
  }

  push(tasks: readonly Task[]): void {
    for (const task of tasks) this.#waiting.push({ record: recordOf(task), task });
    void this.#write();
  }

  /** Settles when the record is durable; a refusal of the disk is passed on and nothing is kept. */
  append(record: LogRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, settle: { resolve, reject } });
      void this.#write();
    });
  }

  /** As `append`, ahead of what waits: for removals of rows that are durable. */
  appendAhead(record: LogRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ahead.push({ record, settle: { resolve, reject } });
      void this.#write();
    });
  }

  /** Room was made: what waits is tried now. */
  retry(): void {
    this.#isPausing = false;
    if (this.#waiting.length === 0) this.failure = undefined;
    void this.#write();
  }

  close(): void {
    this.#isClosed = true;
    for (const { settle } of [...this.#ahead.splice(0), ...this.#waiting.splice(0)]) {
      settle?.reject(new MillraceError("unavailable", "the engine is closing"));
    }
  }

  async #write(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (!this.#isClosed) {
      if (this.#ahead.length > 0) await this.#writeAhead();
      else if (this.#waiting.length === 0 || this.#isPausing) break;
      else await this.#writeGroup(this.#waiting.splice(0, this.#groupSize()));
    }
    this.#isBusy = false;
  }

  async #writeAhead(): Promise<void> {
    const group = this.#ahead.splice(0);
    try {
      await this.#options.log.append(group.map(({ record }) => record));
      for (const { settle } of group) settle?.resolve();
    } catch (error) {
      for (const { settle } of group) settle?.reject(error);
    }
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    let positions: readonly RecordPosition[];
    try {
      positions = await this.#options.log.append(group.map(({ record }) => record));
    } catch (error) {
      this.#failed(group, MillraceError.from(error));
      return;
    }
    this.failure = undefined;
    const tasks: Task[] = [];
    const places: RecordPosition[] = [];
    group.forEach(({ task, settle }, at) => {
      const position = positions[at];
      if (task && position) {
        tasks.push(task);
        places.push(position);
      }
      settle?.resolve();
    });
    this.#options.onDurable(tasks, places);
  }

  #failed(group: readonly Waiting[], error: MillraceError): void {
    this.failure = error;
    this.failures++;
    for (const { settle } of group) settle?.reject(error);
    this.#waiting.unshift(...group.filter(({ task }) => task !== undefined));
    // Nobody waits behind what a full log refuses: who asked keeps it, and asks again.
    if (this.isFull) this.#refuseAsked(error);
    // What was refused alone holds nothing up.
    if (this.#isClosed || this.#waiting.length === 0) return;
    this.#isPausing = true;
    this.#options.clock.after(LOG_RETRY_MS, () => {
      this.#isPausing = false;
      void this.#write();
    });
  }

  #refuseAsked(error: MillraceError): void {
    const asked = this.#waiting.filter(({ settle }) => settle !== undefined);
    this.#waiting = this.#waiting.filter(({ settle }) => settle === undefined);
    for (const { settle } of asked) settle?.reject(error);
  }

  /** As many as make one write. */
  #groupSize(): number {
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#waiting) {
      if (record.kind === "observations") bytes += record.vectors.byteLength + record.meta.byteLength;
      if (count > 0 && bytes > BATCH_BYTES_MAX) break;
      count++;
    }
    return count;
  }
}

function recordOf({ add, session, batch }: Task): LogRecord {
  const { space, firstRow, count, acceptedMs } = add;
  return {
    kind: "observations",
    ...{ space, firstRow, count, acceptedMs },
    session: session.isEphemeral ? "" : session.id,
    firstSeq: batch.firstSeq,
    lane: batch.lane,
    encoding: batch.encoding,
    dims: batch.dims,
    vectors: batch.vectors,
    meta: batch.meta,
  };
}
