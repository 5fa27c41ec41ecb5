import { MillraceError } from "@millrace/core";
import type { ProducerLog, ProducerPosition, StreamEvent } from "@millrace/protocol";
import { PRODUCERS_MAX } from "./limits.ts";
import { compareProducerSeqs, redisProducerSeq } from "./translate/redis-position.ts";

/** How far a producer has come, as it is kept: by number, or by place in its own log. */
export type ProducerRow = {
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly position: string | null;
};

/** Whether the event at this place of an append was taken before. */
type Seen = (at: number) => boolean;

const DIGITS = /^(?:0|[1-9][0-9]{0,19})$/;

/** What one stream knows of its producers (I3); past PRODUCERS_MAX the one heard least recently is forgotten. */
export class Producers {
  readonly #rows = new Map<string, ProducerRow>();
  #forgotten: string[] = [];

  /** `rows` are in order of use, oldest first. */
  restore(rows: readonly ProducerRow[]): void {
    this.#rows.clear();
    this.#forgotten = [];
    for (const row of rows) this.#rows.set(row.producer, row);
  }

  /** Undefined for a producer, or an epoch of one, that is new. Throws `stale_epoch`, `sequence_gap`, `conflict` or `invalid_argument`. */
  seen(from: ProducerPosition | ProducerLog, events: readonly StreamEvent[]): Seen | undefined {
    const known = this.#rows.get(from.producer);
    if (known && from.epoch < known.epoch) throw staleEpoch(from, known);
    const row = known?.epoch === from.epoch ? known : undefined;
    if (!("seq" in from)) return seenByPosition(row, from, events);
    if (!row) return undefined;
    if (row.position !== null) throw otherForm(from.producer);
    if (from.seq > row.seq + 1) throw skipped(from, row.seq + 1);
    return (at) => from.seq + at <= row.seq;
  }

  /** Takes note of an append. */
  advance(from: ProducerPosition | ProducerLog, events: readonly StreamEvent[]): ProducerRow {
    const row = this.#advanced(from, events);
    this.#rows.delete(row.producer);
    this.#rows.set(row.producer, row);
    if (this.#rows.size > PRODUCERS_MAX) this.#forgetOldest();
    return row;
  }

  /** Whether `advance` would make a difference. */
  advances(from: ProducerPosition | ProducerLog, events: readonly StreamEvent[]): boolean {
    const known = this.#rows.get(from.producer);
    const row = this.#advanced(from, events);
    return known?.epoch !== row.epoch || known.seq !== row.seq || known.position !== row.position;
  }

  #advanced(from: ProducerPosition | ProducerLog, events: readonly StreamEvent[]): ProducerRow {
    const before = this.#rows.get(from.producer);
    const known = before?.epoch === from.epoch ? before : undefined;
    const { producer, epoch } = from;
    return "seq" in from
      ? { producer, epoch, seq: Math.max(from.seq + events.length - 1, known?.seq ?? -1), position: null }
      : { producer, epoch, seq: 0, position: newest(known?.position ?? undefined, events) };
  }

  /** Producers forgotten since the last call: the log is to forget them too. */
  takeForgotten(): readonly string[] {
    if (this.#forgotten.length === 0) return this.#forgotten;
    const forgotten = this.#forgotten;
    this.#forgotten = [];
    return forgotten;
  }

  #forgetOldest(): void {
    for (const producer of this.#rows.keys()) {
      this.#rows.delete(producer);
      this.#forgotten.push(producer);
      return;
    }
  }
}

/** An event at or before the place of one taken earlier, also in the same append, is a duplicate. */
function seenByPosition(row: ProducerRow | undefined, from: ProducerLog, events: readonly StreamEvent[]): Seen {
  if (row && row.position === null) throw otherForm(from.producer);
  let last = row?.position ?? undefined;
  const isSeen = events.map((event) => {
    const position = positionOf(event);
    if (last !== undefined && compareProducerSeqs(position, last) <= 0) return true;
    last = position;
    return false;
  });
  return (at) => isSeen[at] === true;
}

function newest(known: string | undefined, events: readonly StreamEvent[]): string {
  let last = known;
  for (const event of events) {
    const position = positionOf(event);
    if (last === undefined || compareProducerSeqs(position, last) > 0) last = position;
  }
  return last ?? "0";
}

function positionOf({ position }: StreamEvent): string {
  if (position === undefined) {
    const message =
      "a producer without seq gives every event its position, <ms>-<n> or decimal digits; one event has none";
    throw new MillraceError("invalid_argument", message);
  }
  return DIGITS.test(position) ? position : redisProducerSeq(position);
}

function staleEpoch({ producer, epoch }: ProducerLog, known: ProducerRow): MillraceError {
  const message = `producer ${producer} writes with epoch ${epoch}, but epoch ${known.epoch} has taken over; stop this writer`;
  return new MillraceError("stale_epoch", message);
}

function skipped({ producer, seq }: ProducerPosition, next: number): MillraceError {
  const message = `producer ${producer} sent ${seq} but ${next} is next; send the events from ${next} again`;
  return new MillraceError("sequence_gap", message);
}

function otherForm(producer: string): MillraceError {
  const message = `producer ${producer} has numbered its events otherwise in this epoch; go on as before, or begin another epoch`;
  return new MillraceError("conflict", message);
}
