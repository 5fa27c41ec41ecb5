/** The cache's first layer: values in memory, bounded by bytes. */
import { LRUCache } from "lru-cache";
import { CACHE_ENTRY_OVERHEAD_BYTES } from "../limits.ts";
import { FrequencySketch } from "./frequency-sketch.ts";

/**
 * Share of the bytes that newcomers get. 1 % as in the paper loses 31 points of hit rate to plain LRU where what was read last is read next;
 * 30 % is level with it there and still 5–8 points above it on Zipf replays (measured: docs/extract-cache.md).
 */
const WINDOW_SHARE = 0.3;
/** Uses between two halvings of the counts, for each entry held. Five loses 3 points of hit rate on Zipf replays (measured). */
const PERIOD_PER_ENTRY = 10;
const PERIOD_MIN = 1_000;
const SKETCH_WIDTH_MIN = 1_024;
const SKETCH_WIDTH_MAX = 262_144;
/** Bytes of a small page: the bound over this is about the number of entries. */
const BYTES_PER_COUNTER = 4_096;

/**
 * W-TinyLFU by size. Every value enters the window, an LRU list; what leaves it is admitted to the main list only if it was asked for more
 * often than all those together that would have to go (aggregated victims: Einziger et al., Lightweight Robust Size Aware Cache Management,
 * ACM ToS 2022). So a crawl that passes through once drives out nothing that is used. Invariant: weight never exceeds `bytesMax`.
 */
export class MemoryLayer<Entry extends { readonly bytes: number }> {
  readonly #window: LRUCache<string, Entry>;
  readonly #main: LRUCache<string, Entry>;
  readonly #mainBytesMax: number;
  readonly #windowBytesMax: number;
  readonly #sketch: FrequencySketch;
  #leaving: [string, Entry][] = [];
  #evictions = 0;

  constructor(bytesMax: number) {
    this.#windowBytesMax = Math.max(1, Math.floor(bytesMax * WINDOW_SHARE));
    this.#mainBytesMax = Math.max(1, bytesMax - this.#windowBytesMax);
    const sizeCalculation = (entry: Entry, key: string) => weightOf(entry, key);
    this.#window = new LRUCache({
      maxSize: this.#windowBytesMax,
      sizeCalculation,
      dispose: (entry, key, reason) => {
        if (reason === "evict") this.#leaving.push([key, entry]);
      },
    });
    this.#main = new LRUCache({
      maxSize: this.#mainBytesMax,
      sizeCalculation,
      dispose: (_, __, reason) => {
        if (reason === "evict") this.#evictions++;
      },
    });
    const entries = Math.min(Math.max(bytesMax / BYTES_PER_COUNTER, SKETCH_WIDTH_MIN), SKETCH_WIDTH_MAX);
    this.#sketch = new FrequencySketch(2 ** Math.ceil(Math.log2(entries)));
  }

  /** Entries held. */
  get size(): number {
    return this.#window.size + this.#main.size;
  }

  /** Their weight, overhead included. */
  get bytes(): number {
    return this.#window.calculatedSize + this.#main.calculatedSize;
  }

  /** Values that had to go, or were not admitted, for lack of room. */
  get evictions(): number {
    return this.#evictions;
  }

  /** Counts as a use, whether found or not. */
  get(key: string): Entry | undefined {
    this.#sketch.add(key, Math.max(PERIOD_MIN, this.size * PERIOD_PER_ENTRY));
    return this.#window.get(key) ?? this.#main.get(key);
  }

  set(key: string, entry: Entry): void {
    const weight = weightOf(entry, key);
    if (weight > this.#mainBytesMax) {
      this.delete(key);
      this.#evictions++;
    } else if (this.#main.has(key)) this.#main.set(key, entry);
    else if (weight > this.#windowBytesMax) {
      this.#window.delete(key);
      this.#admit(key, entry);
    } else this.#window.set(key, entry);
    const leaving = this.#leaving;
    this.#leaving = [];
    for (const [left, value] of leaving) this.#admit(left, value);
  }

  delete(key: string): boolean {
    const wasWaiting = this.#window.delete(key);
    return this.#main.delete(key) || wasWaiting;
  }

  *entries(): IterableIterator<readonly [string, Entry]> {
    for (const list of [this.#window, this.#main]) {
      for (const key of list.keys()) {
        const entry = list.peek(key);
        if (entry) yield [key, entry];
      }
    }
  }

  #admit(key: string, entry: Entry): void {
    if (this.#isWorthItsRoom(key, entry)) this.#main.set(key, entry);
    else this.#evictions++;
  }

  #isWorthItsRoom(key: string, entry: Entry): boolean {
    let missing = weightOf(entry, key) - (this.#mainBytesMax - this.#main.calculatedSize);
    if (missing <= 0) return true;
    const uses = this.#sketch.estimate(key);
    let victimsUses = 0;
    for (const victim of this.#main.rkeys()) {
      victimsUses += this.#sketch.estimate(victim);
      if (victimsUses >= uses) return false;
      const held = this.#main.peek(victim);
      if (held) missing -= weightOf(held, victim);
      if (missing <= 0) return true;
    }
    return true;
  }
}

function weightOf(entry: { readonly bytes: number }, key: string): number {
  return entry.bytes + key.length + CACHE_ENTRY_OVERHEAD_BYTES;
}
