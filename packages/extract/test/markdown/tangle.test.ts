import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assembleMarkdown } from "../../src/markdown/assemble.ts";
import { readPage } from "../../src/page/read-page.ts";
import { tokenizeJs } from "../../src/tokenizer/tokenize-js.ts";
import { BASE } from "./assemble-html.ts";

const tags =
  "<p> </p> <div> </div> <ul> <ol> </ul> <li> </li> <table> <tr> <td> <th> </table> <caption> <h2> </h2> <pre> </pre> <code> </code> <b> </b> <i> </i> <blockquote> </blockquote> <br> <hr> <dl> <dt> <dd> <figure> <figcaption> <svg> </svg> <math> </math> <script> </script> <noscript> </noscript> <sup> </sup> <!-- <![CDATA[ &amp; &nbsp; &#0; &#xd800;".split(
    " ",
  );
const part = fc.oneof(
  fc.constantFrom(...tags, '<a href="/x">', "<a href='#y'>", "</a>", '<img src="/i.png" alt="i">', '<td colspan="3">'),
  fc.string({ maxLength: 12, unit: "binary" }),
  fc.constant(" some words "),
);

test("any tangle of tags, any choice of blocks: headings and code stand where they say, code is never cut in two", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 60 }), fc.integer(), (parts, seed) => {
      const html = parts.join("");
      const page = readPage(html, tokenizeJs(html));
      const keep = Uint8Array.from({ length: page.blocks.count }, (_, at) => (((seed >> (at % 31)) & 1) === 0 ? 1 : 0));
      const { text, markdown, headings, code, links, media } = assembleMarkdown(page, keep, { base: BASE });
      for (const { start, text: heading } of headings) assert.equal(text.slice(start, start + heading.length), heading);
      let last = 0;
      for (const { start, end } of code) {
        assert.ok(start >= last && end > start && end <= text.length);
        last = end;
      }
      assert.equal(text, text.trimEnd());
      assert.equal(markdown === "", text === "");
      for (const { url } of [...links, ...media]) assert.match(url, /^https?:\/\//);
    }),
    { numRuns: 1_500 },
  );
});
