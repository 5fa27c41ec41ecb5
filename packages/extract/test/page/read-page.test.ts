import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { blockText, elementPath } from "../../src/page/block-text.ts";
import { BlockKind, type Page } from "../../src/page/page.ts";
import { readHtml } from "../../src/page/read-html.ts";
import { readPage } from "../../src/page/read-page.ts";
import { TEXT_COUNTS, TextCount } from "../../src/page/text-run.ts";
import { tokenizeJs } from "../../src/tokenizer/tokenize-js.ts";
import { TAGS, TOKEN_WORDS, TokenKind, tagId } from "../../src/tokenizer/tokens.ts";
import { assertLinear } from "../assert-linear.ts";
import { nastyHtml } from "../tokenizer/nasty-html.ts";

const KINDS = Object.keys(BlockKind);
const SVG = tagId("svg");

const read = (html: string) => readPage(html, tokenizeJs(html));
const show = (page: Page) =>
  Array.from(page.blocks.kind, (kind, at) => `${KINDS[kind]}${page.blocks.level[at] || ""} ${blockText(page, at)}`);
const count = (page: Page, at: number, which: keyof typeof TextCount) =>
  page.blocks.counts[at * TEXT_COUNTS + TextCount[which]];

test("blocks end where boxes begin and end, not at inline tags", () => {
  const page = read("<div>one <b>two</b> three<p>four <a href=x>five</a>.</p>six<span> seven</span></div>");
  assert.deepEqual(show(page), ["paragraph one two three", "paragraph four five.", "paragraph six seven"]);
});

test("what HTML lets authors leave open is closed: paragraphs, items, terms, cells, rows, options", () => {
  const page = read(
    "<p>a<p>b<ul><li>c<li>d<ul><li>e</ul><li>f</ul><dl><dt>g<dd>h<dt>i</dl><table><tr><td>j<td>k<tr><th>l</table><select><option>m<option>n</select>",
  );
  assert.deepEqual(show(page), [
    ...["paragraph a", "paragraph b", "item1 c", "item1 d", "item2 e", "item1 f", "term g", "paragraph h", "term i"],
    ...["cell j", "cell k", "cell l", "control m", "control n"],
  ]);
  assert.equal(elementPath(page, 4), "ul>li>ul>li");
  assert.equal(elementPath(page, 5), "ul>li");
});

test("an end tag reaches out of inline tags, not out of a table's cell", () => {
  const page = read("<div>a<table><tr><td>b</div>c</td></tr></table>d</div>e");
  assert.deepEqual(
    show(page),
    ["paragraph a", "cell b", "cell c", "paragraph d", "paragraph e"]
      .filter((_, at) => at !== 2)
      .toSpliced(1, 1, "cell bc"),
  );
});

test("headings, code, captions and controls are told by what is around them", () => {
  const page = read(
    "<h2>a<span>b</span></h2><pre>c\n  d</pre><figure><figcaption>e</figcaption></figure><button>f</button>",
  );
  assert.deepEqual(show(page), ["heading2 ab", "code c d", "caption e", "control f"]);
});

test("the lines of one box of code are one block, whatever they are made of; the box ends where it ends", () => {
  const lines = [
    "<pre><div>one</div><div>two</div></pre>",
    "<pre><ol><li>one</li><li>two</li></ol></pre>",
    "<pre><ul><li>one<li>two</ul></pre>",
  ];
  for (const html of lines)
    assert.deepEqual(
      show(read(html)).map((text) => text.replace(/\d /, " ")),
      ["code one two"],
    );
  const open = "<ul><li>a<pre>b<li>c</ul><div><pre>d</div><p>e</p>";
  assert.deepEqual(show(read(open)), ["item1 a", "code1 b", "item1 c", "code d", "paragraph e"]);
  assert.deepEqual(show(read("<pre>a<h2>b</h2>c</pre>")), ["code a", "code b", "code c"]);
});

test("two line breaks end a block, one does not", () => {
  assert.deepEqual(show(read("a<br>b<br><br>c<br> \n<br>d")), ["paragraph a b", "paragraph c", "paragraph d"]);
});

test("a link around boxes is known in each of them, and ends with the element it was opened in", () => {
  const page = read("<div><a href=x><p>in</p><p>in too</p></a></div><div><a href=y>left open</div><p>out</p>");
  const isLinked = Array.from(page.blocks.link, (link) => link >= 0);
  assert.deepEqual(isLinked, [true, true, false, false]);
  assert.deepEqual([...page.blocks.linkChars], [2, 6, 9, 0]);
});

test("script, style, title, comments and svg are no text; noscript and custom elements are", () => {
  const page = read(
    "<title>t</title><script>var a</script><style>p{}</style><!-- c --><svg><text>s</text></svg><noscript>n</noscript><my-card>x</my-card>",
  );
  assert.deepEqual(show(page), ["paragraph n", "paragraph x"]);
});

test("words, sentences, digits, links and bold letters are counted as a reader would", () => {
  const page = read('<p>It cost $12.50, I <b>know</b>. So <a href="/x">what</a>? &nbsp;Fine. &amp; done');
  const want = { words: 10, digits: 4, sentences: 3, commas: 1, boldChars: 5, links: 1, currency: 1 } as const;
  for (const [name, value] of Object.entries(want))
    assert.equal(count(page, 0, name as keyof typeof TextCount), value, name);
  // The space between two words counts to the second.
  assert.equal(page.blocks.linkChars[0], 5);
});

test("elements hold their blocks in one range, children inside their parents", () => {
  fc.assert(
    fc.property(nastyHtml, (html) => {
      const { elements, blocks } = read(html);
      for (let at = 1; at < elements.count; at++) {
        const above = elements.parent[at] ?? -1;
        assert.ok(above >= 0 && above < at, "a parent stands first");
        assert.ok((elements.blockStart[above] ?? 0) <= (elements.blockStart[at] ?? 0));
        assert.ok((elements.blockEnd[above] ?? 0) >= (elements.blockEnd[at] ?? 0));
        assert.ok((elements.tag[at] ?? 0) <= TAGS.length);
      }
      for (let at = 0; at < blocks.count; at++) {
        const own = blocks.element[at] ?? -1;
        assert.ok((elements.blockStart[own] ?? 0) <= at && at < (elements.blockEnd[own] ?? 0));
        assert.ok((blocks.tokenStart[at] ?? 0) < (blocks.tokenEnd[at] ?? 0));
      }
    }),
    { numRuns: 400 },
  );
});

test("no text is lost and none is read twice, however broken the page", () => {
  fc.assert(
    fc.property(nastyHtml, (html) => {
      const page = read(html);
      assert.equal(
        squeeze(Array.from(page.blocks.kind, (_, at) => rawText(page, at)).join("")),
        squeeze(allText(page)),
      );
    }),
    { numRuns: 400 },
  );
});

/** Text between tags outside svg, as it stands in the page. */
function allText(page: Page): string {
  const { words, count: tokens } = page.tokens;
  let text = "";
  let svg = 0;
  for (let token = 0; token < tokens; token++) {
    const word = words[token * TOKEN_WORDS] ?? 0;
    const isSvg = ((word >> 8) & 0xffff) === SVG;
    if ((word & 15) === TokenKind.open && isSvg && (word & 64) === 0) svg++;
    else if ((word & 15) === TokenKind.close && isSvg) svg = Math.max(0, svg - 1);
    else if ((word & 15) === TokenKind.text && svg === 0) text += sliceOf(page, token);
  }
  return text;
}

function rawText(page: Page, at: number): string {
  let text = "";
  for (let token = page.blocks.tokenStart[at] ?? 0; token < (page.blocks.tokenEnd[at] ?? 0); token++)
    if (((page.tokens.words[token * TOKEN_WORDS] ?? 0) & 15) === TokenKind.text) text += sliceOf(page, token);
  return text;
}

function sliceOf({ html, tokens }: Page, token: number): string {
  return html.slice(tokens.words[token * TOKEN_WORDS + 1] ?? 0, tokens.words[token * TOKEN_WORDS + 2] ?? 0);
}

/** Blocks of nothing but white space are none, so white space is left out of the comparison, and references that may be some. */
function squeeze(text: string): string {
  return text
    .replace(/&#?\w*;?/g, "")
    .replace(/[\s\0-\x20\xad\u200b-\u200f\u2028-\u202f\u205f\u2060\u3000\ufeff]+/gu, "");
}

test("a megabyte of tags or references of one kind is read in time that grows with its size alone", () => {
  for (const piece of ["<div>", "<p>a", "<li>", "</div>", "<td>", "</x-y>", "<a href=x>", "&", "<h1>", "<option>a"]) {
    assertLinear(piece, 1_000_000, (chars) => {
      const html = piece.repeat(Math.ceil(chars / piece.length));
      return () => read(html);
    });
  }
});

test("a drawing that nobody closed ends with the next box", () => {
  assert.deepEqual(show(read("<p>one<svg><path d=M0><p>three</p><div>four</div>")), [
    "paragraph one",
    "paragraph three",
    "paragraph four",
  ]);
});

test("a frame that a noscript leaves open does not swallow the page, whether or not another frame follows", () => {
  const snippet = '<noscript><iframe src="https://tags.example/ns.html" height=0 /></noscript>';
  for (const rest of ["", "<iframe src=/video></iframe><p>three</p>", `${snippet}<p>three</p>`]) {
    const page = readHtml(`${snippet}<h1>one</h1><p>two</p>${rest}`);
    assert.deepEqual(show(page), ["heading1 one", "paragraph two", ...(rest === "" ? [] : ["paragraph three"])]);
  }
});
