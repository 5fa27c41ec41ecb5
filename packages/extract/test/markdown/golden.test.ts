import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { again } from "./again.ts";
import { assembleHtml } from "./assemble-html.ts";

const GOLDEN = join(import.meta.dirname, "..", "golden");
const names = readdirSync(GOLDEN)
  .filter((name) => name.endsWith(".html"))
  .map((name) => name.slice(0, -5));

test("there is a golden page of each type, and of what goes wrong", () => {
  const wanted = "article documentation forum product collection listing service malformed japanese arabic".split(" ");
  for (const name of wanted) assert.ok(names.includes(name), name);
});

for (const name of names) {
  const html = readFileSync(join(GOLDEN, `${name}.html`), "utf8");
  const assembled = assembleHtml(html);

  test(`${name}: the Markdown is the expected one`, () => {
    assert.equal(`${assembled.markdown}\n`, readFileSync(join(GOLDEN, `${name}.md`), "utf8"));
  });

  test(`${name}: rendered and assembled again it is the same`, () => {
    const { markdown, text } = again(assembled.markdown);
    assert.equal(markdown, assembled.markdown);
    assert.equal(text, assembled.text);
  });

  test(`${name}: headings and code stand where they say, nothing dropped is left`, () => {
    const { text, headings, code, markdown } = assembled;
    for (const heading of headings)
      assert.equal(text.slice(heading.start, heading.start + heading.text.length), heading.text);
    for (const range of code)
      assert.ok(markdown.includes((text.slice(range.start, range.end).split("\n")[0] ?? "").trim()));
    assert.ok(!/data-drop|Gazette|BenchBoard|Powered|Registered|basket|avatar|nav\b/.test(markdown));
  });
}
