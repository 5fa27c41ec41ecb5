import type { IngestWatermarks } from "@millrace/protocol";
import { bytesOf, type Call, type Slice, sizeOf } from "./outbox.ts";

/** Sent together, and taken together or not at all. */
type Batch = {
  readonly firstSeq: number;
  readonly count: number;
  readonly bytes: number;
  slices: Slice[];
  isDurable: boolean;
};

export type SettleSink = {
  /** So many observations of the call have come as far as it asked. */
  arrived(call: Call, count: number): void;
  /** So many are durable. */
  kept(call: Call, count: number): void;
};

/** What was sent, in order of its numbers, until it is durable and has come as far as its calls asked: it may have to be sent again. */
export class SentBatches {
  #batches: Batch[] = [];
  /** Of what is not durable. */
  count = 0;
  bytes = 0;

  add(slices: Slice[], firstSeq: number): number {
    const count = slices.reduce((sum, slice) => sum + sizeOf(slice), 0);
    const bytes = slices.reduce((sum, slice) => sum + bytesOf(slice), 0);
    this.#batches.push({ firstSeq, slices, count, bytes, isDurable: false });
    this.count += count;
    this.bytes += bytes;
    return count;
  }

  /** The slices of the batch with that number, and how many batches came behind it. */
  find(firstSeq: number): { readonly slices: readonly Slice[]; readonly behind: number } | undefined {
    const at = this.#batches.findIndex((batch) => batch.firstSeq === firstSeq);
    const batch = this.#batches[at];
    return batch && { slices: batch.slices, behind: this.#batches.length - at - 1 };
  }

  /** The slice that the observation is of. */
  sliceOf(seq: number): Slice | undefined {
    const batch = this.#batches.find(({ firstSeq, count }) => seq >= firstSeq && seq < firstSeq + count);
    return batch && split(batch.slices, seq - batch.firstSeq)[1][0];
  }

  /** Takes out what has that number or a later one: it was not taken by the engine. */
  takeFrom(nextSeq: number): Slice[] {
    const taken: Slice[] = [];
    for (let last = this.#batches.at(-1); last && last.firstSeq + last.count > nextSeq; last = this.#batches.at(-1)) {
      this.#batches.pop();
      this.#forget(last);
      const [kept, rest] = split(last.slices, Math.max(0, nextSeq - last.firstSeq));
      taken.unshift(...rest);
      if (kept.length === 0) continue;
      this.add(kept, last.firstSeq);
      break;
    }
    return taken;
  }

  clear(): Slice[] {
    return this.takeFrom(0);
  }

  settle(marks: IngestWatermarks, sink: SettleSink): void {
    for (const batch of this.#batches) {
      if (batch.firstSeq > marks.accepted) break;
      const lastSeq = batch.firstSeq + batch.count - 1;
      for (const slice of batch.slices) {
        if (slice.isArrived || reached(marks, slice.call) < lastSeq) continue;
        slice.isArrived = true;
        sink.arrived(slice.call, sizeOf(slice));
      }
      if (batch.isDurable || marks.durable < lastSeq) continue;
      this.#forget(batch);
      for (const slice of batch.slices) sink.kept(slice.call, sizeOf(slice));
      batch.isDurable = true;
    }
    this.#batches = this.#batches.filter(({ isDurable, slices }) => !isDurable || slices.some((one) => !one.isArrived));
  }

  #forget({ isDurable, count, bytes }: Batch): void {
    if (isDurable) return;
    this.count -= count;
    this.bytes -= bytes;
  }
}

/** Each mark says that those before it are reached, too: what is searchable may not be durable yet. */
function reached(marks: IngestWatermarks, { mark }: Call): number {
  return mark === "accepted" ? marks.accepted : Math.min(marks.durable, marks[mark]);
}

/** The first so many observations, and the rest. */
function split(slices: readonly Slice[], count: number): [Slice[], Slice[]] {
  const first: Slice[] = [];
  const rest: Slice[] = [];
  let left = count;
  for (const slice of slices) {
    const at = Math.min(slice.to, slice.from + left);
    if (at > slice.from) first.push({ ...slice, to: at });
    if (at < slice.to) rest.push({ ...slice, from: at });
    left -= at - slice.from;
  }
  return [first, rest];
}
