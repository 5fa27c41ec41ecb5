/** The one that sends: batches at intended times into the sessions of all spaces. It retries nothing; a refusal is counted. */
import { Deadline, Histogram, MillraceError } from "@millrace/core";
import type { Lane, VectorEncoding } from "@millrace/protocol";
import { VectorEncoder } from "./encode-vectors.ts";
import { DRAIN_MS_MAX } from "./limits.ts";
import { createMarkTables, MarkLatencies } from "./mark-latencies.ts";
import type { NoisyVectors } from "./noisy-vectors.ts";
import type { Flow } from "./open-loop.ts";
import type { Pace } from "./pace.ts";
import type { IngestTarget, TargetSession } from "./target.ts";

/** What a full engine answers; anything else is a fault of the run. */
const REFUSALS: ReadonlySet<string> = new Set([
  "overloaded",
  "rate_limited",
  "too_large",
  "storage_full",
  "storage_failed",
  "unavailable",
]);

export type ProducerOptions = {
  /** Names of the spaces, one session each. */
  readonly spaces: readonly string[];
  readonly vectors: NoisyVectors;
  readonly choose: () => number;
  readonly batch: number;
  readonly lane: Lane;
  readonly encoding: VectorEncoding;
  readonly pace: Pace;
};

export type Load = { readonly rate: number; readonly total: number };

/** Vectors of a refused batch come again with the space's next one, so that a space holds its vectors 0, 1, 2 … without a gap. */
export class Producer {
  /** Microseconds from the intended time to the return of `submit`, and to its call. */
  readonly acceptedMicros = new Histogram();
  readonly lateMicros = new Histogram();
  readonly marks = createMarkTables();
  readonly refusals = new Map<string, number>();
  sent = 0;
  accepted = 0;
  refused = 0;
  deadLetters = 0;
  /** When the newest mark came. */
  lastDurableMs = 0;
  lastIndexedMs = 0;
  /** Time spent on making vectors, and inside `submit`. */
  makeMs = 0;
  submitMs = 0;
  readonly sessions: TargetSession[] = [];
  readonly #latencies: MarkLatencies[] = [];
  readonly #options: ProducerOptions;
  readonly #encoder: VectorEncoder;

  private constructor(options: ProducerOptions) {
    this.#options = options;
    this.#encoder = new VectorEncoder(options.encoding, options.vectors.source.dims, options.batch);
  }

  /** With a session of its own for each space. */
  static async open(target: Pick<IngestTarget, "open">, options: ProducerOptions): Promise<Producer> {
    const producer = new Producer(options);
    for (const space of options.spaces) await producer.#openSession(target, space);
    return producer;
  }

  async #openSession(target: Pick<IngestTarget, "open">, space: string): Promise<void> {
    const latencies = new MarkLatencies(this.marks);
    let [durable, indexed] = [0, 0];
    const session = await target.open(space, {
      onProgress: (marks) => {
        const nowMs = this.#options.pace.nowMs();
        latencies.progress(marks, nowMs);
        if (marks.durable > durable) this.lastDurableMs = nowMs;
        if (marks.indexed > indexed) this.lastIndexedMs = nowMs;
        [durable, indexed] = [marks.durable, marks.indexed];
      },
      onDeadLetter: () => {
        this.deadLetters++;
      },
    });
    this.sessions.push(session);
    this.#latencies.push(latencies);
  }

  /** `total` observations at `rate` a second, the last batch as long as is left. */
  flow({ rate, total }: Load): Flow {
    const { batch } = this.#options;
    const fire = (at: number, intendedMs: number) => this.#send(Math.min(batch, total - at * batch), intendedMs);
    return { everyMs: (batch * 1_000) / rate, count: Math.ceil(total / batch), fire };
  }

  /** Observations of all spaces that have reached the mark. */
  reached(mark: "durable" | "searchable" | "indexed"): number {
    return this.sessions.reduce((sum, { watermarks }) => sum + watermarks[mark], 0);
  }

  /** Resolves when all that was accepted is indexed; rejects with `timeout` after two minutes. */
  async indexed(): Promise<void> {
    const all = Promise.all(this.sessions.map((session) => session.indexed()));
    await Deadline.after(DRAIN_MS_MAX).race("indexing what was accepted", all);
  }

  /** Counts marks that were reached without being told. */
  flush(): void {
    const nowMs = this.#options.pace.nowMs();
    for (const [at, { watermarks }] of this.sessions.entries()) this.#latencies[at]?.progress(watermarks, nowMs);
  }

  /** Observations that each space holds. */
  held(): number[] {
    return this.sessions.map(({ nextSeq }) => nextSeq - 1);
  }

  async close(): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.close()));
  }

  #send(count: number, intendedMs: number): void {
    const { pace, vectors, choose, lane, encoding } = this.#options;
    const space = choose();
    const session = this.sessions[space];
    if (!session) throw new MillraceError("internal", `space ${space} has no session`);
    const startMs = pace.nowMs();
    this.lateMicros.record((startMs - intendedMs) * 1_000);
    const firstSeq = session.nextSeq;
    vectors.write(this.#encoder.floats, space, { first: firstSeq - 1, count });
    const bytes = this.#encoder.encode(count);
    const madeMs = pace.nowMs();
    this.makeMs += madeMs - startMs;
    this.sent += count;
    const isAccepted = this.#submit(session, {
      ...{ firstSeq, count, lane, encoding, dims: vectors.source.dims },
      ...{ vectors: bytes, meta: NO_META },
    });
    const doneMs = pace.nowMs();
    this.submitMs += doneMs - madeMs;
    if (!isAccepted) return;
    this.accepted += count;
    this.acceptedMicros.record((doneMs - intendedMs) * 1_000);
    this.#latencies[space]?.sent(firstSeq + count - 1, intendedMs);
  }

  #submit(session: TargetSession, batch: Parameters<TargetSession["submit"]>[0]): boolean {
    try {
      session.submit(batch);
      return true;
    } catch (error) {
      const { code } = MillraceError.from(error);
      if (!REFUSALS.has(code)) throw error;
      this.refused += batch.count;
      this.refusals.set(code, (this.refusals.get(code) ?? 0) + batch.count);
      return false;
    }
  }
}

const NO_META = new Uint8Array();
