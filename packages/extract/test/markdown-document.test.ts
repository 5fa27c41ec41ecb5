import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMarkdown } from "../src/markdown-document.ts";
import { fixture } from "./fixture.ts";

const markdown = new TextDecoder().decode(fixture("guide.md"));

test("Markdown keeps headings, lists, tables and code, and reads inline HTML", () => {
  const { text, headings, code } = parseMarkdown({ markdown, bytes: markdown.length });
  assert.deepEqual(
    headings.map(({ level, text: title }) => [level, title]),
    [
      [1, "Bees for beginners"],
      [2, "Tools"],
    ],
  );
  assert.ok(text.includes("Bees need water, shade and a quiet corner of the garden."));
  assert.ok(text.includes("- a smoker\n- a hive tool\n  - the long one"));
  assert.ok(text.includes("- Light the smoker.\n- Wait."));
  assert.ok(text.includes("Month | Work\nApril | First look\nJune | Add a super"));
  assert.equal(text.slice(code?.[0]?.start, code?.[0]?.end), "const hive = open();\n\nhive.smoke();");
  assert.ok(text.includes("Inline HTML is read too."));
});

test("front matter gives title and description and is not text", () => {
  const document = parseMarkdown({ markdown, url: "https://bees.example/guide/index.md", bytes: 10 });
  assert.equal(document.title, "Keeping bees");
  assert.equal(document.description, "A short guide");
  assert.ok(!document.text.includes("tags"));
  assert.deepEqual(document.links, [{ url: "https://bees.example/guide/corner.md", text: "quiet corner" }]);
});

test("without front matter the first heading is the title", () => {
  assert.equal(parseMarkdown({ markdown: "Intro\n\n## Minor\n\n# Major\n", bytes: 1 }).title, "Major");
});

test("MDX loses its imports but not those inside a fence", () => {
  const { text } = parseMarkdown({
    markdown: "import A from 'a'\n\n# Page\n\n```js\nimport b from 'b'\n```\n",
    isMdx: true,
    bytes: 1,
  });
  assert.equal(text, "Page\n\nimport b from 'b'");
});

test("quotes and lists without end are refused by name, not by the stack", () => {
  for (const mark of ["> ", "1) "])
    assert.throws(() => parseMarkdown({ markdown: mark.repeat(50_000), bytes: 1 }), {
      code: "unreadable_document",
      message: /some hundred levels/,
    });
});
