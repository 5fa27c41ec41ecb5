/** Now and then asks again, looking at every row, what was asked before: so that the recall that users get is measured, not hoped for. */
import type { SpaceIndex } from "./space-index.ts";

/** Neighbours compared. */
const K = 10;
/** Least time between two checks: an exact search of a million rows takes up to a second of its thread. */
const EVERY_MS = 1_000;
/** Rows above which a space is checked less often, in proportion. */
const ROWS_A_SECOND = 200_000;

export type RecallChecked = { readonly found: number; readonly of: number };

export class RecallCheck {
  readonly #onChecked: (checked: RecallChecked) => void;
  readonly #indexOf: (space: number) => SpaceIndex | undefined;
  readonly #isIdle: () => boolean;
  #notBeforeMs = 0;
  #isDue = false;

  /** `onChecked` is told how many of the nearest the answer had. A check is put off while the thread has batches. */
  constructor(options: {
    readonly onChecked: (checked: RecallChecked) => void;
    readonly isIdle: () => boolean;
    /** The space if it is here still. */
    readonly indexOf: (space: number) => SpaceIndex | undefined;
  }) {
    this.#onChecked = options.onChecked;
    this.#isIdle = options.isIdle;
    this.#indexOf = options.indexOf;
  }

  /** A question was asked by this vector. Checked soon, or not at all. */
  asked(space: SpaceIndex, vector: Float32Array): void {
    const nowMs = performance.now();
    if (this.#isDue || nowMs < this.#notBeforeMs) return;
    this.#isDue = true;
    this.#notBeforeMs = nowMs + EVERY_MS * Math.max(1, space.rows / ROWS_A_SECOND);
    const { space: number } = space;
    setTimeout(() => this.#check(number, vector.slice()), EVERY_MS / 10).unref();
  }

  #check(number: number, vector: Float32Array): void {
    this.#isDue = false;
    const space = this.#indexOf(number);
    if (!space || !this.#isIdle() || space.index.size < K) return;
    const exact = space.index.search(vector, K, { recall: "exact" });
    const worst = exact.scores.at(-1) ?? 0;
    // A row as near as the tenth counts as one of them.
    const answered = space.index.search(vector, K).scores;
    this.#onChecked({ found: answered.filter((score) => score >= worst).length, of: exact.ids.length });
  }
}
