/** Recalls at intended times while observations come in. */
import { Histogram } from "@millrace/core";
import { JUDGED_QUERIES, RECALLS_UNDER_WAY_MAX } from "./limits.ts";
import type { Flow } from "./open-loop.ts";
import type { Pace } from "./pace.ts";
import type { IngestTarget, TargetSession } from "./target.ts";
import type { Question } from "./truth/question.ts";

export const K = 10;

export type RecallLoadOptions = {
  readonly target: Pick<IngestTarget, "recall">;
  readonly spaces: readonly string[];
  readonly sessions: readonly TargetSession[];
  readonly query: Float32Array;
  readonly dims: number;
  readonly pace: Pace;
};

/** Asks one space after the other, with one query after the other; keeps some answers to be judged. */
export class RecallLoad {
  /** Microseconds from the intended time to the answer. */
  readonly micros = new Histogram();
  answered = 0;
  failed = 0;
  /** Why the first that failed did. */
  firstFailure: string | undefined;
  readonly questions: Question[] = [];
  readonly #options: RecallLoadOptions;
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: RecallLoadOptions) {
    this.#options = options;
  }

  flow(rate: number, seconds: number): Flow {
    const count = Math.round(rate * seconds);
    const keepEvery = Math.max(1, Math.floor(count / JUDGED_QUERIES));
    const fire = (at: number, intendedMs: number) => this.#ask(at, intendedMs, at % keepEvery === 0);
    return { everyMs: 1_000 / rate, count, fire };
  }

  /** Resolves when all that were sent have been answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #ask(at: number, intendedMs: number, isKept: boolean): void {
    if (this.#underWay.size >= RECALLS_UNDER_WAY_MAX) {
      this.#fail(`${RECALLS_UNDER_WAY_MAX} recalls wait for an answer`);
      return;
    }
    const asked = this.#answer(at, intendedMs, isKept)
      .catch((error: unknown) => this.#fail(error instanceof Error ? error.message : String(error)))
      .finally(() => this.#underWay.delete(asked));
    this.#underWay.add(asked);
  }

  async #answer(at: number, intendedMs: number, isKept: boolean): Promise<void> {
    const { target, spaces, sessions, query, dims, pace } = this.#options;
    const [space, which] = [at % spaces.length, at % (query.length / dims)];
    const prefix = sessions[space]?.watermarks.searchable ?? 0;
    const vector = query.subarray(which * dims, (which + 1) * dims);
    const found = await target.recall(spaces[space] ?? "", vector, K);
    this.micros.record((pace.nowMs() - intendedMs) * 1_000);
    this.answered++;
    if (isKept && this.questions.length < JUDGED_QUERIES) this.questions.push({ query: which, space, prefix, found });
  }

  #fail(why: string): void {
    this.failed++;
    this.firstFailure ??= why;
  }
}
