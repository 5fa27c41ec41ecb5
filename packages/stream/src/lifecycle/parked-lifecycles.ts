import type { StreamId } from "@millrace/protocol";
import { LIFECYCLES_PARKED_MAX, LIFECYCLES_PARKED_ROWS_MAX } from "../limits.ts";
import type { LiveStream } from "../live-stream.ts";
import type { LifecycleRow } from "./entity-table.ts";

type Parked = { readonly head: number; readonly rows: readonly LifecycleRow[] };

/** Lifecycles of streams that left memory with something open, until they are opened again; the oldest are forgotten first. */
export class ParkedLifecycles {
  readonly #rowsMax: number;
  readonly #parked = new Map<StreamId, Parked>();
  #rows = 0;

  constructor(rowsMax = LIFECYCLES_PARKED_ROWS_MAX) {
    this.#rowsMax = rowsMax;
  }

  /** Entities kept, of all streams. */
  get rows(): number {
    return this.#rows;
  }

  /** Keeps what is open in a stream that is being closed, with its place in the log. What is not durable there never happened. */
  park({ name, lifecycles, durable, ended }: LiveStream): void {
    if (!lifecycles || ended) return;
    lifecycles.undoAfter(durable);
    if (lifecycles.openCount === 0) return;
    const rows = lifecycles.snapshot().filter(({ state }) => state === "open");
    this.#take(name);
    this.#parked.set(name, { head: durable, rows });
    this.#rows += rows.length;
    for (const oldest of this.#parked.keys()) {
      if (this.#parked.size <= LIFECYCLES_PARKED_MAX && this.#rows <= this.#rowsMax) return;
      this.#take(oldest);
    }
  }

  /** The rows of the log at `head`, with what was kept of the stream as it was there in place of those that are open. */
  complete(stream: StreamId, head: number, rows: readonly LifecycleRow[]): readonly LifecycleRow[] {
    const found = this.#take(stream);
    return found?.head === head ? [...rows.filter(({ state }) => state !== "open"), ...found.rows] : rows;
  }

  #take(stream: StreamId): Parked | undefined {
    const found = this.#parked.get(stream);
    this.#parked.delete(stream);
    this.#rows -= found?.rows.length ?? 0;
    return found;
  }
}
