import type { Clock } from "@millrace/core";
import { CircuitBreaker } from "./circuit-breaker.ts";
import type { RobotsRecord } from "./robots-cache.ts";
import { type Pace, TokenBucket } from "./token-bucket.ts";

/** What is remembered of one origin (scheme, host and port). */
export type Origin = {
  readonly name: string;
  readonly bucket: TokenBucket;
  readonly breaker: CircuitBreaker;
  robots: RobotsRecord;
  /** Calls that hold on to it; it is not forgotten while there are any. */
  users: number;
};

export type OriginTableOptions = { readonly clock: Clock; readonly pace: Pace; readonly originsMax: number };

/** Origins by name, the least recently used ones forgotten beyond `originsMax`; one in use stays. */
export class OriginTable {
  readonly #options: OriginTableOptions;
  readonly #origins = new Map<string, Origin>();

  constructor(options: OriginTableOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#origins.size;
  }

  /** The origin's record, held until it is disposed of. */
  use(name: string): { readonly origin: Origin } & Disposable {
    const origin = this.#origins.get(name) ?? this.#create(name);
    this.#origins.delete(name);
    this.#origins.set(name, origin);
    origin.users++;
    this.#evict();
    return {
      origin,
      [Symbol.dispose]: () => {
        origin.users--;
      },
    };
  }

  /** What is remembered of an origin, if anything; that it was looked at counts as no use. */
  find(name: string): Origin | undefined {
    return this.#origins.get(name);
  }

  *[Symbol.iterator](): IterableIterator<Origin> {
    yield* this.#origins.values();
  }

  #create(name: string): Origin {
    const { clock, pace } = this.#options;
    return { name, bucket: new TokenBucket(clock, pace), breaker: new CircuitBreaker(clock), robots: {}, users: 0 };
  }

  /** At most as many are passed over as are in use, which the fetcher bounds. */
  #evict(): void {
    for (const [name, { users }] of this.#origins) {
      if (this.#origins.size <= this.#options.originsMax) return;
      if (users === 0) this.#origins.delete(name);
    }
  }
}
