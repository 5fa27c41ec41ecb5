import { clearBit, hasBit, setBit } from "./bitmap.ts";
import { grown } from "./grown.ts";
import { PAGE_ROWS, PAGE_ROWS_MIN, SHARE_STEPS } from "./limits.ts";

/** What is known of one row besides its numbers. */
export const FLAGS = {
  /** It was given to an observation; the others are gaps. */
  given: 1,
  hasText: 2,
  /** Its id is the client's. */
  hasId: 4,
  hasTtl: 8,
  /** Removed, and no generation that can be asked for still has it. */
  final: 16,
} as const;

export type RowNumbers = {
  readonly whenMs: number;
  readonly acceptedMs: number;
  readonly confidence: number;
  readonly importance: number;
  readonly flags: number;
};

/** Of one moment; copied or moved as it is. */
export type RowPageState = {
  readonly whenMs: Float64Array<ArrayBuffer>;
  readonly acceptedMs: Float64Array<ArrayBuffer>;
  readonly confidence: Uint16Array<ArrayBuffer>;
  readonly importance: Uint16Array<ArrayBuffer>;
  readonly flags: Uint8Array<ArrayBuffer>;
  readonly live: Uint8Array<ArrayBuffer>;
  readonly rows: number;
  readonly held: number;
  readonly whenMin: number;
  readonly whenMax: number;
  readonly confidenceMax: number;
  readonly importanceMax: number;
};

/**
 * Numbers of at most `PAGE_ROWS` rows, 21 bytes and a bit each. `confidence` and `importance` are ten-thousandths in 16 bits: a byte cannot
 * say 0.7, and a float32 says 0.69999999, which is not at least 0.7; this says every number of four decimals exactly, in as
 * many bytes as a half float. Times are whole doubles. Least and greatest `whenMs` let a filter pass over pages it need not look into, and
 * all greatest bound what a row can score.
 */
export class RowPage {
  whenMs: Float64Array<ArrayBuffer>;
  acceptedMs: Float64Array<ArrayBuffer>;
  confidence: Uint16Array<ArrayBuffer>;
  importance: Uint16Array<ArrayBuffer>;
  flags: Uint8Array<ArrayBuffer>;
  /** Bits of the rows that are there. */
  live: Uint8Array<ArrayBuffer>;
  /** Rows used, gaps included. */
  rows: number;
  /** Rows that some generation still has. */
  held: number;
  whenMin: number;
  whenMax: number;
  /** In steps, of all rows that were ever in it. */
  confidenceMax: number;
  importanceMax: number;

  constructor(state: RowPageState = emptyPage(PAGE_ROWS_MIN)) {
    this.whenMs = state.whenMs;
    this.acceptedMs = state.acceptedMs;
    this.confidence = state.confidence;
    this.importance = state.importance;
    this.flags = state.flags;
    this.live = state.live;
    this.rows = state.rows;
    this.held = state.held;
    this.whenMin = state.whenMin;
    this.whenMax = state.whenMax;
    this.confidenceMax = state.confidenceMax;
    this.importanceMax = state.importanceMax;
  }

  get bytes(): number {
    return this.flags.length * (8 + 8 + 2 + 2 + 1) + this.live.length;
  }

  /** Nothing can be asked about it any more and nothing will be added. */
  get isSpent(): boolean {
    return this.rows === PAGE_ROWS && this.held === 0;
  }

  /** `at` is at least `rows` and below `PAGE_ROWS`; what lies between is a gap. */
  append(at: number, numbers: RowNumbers): void {
    this.skipTo(at + 1);
    this.whenMs[at] = numbers.whenMs;
    this.acceptedMs[at] = numbers.acceptedMs;
    const confidence = toSteps(numbers.confidence);
    const importance = toSteps(numbers.importance);
    this.confidence[at] = confidence;
    this.importance[at] = importance;
    if (confidence > this.confidenceMax) this.confidenceMax = confidence;
    if (importance > this.importanceMax) this.importanceMax = importance;
    this.flags[at] = numbers.flags | FLAGS.given;
    setBit(this.live, at);
    this.held++;
    if (numbers.whenMs < this.whenMin) this.whenMin = numbers.whenMs;
    if (numbers.whenMs > this.whenMax) this.whenMax = numbers.whenMs;
  }

  /** Makes `rows` rows of it used. */
  skipTo(rows: number): void {
    while (rows > this.flags.length) this.#grow();
    this.rows = rows;
  }

  isLive(at: number): boolean {
    return hasBit(this.live, at);
  }

  flag(at: number, flag: number): boolean {
    return ((this.flags[at] ?? 0) & flag) !== 0;
  }

  clearFlag(at: number, flag: number): void {
    this.flags[at] = (this.flags[at] ?? 0) & ~flag;
  }

  remove(at: number): void {
    clearBit(this.live, at);
  }

  /** After `remove`: gives the row up for good. */
  finish(at: number): void {
    this.flags[at] = (this.flags[at] ?? 0) | FLAGS.final;
    this.held--;
  }

  #grow(): void {
    const length = this.flags.length * 2;
    this.whenMs = grown(this.whenMs, length);
    this.acceptedMs = grown(this.acceptedMs, length);
    this.confidence = grown(this.confidence, length);
    this.importance = grown(this.importance, length);
    this.flags = grown(this.flags, length);
    this.live = grown(this.live, length / 8);
  }
}

/** As `confidence` and `importance` are kept and compared. */
export function toSteps(share: number): number {
  return Math.round(share * SHARE_STEPS);
}

function emptyPage(rows: number): RowPageState {
  return {
    whenMs: new Float64Array(rows),
    acceptedMs: new Float64Array(rows),
    confidence: new Uint16Array(rows),
    importance: new Uint16Array(rows),
    flags: new Uint8Array(rows),
    live: new Uint8Array(rows / 8),
    rows: 0,
    held: 0,
    whenMin: Number.POSITIVE_INFINITY,
    whenMax: Number.NEGATIVE_INFINITY,
    confidenceMax: 0,
    importanceMax: 0,
  };
}
