/** Words on their way into the full text: of a space one write at a time, in the order of its rows, tried again for as long as the store refuses. */
import type { Clock } from "@millrace/core";
import { LOG_RETRY_MS, TEXT_BATCHES_MAX } from "../limits.ts";
import type { ObservationTexts } from "./observation-texts.ts";
import type { ObservationText } from "./text-module.ts";

type Waiting = {
  readonly change:
    | { readonly kind: "put"; readonly texts: readonly ObservationText[]; readonly rows: number }
    | { readonly kind: "remove"; readonly rows: readonly number[] };
  readonly settle: () => void;
};

/**
 * The store notes up to which row words are entered, and a start goes on from there: so no batch is entered before those ahead of it,
 * and no row is taken out before it was entered.
 */
export class TextFeed {
  readonly #texts: ObservationTexts;
  readonly #clock: Clock;
  /** Spaces with a write under way, and what waits behind it. */
  readonly #spaces = new Map<number, Waiting[]>();

  constructor(texts: ObservationTexts, clock: Clock) {
    this.#texts = texts;
    this.#clock = clock;
  }

  /** Resolves once the words are found; rows below `rows` are then entered. Also when the space went meanwhile. */
  put(space: number, texts: readonly ObservationText[], rows: number): Promise<void> {
    return this.#push(space, { kind: "put", texts, rows });
  }

  remove(space: number, rows: readonly number[]): Promise<void> {
    return this.#push(space, { kind: "remove", rows });
  }

  /** Forgets a space: what waits of it is not entered. */
  drop(space: number): void {
    this.#spaces.delete(space);
  }

  close(): void {
    this.#spaces.clear();
  }

  #push(space: number, change: Waiting["change"]): Promise<void> {
    return new Promise((settle) => {
      const behind = this.#spaces.get(space);
      if (behind) {
        behind.push({ change, settle });
        return;
      }
      const waiting = [{ change, settle }];
      this.#spaces.set(space, waiting);
      void this.#write(space, waiting);
    });
  }

  async #write(space: number, waiting: Waiting[]): Promise<void> {
    const isWanted = () => this.#spaces.get(space) === waiting;
    while (waiting.length > 0 && isWanted()) {
      const group = groupOf(waiting);
      try {
        await this.#enter(space, group);
        for (const { settle } of waiting.splice(0, group.length)) settle();
      } catch {
        await new Promise<void>((resolve) => this.#clock.after(LOG_RETRY_MS, resolve));
      }
    }
    if (isWanted()) this.#spaces.delete(space);
    for (const { settle } of waiting) settle();
  }

  async #enter(space: number, group: readonly Waiting[]): Promise<void> {
    const texts: ObservationText[] = [];
    const removed: number[] = [];
    let rows = 0;
    for (const { change } of group) {
      if (change.kind === "remove") removed.push(...change.rows);
      else {
        texts.push(...change.texts);
        rows = change.rows;
      }
    }
    if (removed.length > 0) await this.#texts.remove(space, removed);
    else await this.#texts.put(space, texts, rows);
  }
}

/** The first, and those of its kind that follow at once. */
function groupOf(waiting: readonly Waiting[]): readonly Waiting[] {
  const kind = waiting[0]?.change.kind;
  const other = waiting.findIndex(({ change }) => change.kind !== kind);
  return waiting.slice(0, Math.min(TEXT_BATCHES_MAX, other < 0 ? waiting.length : other));
}
