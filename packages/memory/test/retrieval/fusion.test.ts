import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fuse, type TextHit, type VectorHit } from "../../src/retrieval/fusion.ts";

const id = fc.integer({ min: 1, max: 60 });
const textHits = fc.uniqueArray(fc.record({ id, bm25: fc.double({ min: 0.001, max: 60, noNaN: true }) }), {
  maxLength: 30,
  selector: (hit) => hit.id,
});
const vectorHits = fc.uniqueArray(fc.record({ id, similarity: fc.double({ min: -1, max: 1, noNaN: true }) }), {
  maxLength: 30,
  selector: (hit) => hit.id,
});
const provider = fc.constantFrom("static", "openai", "transformers", "another");
const ids = (fused: readonly { id: number }[]) => fused.map((hit) => hit.id);

test("every hit is in the result once, and the order does not depend on the order of the lists", () => {
  fc.assert(
    fc.property(textHits, vectorHits, provider, fc.infiniteStream(fc.nat()), (texts, vectors, name, keys) => {
      const fused = fuse(texts, vectors, { provider: name });
      const shuffle = <T>(items: readonly T[]) =>
        items
          .map((item) => ({ item, key: keys.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ item }) => item);
      assert.deepEqual(fuse(shuffle(texts), shuffle(vectors), { provider: name }), fused);
      assert.deepEqual(new Set(ids(fused)), new Set([...ids(texts), ...ids(vectors)]));
      assert.equal(new Set(ids(fused)).size, fused.length);
    }),
  );
});

test("the score is the sum of the shares, falls along the list, and no share passes its weight", () => {
  fc.assert(
    fc.property(textHits, vectorHits, provider, (texts, vectors, name) => {
      const fused = fuse(texts, vectors, { provider: name });
      fused.forEach(({ score, terms }, at) => {
        const { text, vector } = terms;
        assert.equal(score, (text?.share ?? 0) + (vector?.share ?? 0));
        assert.ok(text !== undefined || vector !== undefined);
        for (const term of [text, vector]) if (term) assert.ok(term.share >= 0 && term.share <= term.weight + 1e-12);
        if (text && vector) assert.ok(Math.abs(text.weight + vector.weight - 1) < 1e-12);
        if (at > 0) assert.ok(score <= (fused[at - 1]?.score ?? 0));
      });
    }),
  );
});

test("with one list the order is that list's, in its mode and when the other is empty", () => {
  fc.assert(
    fc.property(textHits, vectorHits, provider, (texts, vectors, name) => {
      const byText = ids([...texts].sort((a, b) => b.bm25 - a.bm25 || a.id - b.id));
      const byVector = ids([...vectors].sort((a, b) => b.similarity - a.similarity || a.id - b.id));
      assert.deepEqual(ids(fuse(texts, [], { provider: name })), byText);
      assert.deepEqual(ids(fuse(texts, vectors, { provider: name, mode: "text" })), byText);
      assert.deepEqual(ids(fuse([], vectors, { provider: name })), byVector);
      assert.deepEqual(ids(fuse(texts, vectors, { provider: name, mode: "vector" })), byVector);
    }),
  );
});

test("a higher score in either list never lowers a hit's place", () => {
  const place = (texts: TextHit[], vectors: VectorHit[], name: string, wanted: number) =>
    ids(fuse(texts, vectors, { provider: name })).indexOf(wanted);
  const rise = fc.double({ min: 0.01, max: 5, noNaN: true });
  fc.assert(
    fc.property(textHits, vectorHits, provider, rise, fc.nat(), (texts, vectors, name, by, pick) => {
      const text = texts[pick % Math.max(1, texts.length)];
      if (text) {
        const raised = texts.map((hit) => (hit === text ? { ...hit, bm25: hit.bm25 + by } : hit));
        assert.ok(place(raised, vectors, name, text.id) <= place(texts, vectors, name, text.id));
      }
      const vector = vectors[pick % Math.max(1, vectors.length)];
      if (vector) {
        const raised = vectors.map((hit) => (hit === vector ? { ...hit, similarity: hit.similarity + by } : hit));
        assert.ok(place(texts, raised, name, vector.id) <= place(texts, vectors, name, vector.id));
      }
    }),
  );
});

test("a full-text hit far ahead decides; among equals the vectors do", () => {
  const vectors = [
    { id: 1, similarity: 0.2 },
    { id: 2, similarity: 0.6 },
  ];
  const ahead = [
    { id: 1, bm25: 30 },
    { id: 2, bm25: 8 },
  ];
  const level = [
    { id: 1, bm25: 8.2 },
    { id: 2, bm25: 8 },
  ];
  assert.deepEqual(ids(fuse(ahead, vectors, { provider: "static" })), [1, 2]);
  assert.deepEqual(ids(fuse(level, vectors, { provider: "static" })), [2, 1]);
});

test("a stronger model has more to say than the static one", () => {
  const texts = [
    { id: 1, bm25: 10 },
    { id: 2, bm25: 6 },
  ];
  const vectors = [
    { id: 1, similarity: 0.5 },
    { id: 2, similarity: 0.8 },
  ];
  assert.deepEqual(ids(fuse(texts, vectors, { provider: "static" })), [1, 2]);
  assert.deepEqual(ids(fuse(texts, vectors, { provider: "openai" })), [2, 1]);
});
