/** What waits for a worker: first in, first out, requests somebody waits for before bulk jobs. */

export const PRIORITIES = ["interactive", "bulk"] as const;

/** `interactive`: somebody waits for the answer. `bulk`: a job of many sources. */
export type Priority = (typeof PRIORITIES)[number];

/** Interactive jobs taken in a row while a bulk job waits; then one bulk job goes, so that bulk work slows but never stops. */
export const INTERACTIVE_RUN_MAX = 8;

export class JobQueue<T> {
  readonly #lanes: Readonly<Record<Priority, Set<T>>> = { interactive: new Set(), bulk: new Set() };
  #run = 0;

  get size(): number {
    return this.#lanes.interactive.size + this.#lanes.bulk.size;
  }

  sizeOf(priority: Priority): number {
    return this.#lanes[priority].size;
  }

  push(item: T, priority: Priority): void {
    this.#lanes[priority].add(item);
  }

  /** Puts an item that was taken back before all others of its lane. O(n) */
  pushFront(item: T, priority: Priority): void {
    const lane = this.#lanes[priority];
    const others = [...lane];
    lane.clear();
    lane.add(item);
    for (const other of others) lane.add(other);
  }

  take(): T | undefined {
    const { interactive, bulk } = this.#lanes;
    const isBulkTurn = bulk.size > 0 && (interactive.size === 0 || this.#run >= INTERACTIVE_RUN_MAX);
    this.#run = isBulkTurn || bulk.size === 0 ? 0 : this.#run + 1;
    const lane = isBulkTurn ? bulk : interactive;
    for (const item of lane) {
      lane.delete(item);
      return item;
    }
    return undefined;
  }

  delete(item: T): boolean {
    return this.#lanes.interactive.delete(item) || this.#lanes.bulk.delete(item);
  }

  /** Empties the queue and returns what was in it. */
  drain(): T[] {
    const items = [...this.#lanes.interactive, ...this.#lanes.bulk];
    for (const priority of PRIORITIES) this.#lanes[priority].clear();
    return items;
  }
}
