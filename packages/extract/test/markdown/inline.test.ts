import assert from "node:assert/strict";
import { test } from "node:test";
import { assertLinear } from "../assert-linear.ts";
import { assembleHtml, BASE } from "./assemble-html.ts";

/** Each row: what stands in a paragraph, its Markdown, and its text where that differs. */
function check(rows: readonly (readonly [string, string, string?])[]): void {
  for (const [html, markdown, text = markdown] of rows) {
    const assembled = assembleHtml(`<p>${html}</p>`);
    assert.deepEqual({ markdown: assembled.markdown, text: assembled.text }, { markdown, text }, html);
  }
}

test("white space is what a browser shows", () => {
  check([
    ["  one \n\t two  ", "one two"],
    ["one<b> two </b>three", "one **two** three", "one two three"],
    ["one<span> </span>two", "one two"],
    ["one<!-- gone -->two", "onetwo"],
    ["one&nbsp;&nbsp; two&thinsp;3", "one two 3"],
    ["soft&shy;hyphen zero&#8203;width&#65279;", "softhyphen zerowidth"],
    ["می&zwnj;خواهم", "می\u200cخواهم"],
    ["one<br> two", "one  \ntwo", "one\ntwo"],
    ["<br>one<br><br>two<br>", "one\n\ntwo"],
    ["one<wbr>two", "onetwo"],
  ]);
});

test("character references are decoded, also those without a semicolon, but not in addresses", () => {
  check([
    ["AT&amp;T &copy 2025 &#8217; &#x2014; &nosuch;", "AT&T © 2025 ’ — \\&nosuch;", "AT&T © 2025 ’ — &nosuch;"],
    ['<a href="/a?x=1&copy=2&amp;y=3">it</a>', "[it](https://site.example/a?x=1&copy=2&y=3)", "it"],
  ]);
});

test("emphasis is marked where it can be read as such, and dropped inside words", () => {
  check([
    ["<b>a</b> <i>b</i> <s>c</s>", "**a** *b* ~~c~~", "a b c"],
    ["<b>D</b>rop caps", "Drop caps"],
    ["<b>a</b><b>b</b> c", "**ab** c", "ab c"],
    ["<b><i>a</i></b> b", "***a*** b", "a b"],
    ["<b>a <i>b</b> c</i> d", "**a *b*** *c* d", "a b c d"],
    ["<b>(a)</b>b", "(a)b"],
    ["<em> </em><b></b>x", "x"],
    ["水<b>車</b>は", "水**車**は", "水車は"],
    ["a<sup>2</sup> H<sub>2</sub>O <kbd>Esc</kbd>", "a<sup>2</sup> H<sub>2</sub>O <kbd>Esc</kbd>", "a2 H2O Esc"],
  ]);
});

test("only what would be markup is escaped", () => {
  check([
    ["2 * 3 * 4, a_b_c, C# and 50 % of $5", "2 * 3 * 4, a_b_c, C# and 50 % of $5"],
    ["*a* _b_", "\\*a\\* \\_b\\_", "*a* _b_"],
    ["[1] and [a](b)", "\\[1\\] and \\[a\\](b)", "[1] and [a](b)"],
    ["note [1] here", "note [1] here"],
    ["a &lt; b &lt;c&gt;", "a < b \\<c>", "a < b <c>"],
    ["1986. A year", "1986\\. A year", "1986. A year"],
    ["- no item", "\\- no item", "- no item"],
    ["-5 degrees", "-5 degrees"],
    ["# no heading", "\\# no heading", "# no heading"],
    ["#hashtag", "#hashtag"],
    ["&gt; no quote", "\\> no quote", "> no quote"],
    ['Wow!<a href="/x">y</a>', "Wow\\![y](https://site.example/x)", "Wow!y"],
    ["http://a.example/b_c*d*", "http\\://a.example/b_c\\*d\\*", "http://a.example/b_c*d*"],
    ["http://a.example/b_c", "http://a.example/b_c"],
  ]);
});

test("code keeps its characters behind enough backticks", () => {
  check([
    ["<code>a_b*c*</code>", "`a_b*c*`", "a_b*c*"],
    ["<code>`x`</code>", "`` `x` ``", "`x`"],
    ["<code> a  b </code>c", "`a b` c", "a b c"],
    ["<code>a</code><code>b</code>", "`ab`", "ab"],
    ["<code>a<b>b</b><i>c</i></code>", "`abc`", "abc"],
    ["<tt>a</tt><code></code>", "`a`", "a"],
  ]);
});

test("links are absolute, without tracking, and gone when they lead nowhere", () => {
  check([
    ['<a href="x.html">y</a>', "[y](https://site.example/dir/x.html)", "y"],
    ['<a href="../x?utm_source=a&id=1&fbclid=2">y</a>', "[y](https://site.example/x?id=1)", "y"],
    ['<a href="//cdn.example/a/../b">y</a>', "[y](https://cdn.example/b)", "y"],
    ['<a href="#part">y</a> <a href="javascript:alert(1)">z</a> <a href="tel:1">t</a> <a>n</a>', "y z t n"],
    ['<a href="/x"></a><a href="/y"> </a>z', "z"],
    ['<a href="/x"><b>y</b></a>', "[**y**](https://site.example/x)", "y"],
    [
      '<a href="/x(1)">y</a> <a href="/x(1">z</a>',
      "[y](https://site.example/x(1)) [z](https://site.example/x%281)",
      "y z",
    ],
    ['<a href="https://a.example/">https://a.example</a>', "https://a.example"],
    ['<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"],
    ['<a href="mailto:a@b.example">write</a>', "[write](mailto:a@b.example)", "write"],
    ['<a href="/x">a<a href="/y">b</a>', "[a](https://site.example/x)[b](https://site.example/y)", "ab"],
    ['said<sup><a href="#n1">[1]</a></sup>.', "said[1].", "said[1]."],
    ['<a href="/x">a [b]</a>', "[a \\[b\\]](https://site.example/x)", "a [b]"],
  ]);
});

test("links are listed once, with the words they first stand on and their rel", () => {
  const { links } = assembleHtml(
    '<p><a href="/a" rel="nofollow">one</a> <a href="/a">two</a> <a href="mailto:a@b.example">x</a></p><p><code><a href="/b">three</a></code></p>',
  );
  assert.deepEqual(links, [
    { url: "https://site.example/a", text: "one", rel: "nofollow" },
    { url: "https://site.example/b", text: "three" },
  ]);
});

test("without a base only absolute addresses are links", () => {
  const { markdown } = assembleHtml('<p><a href="/a">a</a> <a href="https://b.example/">b</a></p>', {});
  assert.equal(markdown, "a [b](https://b.example/)");
});

test("permalink marks are dropped, wherever they stand", () => {
  const headings = [
    'Title<a href="#t">¶</a>',
    '<a href="#t">#</a> Title',
    'Title <a class="headerlink" href="#t">link</a>',
    "Title ¶",
  ];
  for (const heading of headings) {
    const assembled = assembleHtml(`<h2>${heading}</h2>`);
    assert.equal(assembled.markdown, "## Title");
    assert.deepEqual(assembled.headings, [{ level: 2, text: "Title", start: 0 }]);
  }
  assert.equal(assembleHtml("<h2>Learn C#</h2>").markdown, "## Learn C#");
  assert.equal(assembleHtml("<h2>Learn C #</h2>").markdown, "## Learn C \\#");
});

test("what is for other eyes does not show", () => {
  check([
    ['a<span class="sr-only"> hidden</span> b<i class="material-icons">home</i>', "a b"],
    ['a<span hidden>x</span><span aria-hidden="true">y</span><span style="display: none">z</span>', "a"],
    ["a<svg><text>x</text></svg><script>y</script><style>z</style><video>no video</video>", "a"],
    ["<ruby>粉<rp>(</rp><rt>こな</rt><rp>)</rp></ruby>", "粉(こな)"],
    ['<math><semantics>x2<annotation encoding="application/x-tex">x^2</annotation></semantics></math> is', "$x^2$ is"],
  ]);
});

test("a block's link is shown once, on its first block", () => {
  const { markdown, links } = assembleHtml('<a href="/card"><h3>Card</h3><p>Words of the card.</p></a>');
  assert.equal(markdown, "### [Card](https://site.example/card)\n\nWords of the card.");
  assert.deepEqual(links, [{ url: "https://site.example/card", text: "Card" }]);
});

test("a paragraph of a hundred thousand marks costs no more than its length", () => {
  const paragraph = (count: number) =>
    `<p>${'<b>x</b><i><a href="/y">z</a> '.repeat(count)}${"<b>".repeat(count / 3)}${"<math>".repeat(count / 6)}</p>`;
  assertLinear("marks", 30_000, (count) => () => assembleHtml(paragraph(count), { base: BASE }));
  const { text } = assembleHtml(paragraph(30_000), { base: BASE });
  assert.equal(text.length, "xz ".length * 30_000 - 1);
});
