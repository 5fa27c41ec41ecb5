import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ChunkOptions, chunk } from "../src/chunk.ts";
import { parseMarkdown } from "../src/markdown-document.ts";

const sentence = "The miller lifts the gate and the wheel begins to turn in the cold morning water. ";

function fromMarkdown(markdown: string) {
  return parseMarkdown({ markdown, bytes: markdown.length });
}

const markdownPart = fc.oneof(
  fc.constantFrom(
    "# One\n\n",
    "## Two\n\n",
    "### Three\n\n",
    "#### Four\n\n",
    "- item\n- item two\n\n",
    "|a|b|\n|-|-|\n|c|d|\n\n",
  ),
  fc.integer({ min: 1, max: 60 }).map((count) => `${sentence.repeat(count)}\n\n`),
  fc.integer({ min: 1, max: 4_000 }).map((count) => `${"x".repeat(count)}\n\n`),
  fc.integer({ min: 1, max: 1_500 }).map((count) => `${"🦫水".repeat(count)}\n\n`),
  fc.integer({ min: 1, max: 120 }).map((count) => `\`\`\`\n${"let a = 1;\n\n".repeat(count)}\`\`\`\n\n`),
  fc.string({ unit: "binary", maxLength: 80 }).map((text) => `${text}\n\n`),
);
const sizes = fc.record({
  targetChars: fc.integer({ min: 64, max: 900 }),
  maxChars: fc.integer({ min: 900, max: 1_600 }),
  minChars: fc.integer({ min: 0, max: 64 }),
});

function check(markdown: string, options: ChunkOptions): void {
  const document = fromMarkdown(markdown);
  const chunks = chunk(document, options);
  const max = options.maxChars ?? 1_600;
  let end = 0;
  let rest = "";
  for (const [at, piece] of chunks.entries()) {
    assert.equal(piece.index, at);
    assert.ok(piece.start >= end, "in order and apart");
    assert.ok(piece.end > piece.start && piece.end - piece.start <= max, `${piece.end - piece.start} characters`);
    assert.ok(piece.end <= document.text.length);
    const text = document.text.slice(piece.start, piece.end);
    if (document.text.isWellFormed()) assert.ok(text.isWellFormed(), "no pair is split");
    rest += document.text.slice(end, piece.start);
    ({ end } = piece);
  }
  assert.equal((rest + document.text.slice(end)).trim(), "", "every character that is not white space is in a chunk");
}

test("chunks are ordered, bounded, apart, and hold every character but white space", () => {
  fc.assert(
    fc.property(
      fc.array(markdownPart, { maxLength: 20 }).map((parts) => parts.join("")),
      fc.oneof(fc.constant({}), sizes),
      check,
    ),
    { numRuns: 300 },
  );
});

test("overlap repeats at most what was asked for, within one section and the limit", () => {
  const document = fromMarkdown(
    `# One\n\n${`${sentence.repeat(4)}\n\n`.repeat(12)}# Two\n\n${`${sentence.repeat(4)}\n\n`.repeat(12)}`,
  );
  const plain = chunk(document);
  const lapped = chunk(document, { overlapChars: 120 });
  assert.equal(lapped.length, plain.length);
  const second = document.headings[1]?.start ?? 0;
  for (const [at, piece] of lapped.entries()) {
    const before = plain[at];
    assert.equal(piece.end, before?.end);
    assert.ok(piece.start >= (before?.start ?? 0) - 120 && piece.end - piece.start <= 1_600);
    assert.ok(!(piece.start < second && piece.end > second));
  }
  assert.ok(lapped.some((piece, at) => piece.start < (plain[at]?.start ?? 0)));
});

test("a chunk stays within its section and carries the headings above it", () => {
  const body = `${sentence.repeat(5)}\n\n`;
  const document = fromMarkdown(`# Guide\n\n${body}## Wheel\n\n${body}### Paddles\n\n${body}## Stones\n\n${body}`);
  const chunks = chunk(document);
  assert.deepEqual(
    chunks.map((piece) => piece.headings),
    [["Guide"], ["Guide", "Wheel"], ["Guide", "Wheel", "Paddles"], ["Guide", "Stones"]],
  );
});

test("a heading without text goes with the section below and stands in its path", () => {
  const document = fromMarkdown(`# Part II\n\n## Chapter 3\n\n${sentence.repeat(6)}`);
  const chunks = chunk(document);
  assert.equal(chunks.length, 1);
  assert.deepEqual(chunks[0]?.headings, ["Part II", "Chapter 3"]);
  assert.equal(chunks[0]?.start, 0);
});

test("small paragraphs under one heading share a chunk", () => {
  const document = fromMarkdown(`# Notes\n\n${"A short line of text.\n\n".repeat(20)}`);
  assert.equal(chunk(document).length, 1);
});

test("a code block that fits is never cut", () => {
  const code = `${"step();\n\n".repeat(120)}`.trim();
  const document = fromMarkdown(`# Run\n\n${sentence.repeat(9)}\n\n\`\`\`\n${code}\n\`\`\`\n\n${sentence.repeat(3)}`);
  const holding = chunk(document).filter((piece) => document.text.slice(piece.start, piece.end).includes("step();"));
  assert.equal(holding.length, 1);
});

test("long paragraphs are cut between sentences, also without spaces", () => {
  const latin = fromMarkdown(sentence.repeat(60));
  for (const piece of chunk(latin)) assert.equal(latin.text.charAt(piece.end - 1), ".");
  const chinese = fromMarkdown("磨坊主抬起水闸，水车在清晨冰冷的水里慢慢转动起来。".repeat(120));
  for (const piece of chunk(chinese)) assert.equal(chinese.text.charAt(piece.end - 1), "。");
});

test("pages are those a chunk begins on", () => {
  const text = `${sentence.repeat(8)}\n\n${sentence.repeat(8)}`;
  const second = text.indexOf("\n\n") + 2;
  const chunks = chunk({
    text,
    headings: [],
    pages: [
      { page: 1, start: 0 },
      { page: 4, start: second },
    ],
  });
  assert.deepEqual(
    chunks.map((piece) => piece.page),
    [1, 4],
  );
});

test("sizes that contradict each other are refused by name", () => {
  assert.throws(() => chunk({ text: "a", headings: [] }, { targetChars: 900, maxChars: 500 }), {
    code: "invalid_argument",
    message: /targetChars is 900/,
  });
});
