import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "@millrace/core";
import fc from "fast-check";
import { LRUCache } from "lru-cache";
import { FrequencySketch } from "../../src/cache/frequency-sketch.ts";
import { MemoryLayer } from "../../src/cache/memory-layer.ts";
import { CACHE_ENTRY_OVERHEAD_BYTES } from "../../src/limits.ts";

type Sized = { readonly bytes: number };
const weigh = (key: string, { bytes }: Sized) => bytes + key.length + CACHE_ENTRY_OVERHEAD_BYTES;

test("whatever is put in, weight stays within the limit and is the sum of what is held", () => {
  const step = fc.record({
    key: fc.nat(40).map(String),
    bytes: fc.oneof(fc.nat(2_000), fc.nat(60_000)),
    op: fc.constantFrom("get", "set", "set", "delete"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const layer = new MemoryLayer<Sized>(40_000);
      const last = new Map<string, Sized>();
      for (const { key, bytes, op } of steps) {
        if (op === "set") {
          last.set(key, { bytes });
          layer.set(key, last.get(key) as Sized);
        } else if (op === "delete") {
          layer.delete(key);
          last.delete(key);
          assert.equal(layer.get(key), undefined);
        } else {
          const found = layer.get(key);
          if (found) assert.equal(found, last.get(key));
        }
        const held = [...layer.entries()];
        assert.equal(new Set(held.map(([name]) => name)).size, layer.size);
        assert.equal(
          held.reduce((sum, [name, entry]) => sum + weigh(name, entry), 0),
          layer.bytes,
        );
        assert.ok(layer.bytes <= 40_000);
      }
    }),
    { numRuns: 200 },
  );
});

test("what fits is all held, and nothing is evicted", () => {
  const layer = new MemoryLayer<Sized>(1_000_000);
  for (let n = 0; n < 300; n++) layer.set(`k${n}`, { bytes: 1_000 });
  assert.equal(layer.size, 300);
  assert.equal(layer.evictions, 0);
});

test("a scan of pages asked for once does not drive out those in use", () => {
  const layer = new MemoryLayer<Sized>(200_000);
  const used = Array.from({ length: 40 }, (_, n) => `used-${n}`);
  for (let round = 0; round < 5; round++) for (const key of used) if (!layer.get(key)) layer.set(key, { bytes: 2_000 });
  for (let n = 0; n < 2_000; n++) if (!layer.get(`once-${n}`)) layer.set(`once-${n}`, { bytes: 2_000 });
  assert.ok(used.filter((key) => layer.get(key)).length >= 36);
  assert.ok(layer.evictions > 1_900);
});

/** Hits of 40,000 requests over 5,000 keys under Zipf's law, with a cache of a tenth of the bytes. */
function hitsOf(
  cache: { get(key: string): Sized | undefined; set(key: string, entry: Sized): unknown },
  ranks: readonly number[],
) {
  let hits = 0;
  for (const rank of ranks) {
    const key = `https://example.com/${rank}`;
    if (cache.get(key)) hits++;
    else cache.set(key, { bytes: 500 + ((rank * 7_919) % 20_000) });
  }
  return hits / ranks.length;
}

test("under Zipf's law it hits more often than plain LRU", () => {
  const rng = createRng(3);
  const ranks = Array.from({ length: 40_000 }, () => Math.floor(5_000 ** rng()));
  const bytesMax = 5_000 * 1_100;
  const lru = new LRUCache<string, Sized>({ maxSize: bytesMax, sizeCalculation: (entry, key) => weigh(key, entry) });
  const plain = hitsOf(lru, ranks);
  const layered = hitsOf(new MemoryLayer<Sized>(bytesMax), ranks);
  assert.ok(layered > plain + 0.03, `${layered} against ${plain}`);
});

test("the sketch never counts below the truth of a period, and forgets", () => {
  const sketch = new FrequencySketch(1_024);
  for (let n = 0; n < 9; n++) sketch.add("often", 1_000);
  sketch.add("once", 1_000);
  assert.ok(sketch.estimate("often") >= 9);
  assert.ok(sketch.estimate("once") >= 1);
  assert.equal(sketch.estimate("never"), 0);
  for (let n = 0; n < 4_000; n++) sketch.add(`other-${n % 50}`, 1_000);
  assert.ok(sketch.estimate("often") < 9);
});
