import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Marked } from "marked";
import { plainMarkdown } from "../src/plain-markdown.ts";

const marked = new Marked({ gfm: true, async: false });

test("headings get their marks, code its fence, and text that looks like a block stays text", () => {
  const text = "Title\n\n# no heading\n\n> no quote\n\n- an item\n\na ``` b\nc";
  const headings = [{ level: 2, text: "Title", start: 0 }];
  const code = [{ start: text.indexOf("a ```"), end: text.length }];
  assert.equal(
    plainMarkdown({ text, headings, code }),
    "## Title\n\n\\# no heading\n\n\\> no quote\n\n- an item\n\n````\na ``` b\nc\n````",
  );
});

test("whatever a line begins with, Markdown makes no heading, quote or code of plain text", () => {
  const line = fc.tuple(
    fc.constantFrom("# ", "> ", "###### ", "+ ", "* ", "```", "~~~", "===", "  # "),
    fc.stringMatching(/^[a-z ]{1,9}$/),
  );
  fc.assert(
    fc.property(
      fc.array(
        line.map((parts) => parts.join("")),
        { minLength: 1, maxLength: 6 },
      ),
      (lines) => {
        const html = marked.parse(plainMarkdown({ text: lines.join("\n\n"), headings: [] }), { async: false });
        assert.doesNotMatch(html, /<(h\d|blockquote|pre|ul)/);
      },
    ),
  );
});
