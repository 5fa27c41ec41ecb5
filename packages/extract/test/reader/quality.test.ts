import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ExtractedDocument } from "../../src/document.ts";
import { qualityOf } from "../../src/reader/quality.ts";
import { readingMinutes } from "../../src/reader/reading-time.ts";

const GATE = { decision: "static", score: 0, contributions: {}, thresholds: { static: 0.85, dynamic: 0.3 } } as const;
const paragraphs = fc.array(fc.stringMatching(/^[a-z]{2,9}( [a-z]{2,9}){3,30}\.$/), { maxLength: 30 });
const probability = fc.double({ min: 0, max: 1, noNaN: true });
const documents = fc
  .record({
    paragraphs,
    linked: fc.double({ min: 0, max: 1, noNaN: true }),
    headings: fc.nat(5),
    probability,
    title: fc.constantFrom("", "A title"),
  })
  .map(({ paragraphs: parts, linked, headings, probability: p, title }): ExtractedDocument => {
    const text = parts.join("\n\n");
    return {
      ...{
        contentType: "text/html",
        title,
        text,
        markdown: text,
        bytes: text.length,
        wordCount: text.split(" ").length,
      },
      headings: Array.from({ length: headings }, (_, start) => ({ level: 2, text: "h", start })),
      links: [{ url: "https://a.example/", text: text.slice(0, Math.floor(text.length * linked)) }],
      gate: { ...GATE, probability: p },
    };
  });
/** Terms are rounded to a tenth, so sums may differ by that. */
const ROUNDING = 1;

test("the score is the sum of its terms, from 0 to 100", () => {
  fc.assert(
    fc.property(documents, (document) => {
      const { score, terms } = qualityOf(document);
      const sum = Object.values(terms).reduce((total, value) => total + value, 0);
      assert.ok(Math.abs(score - sum) <= 0.51 && score >= 0 && score <= 100);
      assert.deepEqual(Object.keys(terms).sort(), ["gate", "length", "links", "metadata", "structure"]);
    }),
  );
});

test("more of what is good never lowers it: text, headings, metadata, a surer gate; fewer links never lower it", () => {
  fc.assert(
    fc.property(documents, paragraphs, probability, (document, more, other) => {
      const score = (changed: Partial<ExtractedDocument>) => qualityOf({ ...document, ...changed }).score;
      const before = score({});
      const longer = `${document.text}\n\n${more.join("\n\n")}`;
      assert.ok(score({ text: longer }) >= before - ROUNDING);
      assert.ok(score({ headings: [...document.headings, { level: 2, text: "more", start: 0 }] }) >= before);
      assert.ok(score({ title: "A title" }) >= before);
      assert.ok(score({ published: "2025-11-03" }) >= before);
      assert.ok(score({ links: [] }) >= before);
      const surer = Math.max(other, document.gate?.probability ?? 0);
      assert.ok(score({ gate: { ...GATE, probability: surer } }) >= before);
    }),
  );
});

test("a page of links scores below the same text without, and an empty one near nothing", () => {
  const text = "Some words of a page about mills and brooks. ".repeat(60);
  const base = { contentType: "text/html", title: "", markdown: text, headings: [], bytes: 1, wordCount: 540 } as const;
  const plain = qualityOf({ ...base, text, links: [] }).score;
  const linked = qualityOf({ ...base, text, links: [{ url: "https://a.example/", text }] }).score;
  assert.ok(plain - linked >= 10, `${plain} ${linked}`);
  assert.equal(qualityOf({ ...base, text: "", links: [] }).score, 0);
});

test("reading time counts words, and characters where words are not parted", () => {
  assert.equal(readingMinutes("", 0), 0);
  assert.equal(readingMinutes("one two three", 3), 1);
  assert.equal(readingMinutes("word ".repeat(2_300), 2_300), 10);
  assert.equal(readingMinutes("水".repeat(4_000), 1), 10);
});
