import type { StreamId } from "@millrace/protocol";
import { LIFECYCLES_PARKED_MAX } from "../limits.ts";
import type { LiveStream } from "../live-stream.ts";
import type { LifecycleRow } from "./entity-table.ts";

type Parked = { readonly head: number; readonly rows: readonly LifecycleRow[] };

/** Lifecycles of streams that left memory with something open, until they are opened again; the oldest are forgotten first. */
export class ParkedLifecycles {
  readonly #parked = new Map<StreamId, Parked>();

  /** Keeps what is open in a stream that is being closed, with its place in the log. */
  park(live: LiveStream): void {
    if (!live.lifecycles || live.lifecycles.openCount === 0 || live.ended) return;
    const rows = live.lifecycles.snapshot().filter(({ state }) => state === "open");
    this.#parked.set(live.name, { head: live.durable, rows });
    if (this.#parked.size <= LIFECYCLES_PARKED_MAX) return;
    for (const oldest of this.#parked.keys()) {
      this.#parked.delete(oldest);
      return;
    }
  }

  /** The rows of the log at `head`, with what was kept of the stream as it was there in place of those that are open. */
  complete(stream: StreamId, head: number, rows: readonly LifecycleRow[]): readonly LifecycleRow[] {
    const found = this.#parked.get(stream);
    this.#parked.delete(stream);
    return found?.head === head ? [...rows.filter(({ state }) => state !== "open"), ...found.rows] : rows;
  }
}
