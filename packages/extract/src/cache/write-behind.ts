/** Values on their way to the disk: callers do not wait for compression and SQLite. */
import { CACHE_WRITING_BYTES_MAX } from "../limits.ts";
import type { DiskLayer } from "./disk-layer.ts";
import { type CacheEntry, factsOf } from "./entry.ts";
import { packValue } from "./packed-value.ts";

/**
 * Writes in the background, the last value of a key wins, a forgotten one is not written. Until it is written `get` finds it, so a value is
 * never out of reach between memory and disk. Bounded: beyond CACHE_WRITING_BYTES_MAX values are not taken.
 */
export class WriteBehind<V> {
  readonly #disk: DiskLayer;
  readonly #warn: (error: unknown) => void;
  readonly #writing = new Map<string, CacheEntry<V>>();
  /** Of forgotten and replaced values too. */
  readonly #running = new Set<Promise<void>>();
  #bytes = 0;
  /** Values not taken because too much was on its way. */
  dropped = 0;

  constructor(disk: DiskLayer, warn: (error: unknown) => void) {
    this.#disk = disk;
    this.#warn = warn;
  }

  get(key: string): CacheEntry<V> | undefined {
    return this.#writing.get(key);
  }

  add(key: string, entry: CacheEntry<V>, raw: Uint8Array): void {
    if (this.#bytes + raw.length > CACHE_WRITING_BYTES_MAX) {
      this.dropped++;
      this.forget(key);
      this.#disk.delete(key);
      return;
    }
    this.#bytes += raw.length;
    this.#writing.set(key, entry);
    const running = this.#write(key, entry, raw)
      .catch(this.#warn)
      .finally(() => {
        this.#bytes -= raw.length;
        if (this.get(key) === entry) this.#writing.delete(key);
        this.#running.delete(running);
      });
    this.#running.add(running);
  }

  /** Whether something was on its way. */
  forget(key: string): boolean {
    return this.#writing.delete(key);
  }

  entries(): IterableIterator<readonly [string, CacheEntry<V>]> {
    return this.#writing.entries();
  }

  /** Settles when all that was added before is written, or passed over because it was forgotten. */
  async flush(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #write(key: string, entry: CacheEntry<V>, raw: Uint8Array): Promise<void> {
    const packed = await packValue(raw);
    if (this.get(key) === entry)
      this.#disk.put(key, { times: entry, facts: { ...factsOf(entry), tags: entry.tags }, packed });
  }
}
