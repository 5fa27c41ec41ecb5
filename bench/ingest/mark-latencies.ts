/** When each batch of a session reached its marks, counted from when it was meant to be sent. */
import { Histogram } from "@millrace/core";
import type { Marks } from "./target.ts";

/** Marks that come later than the call. */
export const LATER_MARKS = ["durable", "searchable", "indexed"] as const satisfies readonly (keyof Marks)[];
export type LaterMark = (typeof LATER_MARKS)[number];

/** Microseconds. */
export type MarkTables = Readonly<Record<LaterMark, Histogram>>;

/** Batches that have all marks are let go of so many at a time. */
const FORGET_BATCHES = 4_096;

export function createMarkTables(): MarkTables {
  return { durable: new Histogram(), searchable: new Histogram(), indexed: new Histogram() };
}

/** The batches under way of one session. A batch has a mark when all of it has. */
export class MarkLatencies {
  readonly #tables: MarkTables;
  readonly #lastSeqs: number[] = [];
  readonly #intendedMs: number[] = [];
  readonly #reached: Record<LaterMark, number> = { durable: 0, searchable: 0, indexed: 0 };

  constructor(tables: MarkTables) {
    this.#tables = tables;
  }

  /** A batch that ends with `lastSeq` was accepted. */
  sent(lastSeq: number, intendedMs: number): void {
    this.#lastSeqs.push(lastSeq);
    this.#intendedMs.push(intendedMs);
  }

  progress(marks: Marks, nowMs: number): void {
    for (const mark of LATER_MARKS) this.#advance(mark, marks[mark], nowMs);
    this.#forget();
  }

  #advance(mark: LaterMark, seq: number, nowMs: number): void {
    let at = this.#reached[mark];
    for (; at < this.#lastSeqs.length && (this.#lastSeqs[at] ?? 0) <= seq; at++) {
      this.#tables[mark].record((nowMs - (this.#intendedMs[at] ?? nowMs)) * 1_000);
    }
    this.#reached[mark] = at;
  }

  #forget(): void {
    const { durable, searchable, indexed } = this.#reached;
    const through = Math.min(durable, searchable, indexed);
    if (through < FORGET_BATCHES) return;
    this.#lastSeqs.splice(0, through);
    this.#intendedMs.splice(0, through);
    for (const mark of LATER_MARKS) this.#reached[mark] -= through;
  }
}
