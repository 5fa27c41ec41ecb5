import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hashText } from "../../../src/observations/columns/text-hash.ts";
import { TextTable } from "../../../src/observations/columns/text-table.ts";

const key = [0x1234_5678, 0x9abc_def0] as const;

function hashOf(text: string, by: readonly [number, number] = key): string {
  const out = new Uint32Array(3);
  hashText(text, by, out);
  return out.join(",");
}

test("a table answers as a map does, and drops what does not count any more when it grows", () => {
  const command = fc.record({ text: fc.string({ unit: "binary", maxLength: 3 }), value: fc.nat(1_000) });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 300 }), (commands) => {
      const table = new TextTable(key);
      const map = new Map<string, number>();
      const counts = (value: number) => value % 3 !== 0;
      for (const { text, value } of commands) {
        const countMax = [...map.values()].filter(counts).length + 1;
        const old = table.set(text, value, { counts, countMax });
        if (old !== undefined || counts(map.get(text) ?? 0)) assert.equal(old, map.get(text));
        map.set(text, value);
      }
      for (const [text, value] of map) if (counts(value)) assert.equal(table.get(text), value);
      assert.equal(table.get("never given"), undefined);
    }),
  );
});

test("half of the bits of a hash change with any letter, the length or the key", () => {
  const changes: number[] = [];
  const bits = (a: string, b: string) =>
    a.split(",").reduce((sum, word, at) => sum + popcount(Number(word) ^ Number(b.split(",")[at])), 0);
  for (let at = 0; at < 400; at++) {
    const text = `observation-${at}-${"x".repeat(at % 9)}`;
    const place = at % text.length;
    const flipped = `${text.slice(0, place)}${String.fromCharCode(text.charCodeAt(place) ^ 1)}${text.slice(place + 1)}`;
    changes.push(bits(hashOf(text), hashOf(flipped)));
    changes.push(bits(hashOf(text), hashOf(`${text}\u0000`)));
    changes.push(bits(hashOf(text), hashOf(text, [key[0] ^ 1, key[1]])));
    changes.push(bits(hashOf(text), hashOf(text, [key[0], key[1] ^ 1])));
  }
  const mean = changes.reduce((sum, count) => sum + count, 0) / changes.length;
  assert.ok(mean > 47 && mean < 49, `mean ${mean}`);
  assert.ok(Math.min(...changes) > 24, `least ${Math.min(...changes)}`);
});

test("no two of 300,000 ids share a hash, nor does a third of it more often than by chance", () => {
  const whole = new Set<string>();
  const thirds = [new Set<number>(), new Set<number>(), new Set<number>()];
  const out = new Uint32Array(3);
  const count = 300_000;
  for (let at = 0; at < count; at++) {
    hashText(`${at}`, key, out);
    whole.add(out.join(","));
    thirds.forEach((third, part) => {
      third.add(out[part] ?? 0);
    });
  }
  assert.equal(whole.size, count);
  // By chance n² / 2^33 = 10.5 pairs share 32 bits.
  for (const third of thirds) assert.ok(count - third.size < 40, `${count - third.size}`);
});

test("memory follows what counts, not what was ever entered", () => {
  const table = new TextTable(key);
  for (let at = 0; at < 200_000; at++)
    table.set(`id ${at}`, at, { counts: (value) => value > at - 100, countMax: 100 });
  assert.ok(table.bytes <= 1_024 * 16, `${table.bytes}`);
  assert.equal(table.get("id 199999"), 199_999);
});

function popcount(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest &= rest - 1) count++;
  return count;
}
