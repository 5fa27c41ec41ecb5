import type { Batch } from "./batch.ts";
import { Chain } from "./chain.ts";
import type { QueuedEntry } from "./entry.ts";
import { QUANTUM } from "./limits.ts";

/** What waits of one space in one lane, first in, first out, and what the space may still take in its turn. */
export class SpaceQueue<T> {
  readonly space: number;
  head: QueuedEntry<T> | undefined = undefined;
  tail: QueuedEntry<T> | undefined = undefined;
  deficit = 0;
  isInRotation = false;
  before: SpaceQueue<T> | undefined = undefined;
  after: SpaceQueue<T> | undefined = undefined;

  constructor(space: number) {
    this.space = space;
  }
}

/**
 * The order of one lane: deficit round robin across spaces (Shreedhar and Varghese 1995), first in, first out within a space. As in
 * fair queueing of packets (RFC 8290), a space may take an entry while its deficit is above zero and owes what the entry is too large
 * by: so an entry of any size goes without being split, and no round passes without work that was paid for.
 *
 * Invariant: every space with something waiting is in the rotation. An emptied one stays until its debt is paid; otherwise a space that
 * sends one large entry at a time would get more than its share.
 */
export class LaneQueue<T> {
  /** Observations that wait. */
  waiting = 0;
  readonly #rotation = new Chain<SpaceQueue<T>>();
  readonly #parked = new Chain<SpaceQueue<T>>();
  readonly #byAge = new Chain<QueuedEntry<T>>();

  /** When the oldest waiting entry was admitted; undefined when none waits. */
  get oldestMs(): number | undefined {
    return this.#byAge.first?.admittedMs;
  }

  add(queue: SpaceQueue<T>, entry: QueuedEntry<T>): void {
    if (queue.tail) queue.tail.following = entry;
    else queue.head = entry;
    queue.tail = entry;
    this.#byAge.push(entry);
    this.waiting += entry.count;
    if (queue.isInRotation) return;
    queue.isInRotation = true;
    queue.deficit = QUANTUM;
    this.#rotation.push(queue);
  }

  /**
   * Moves entries into the batch until it is full, `countMax` observations are reached or nothing that is ready waits; returns how many
   * observations. A space that is not ready is asked once and keeps its place, so that it is next when it is ready: O(entries taken + spaces
   * skipped), and one turn a QUANTUM of observations.
   */
  serve(batch: Batch<T>, countMax: number): number {
    let served = 0;
    while (served < countMax && this.waiting > 0) {
      const queue = this.#rotation.first;
      if (!queue) break;
      const entry = queue.head;
      if (entry && !batch.isReady(entry)) {
        this.#rotation.remove(queue);
        this.#parked.push(queue);
      } else if (queue.deficit <= 0) {
        queue.deficit += QUANTUM;
        this.#rotation.remove(queue);
        this.#rotation.push(queue);
      } else if (!entry) this.leave(queue);
      else if (!batch.add(entry)) break;
      else {
        queue.deficit -= entry.count;
        this.#removeHead(queue, entry);
        served += entry.count;
      }
    }
    this.#rotation.prepend(this.#parked);
    return served;
  }

  /** Everything that waits of one space, in order; it is out of the queue then. O(entries). */
  drop(queue: SpaceQueue<T>): QueuedEntry<T>[] {
    const dropped: QueuedEntry<T>[] = [];
    for (let entry = queue.head; entry; entry = queue.head) {
      dropped.push(entry);
      this.#removeHead(queue, entry);
    }
    this.leave(queue);
    return dropped;
  }

  /** Takes an emptied queue out of the rotation. */
  leave(queue: SpaceQueue<T>): void {
    if (!queue.isInRotation) return;
    queue.isInRotation = false;
    this.#rotation.remove(queue);
  }

  #removeHead(queue: SpaceQueue<T>, entry: QueuedEntry<T>): void {
    queue.head = entry.following;
    if (!queue.head) queue.tail = undefined;
    entry.following = undefined;
    this.#byAge.remove(entry);
    this.waiting -= entry.count;
  }
}
