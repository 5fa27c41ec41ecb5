import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { afterHeadings, setPassage } from "../../src/recall/passage.ts";

const join = (lines: readonly (readonly { text: string }[])[]) =>
  lines.map((line) => line.map(({ text }) => text).join("")).join("\n");

test("words keep their order, lines their width, and what is marked is what matched", () => {
  const word = fc.stringMatching(/^[a-z]{1,9}$/);
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 60 }),
      fc.nat(59),
      fc.integer({ min: 20, max: 90 }),
      (words, hit, columns) => {
        const text = words.join(" ");
        const at = hit % words.length;
        const start = words.slice(0, at).join(" ").length + (at === 0 ? 0 : 1);
        const end = start + (words[at]?.length ?? 0);
        const lines = setPassage(text, [[start, end]], { columns, linesMax: 1_000 });
        assert.equal(join(lines).replaceAll("\n", " "), text);
        for (const line of lines) assert.ok(join([line]).length <= columns);
        const marked = lines.flat().filter(({ isHit }) => isHit);
        assert.deepEqual(
          marked.map((piece) => piece.text),
          [words[at]],
        );
      },
    ),
  );
});

test("of a long passage the part around the first match is shown, cut on both sides", () => {
  const text = `${"word ".repeat(100)}needle ${"word ".repeat(100)}`.trim();
  const start = text.indexOf("needle");
  const lines = setPassage(text, [[start, start + 6]], { columns: 40, linesMax: 4 });
  assert.equal(lines.length, 4);
  assert.match(join(lines), /^… .*needle.* …$/s);
});

test("paragraphs begin a line; headings shown above are not repeated, unless nothing else is there", () => {
  const text = "Guide\n\nStreams\n\nA reader waits.\n\nA writer too.";
  assert.equal(text.slice(afterHeadings(text, ["Guide", "Streams"])).trim(), "A reader waits.\n\nA writer too.");
  assert.equal(join(setPassage("A b.\n\nC d.", [], { columns: 40, linesMax: 6 })), "A b.\nC d.");
  assert.equal(afterHeadings("Guide\n", ["Guide"]), 0);
  assert.equal(afterHeadings("Guided tours begin at ten.", ["Guide"]), 0);
});
