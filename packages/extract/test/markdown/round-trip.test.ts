import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { again } from "./again.ts";
import { assembleHtml } from "./assemble-html.ts";

/** Text full of what Markdown takes for markup; no white space at its ends. */
const nasty = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom("mill", "wheel", "a", "7", "水車", "é") },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          ..."* ** _ __ ` `` ~ ~~ [ ] ( ) < > & | \\ # - + ! : = . 1. 2) --- === *** [x] [a](b) ![a](b) [a]: &amp; &#38; <b> </b> <!-- https://a.example/b_c_d www.a.example a@b.example \\* a_b_c $".split(
            " ",
          ),
        ),
      },
      { weight: 2, arbitrary: fc.constant(" ") },
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join("").replace(/ +/g, " ").trim())
  .filter((text) => text !== "");

const plain = fc.constantFrom("The mill turns.", "Water falls on the wheel", "水車は回る。", "Ring 3 times", "naïve");

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Text as it shows, references decoded and white space collapsed. */
const places: Readonly<Record<string, (text: string) => string>> = {
  paragraph: (text) => `<p>${text}</p>`,
  heading: (text) => `<h3>${text}</h3>`,
  item: (text) => `<ul><li>${text}</li></ul>`,
  quote: (text) => `<blockquote><p>${text}</p></blockquote>`,
  caption: (text) => `<figure><figcaption>${text}</figcaption></figure>`,
  link: (text) => `<p>see <a href="/x">${text}</a> there</p>`,
  emphasis: (text) => `<p>see <em>${text}</em> there</p>`,
  code: (text) => `<p>see <code>${text}</code> there</p>`,
  second: (text) => `<p>first line<br>${text}</p>`,
  pre: (text) => `<pre>${text}\n  ${text}</pre>`,
};

for (const [place, wrap] of Object.entries(places)) {
  test(`any text in a ${place} is read from the Markdown as it was`, () => {
    fc.assert(
      fc.property(nasty, (text) => {
        fc.pre(place !== "link" || text !== "#");
        const one = assembleHtml(wrap(escaped(text)));
        const two = again(one.markdown);
        assert.equal(two.text, one.text);
        assert.ok(one.text.includes(text), `${JSON.stringify(one.text)} has ${JSON.stringify(text)}`);
      }),
      { numRuns: 600 },
    );
  });
}

test("any text in the cells of a table is read from the Markdown as it was", () => {
  fc.assert(
    fc.property(nasty, nasty, (left, right) => {
      const html = `<table><tr><th>one</th><th>two</th></tr><tr><td>${escaped(left)}</td><td>${escaped(right)}</td></tr></table>`;
      const one = assembleHtml(html);
      assert.deepEqual(again(one.markdown).tables, [{ header: ["one", "two"], rows: [[left, right]] }]);
    }),
    { numRuns: 600 },
  );
});

type Html = string;

const inline: fc.Arbitrary<Html> = fc.letrec<{ run: Html; part: Html }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 3, depthIdentifier: "inline" },
    plain,
    plain.map((text) => ` ${text} `),
    fc
      .tuple(fc.constantFrom("b", "strong", "em", "i", "del", "sup", "kbd", "span", "u"), tie("run"))
      .map(([tag, run]) => `<${tag}>${run}</${tag}>`),
    tie("run").map((run) => `<a href="/p?q=1">${run.replace(/<\/?a\b[^>]*>/g, "")}</a>`),
    plain.map((text) => `<code>${text}</code>`),
    plain.map((text) => `<img src="/i.png" alt="${text}">`),
    fc.constantFrom("<br>", "&nbsp;", "&shy;", "<wbr>", '<span class="sr-only">no</span>', "<b></b>"),
  ),
  run: fc.array(tie("part"), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")),
})).run;

const block: fc.Arbitrary<Html> = fc.letrec<{ blocks: Html; block: Html }>((tie) => ({
  block: fc.oneof(
    { maxDepth: 3, depthIdentifier: "block" },
    inline.map((run) => `<p>${run}</p>`),
    fc.tuple(fc.integer({ min: 1, max: 6 }), inline).map(([level, run]) => `<h${level}>${run}</h${level}>`),
    fc
      .tuple(
        fc.constantFrom("ul", "ol", 'ol start="7"'),
        fc.array(fc.tuple(plain, tie("blocks")), { minLength: 1, maxLength: 3 }),
      )
      .map(
        ([list, items]) =>
          `<${list}>${items.map(([text, inside]) => `<li>${text}${inside}</li>`).join("")}</${list.slice(0, 2)}>`,
      ),
    tie("blocks").map((inside) => `<blockquote>${inside}</blockquote>`),
    tie("blocks").map((inside) => `<div>${inside}</div>`),
    plain.map((text) => `<pre><code class="language-js">${text}\n\n  ${text}\n</code></pre>`),
    fc
      .tuple(plain, inline)
      .map(
        ([left, right]) =>
          `<table><tr><th>${left}</th><td>${right}</td></tr><tr><td>${left}</td><td>1</td></tr></table>`,
      ),
    fc.tuple(plain, inline).map(([term, run]) => `<dl><dt>${term}</dt><dd>${run}</dd></dl>`),
    fc.constantFrom("<hr>", "<p></p>", '<p><img src="/alone.png" alt="alone"></p>'),
  ),
  blocks: fc.array(tie("block"), { minLength: 0, maxLength: 3 }).map((blocks) => blocks.join("\n")),
})).blocks;

// Seeded: readers of Markdown differ on some marks in marks, about once in 50,000 of these nests.
test("any nest of blocks, rendered and assembled again, is the same", () => {
  fc.assert(
    fc.property(block, (html) => {
      const one = assembleHtml(html);
      const two = again(one.markdown);
      assert.equal(two.text, one.text);
      assert.equal(two.markdown, one.markdown);
      assert.deepEqual(two.headings, one.headings);
      assert.deepEqual(two.code, one.code);
      for (const link of two.links) assert.ok(one.links.some((other) => other.url === link.url));
    }),
    { numRuns: 1_000, seed: 7 },
  );
});
