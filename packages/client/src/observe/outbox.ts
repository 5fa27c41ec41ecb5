import type { IngestMark, MillraceError } from "@millrace/protocol";
import type { Run } from "./encode-observations.ts";

/** One call of `observe`. */
export type Call = {
  readonly mark: IngestMark;
  /** Settles when all of it has come as far as it asked, or a part of it has failed. */
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: MillraceError) => void;
  /** Resolves when nothing is to be done for it any more. */
  readonly over: Promise<void>;
  readonly end: () => void;
  /** Observations that have not come as far, and those that are not durable. */
  left: number;
  undurable: number;
  isFailed: boolean;
};

/** Observations `from` up to, not including, `to` of a run. */
export type Slice = {
  readonly call: Call;
  readonly run: Run;
  readonly from: number;
  readonly to: number;
  /** Goes without those of other calls: together they were refused, and the guilty one is to be found. */
  readonly isAlone: boolean;
  /** It has come as far as its call asked; not to be counted again when it must be sent again. */
  isArrived: boolean;
};

export type Room = { readonly count: number; readonly bytes: number; readonly metaBytes: number };

/** What waits to be sent, in order. */
export class Outbox {
  #slices: Slice[] = [];
  /** Place of the first; those before it are gone. Taking one off the front of a long array would move all others. */
  #head = 0;
  count = 0;
  bytes = 0;

  add(slice: Slice): void {
    this.#slices.push(slice);
    this.#counted(slice, 1);
  }

  /** In front of the others: they were sent, and not taken. */
  putBack(slices: readonly Slice[]): void {
    this.#slices = [...slices, ...this.#slices.slice(this.#head)];
    this.#head = 0;
    for (const slice of slices) this.#counted(slice, 1);
  }

  /** Takes all out. */
  clear(): Slice[] {
    const all = this.#slices.slice(this.#head);
    this.#slices = [];
    this.#head = 0;
    this.count = 0;
    this.bytes = 0;
    return all;
  }

  /** Takes out what is left of a call. */
  drop(call: Call): void {
    for (const slice of this.clear()) if (slice.call !== call) this.add(slice);
  }

  /** Lets what is left of the call go without those of others. */
  setApart(call: Call): void {
    for (const slice of this.clear()) this.add(slice.call === call ? { ...slice, isAlone: true } : slice);
  }

  /** The first slices that are alike and find room together. Empty when the very first observation does not. */
  take(room: Room): Slice[] {
    const taken: Slice[] = [];
    let left: Room = { ...room, metaBytes: room.metaBytes - 2 };
    for (let slice = this.first; slice && mayFollow(taken[0], slice); slice = this.first) {
      const to = fitting(slice, left);
      if (to === slice.from) break;
      const part = { ...slice, to };
      taken.push(part);
      this.#counted(part, -1);
      left = without(left, part);
      if (to < slice.to) {
        this.#slices[this.#head] = { ...slice, from: to };
        break;
      }
      this.#head++;
    }
    if (this.#head * 2 > this.#slices.length) {
      this.#slices = this.#slices.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }

  get first(): Slice | undefined {
    return this.#slices[this.#head];
  }

  #counted(slice: Slice, sign: 1 | -1): void {
    this.count += sign * sizeOf(slice);
    this.bytes += sign * bytesOf(slice);
  }
}

function mayFollow(first: Slice | undefined, slice: Slice): boolean {
  if (!first) return true;
  return !first.isAlone && !slice.isAlone && first.run.dims === slice.run.dims;
}

/** Where a part of the slice that finds room ends. */
function fitting({ run, from, to }: Slice, room: Room): number {
  let { count, bytes, metaBytes } = room;
  let at = from;
  for (; at < to; at++) {
    const meta = metaBytesOf(run, at);
    count--;
    metaBytes -= meta;
    bytes -= run.stride + meta;
    if (count < 0 || bytes < 0 || metaBytes < 0) break;
  }
  return at;
}

function without({ count, bytes, metaBytes }: Room, slice: Slice): Room {
  const size = sizeOf(slice);
  const all = bytesOf(slice);
  return { count: count - size, bytes: bytes - all, metaBytes: metaBytes - (all - size * slice.run.stride) };
}

/** Observations of it. */
export function sizeOf({ from, to }: Slice): number {
  return to - from;
}

export function bytesOf({ run, from, to }: Slice): number {
  let bytes = (to - from) * run.stride;
  for (let at = from; at < to; at++) bytes += metaBytesOf(run, at);
  return bytes;
}

/** With the comma before it. */
function metaBytesOf(run: Run, at: number): number {
  return (run.metas[at]?.length ?? 0) + 1;
}
