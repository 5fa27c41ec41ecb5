import { LANES, type Lane } from "@millrace/protocol";
import { SpaceQueue } from "./lane-queue.ts";
import type { SpaceQuotas } from "./space-quotas.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What is under way of one space, against its quotas. */
export class SpaceAccount<T> {
  readonly space: number;
  /** Observations admitted and not yet done, and their bytes. */
  count = 0;
  bytes = 0;
  quotas: SpaceQuotas = {};
  bucket: TokenBucket | undefined = undefined;
  readonly #queues: Partial<Record<Lane, SpaceQueue<T>>> = {};

  constructor(space: number, quotas: SpaceQuotas, nowMs: number) {
    this.space = space;
    this.setQuotas(quotas, nowMs);
  }

  /** A changed rate begins with a full second. */
  setQuotas(quotas: SpaceQuotas, nowMs: number): void {
    this.quotas = quotas;
    const perSecond = quotas.perSecondMax;
    if (perSecond === this.bucket?.perSecond) return;
    this.bucket = perSecond === undefined ? undefined : new TokenBucket(perSecond, nowMs);
  }

  queue(lane: Lane): SpaceQueue<T> {
    const queue = this.#queues[lane];
    if (queue) return queue;
    const made = new SpaceQueue<T>(this.space);
    this.#queues[lane] = made;
    return made;
  }

  /** The lanes that this space has ever used. */
  lanes(): Lane[] {
    return LANES.filter((lane) => this.#queues[lane] !== undefined);
  }

  /** Nothing under way and nothing to remember: a new account would be the same. */
  isForgettable(nowMs: number): boolean {
    return this.count === 0 && (this.bucket === undefined || this.bucket.isFull(nowMs));
  }
}
