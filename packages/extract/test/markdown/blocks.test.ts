import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assertLinear } from "../assert-linear.ts";
import { assembleHtml } from "./assemble-html.ts";

function markdownOf(html: string): string {
  return assembleHtml(html).markdown;
}

test("lists nest by indent, ordered ones keep their numbers", () => {
  const html = '<ol start="9"><li>a<ul><li>b</li></ul></li><li>c<ol><li>d</li></ol></li><li value="20">e</li></ol>';
  const { markdown, text } = assembleHtml(html);
  assert.equal(markdown, "9. a\n   - b\n10. c\n    1. d\n20. e");
  assert.equal(text, "- a\n  - b\n- c\n  - d\n- e");
});

test("a list right inside a list belongs to the item before it", () => {
  assert.equal(markdownOf("<ul><li>a</li><ul><li>b</li></ul><li>c</li></ul>"), "- a\n  - b\n- c");
});

test("ordered lists that touch stay two, and one after bullets begins anew", () => {
  assert.equal(markdownOf("<ol><li>a</ol><ol><li>b<li>c</ol>"), "1. a\n\n1) b\n2) c");
  assert.equal(markdownOf("<ul><li>a</ul><ol start=3><li>b</ol>"), "- a\n\n3. b");
  assert.equal(markdownOf("<ul><li>a<ol start=3><li>b</ol></ul>"), "- a\n\n  3. b");
});

test("what follows in an item is indented, and only its first block has a mark", () => {
  const { markdown, text } = assembleHtml(
    "<ul><li><p>a</p><pre>x\n\ny</pre><ul><li>b</ul><p>c</p></li><li>d</ul><p>e</p>",
  );
  assert.equal(markdown, "- a\n\n  ```\n  x\n\n  y\n  ```\n\n  - b\n\n  c\n- d\n\ne");
  assert.equal(text, "- a\n\nx\n\ny\n\n  - b\n\nc\n\n- d\n\ne");
});

test("dropped items do not change the numbers of others", () => {
  assert.equal(markdownOf("<ol><li>a<li data-drop>b<li>c</ol>"), "1. a\n3. c");
});

test("quotes are marked line by line, and two quotes stay two", () => {
  const html =
    "<blockquote><p>a<br>b</p><ul><li>c</ul><blockquote>d</blockquote></blockquote><blockquote>e</blockquote>";
  assert.equal(markdownOf(html), "> a  \n> b\n>\n> - c\n>\n> > d\n\n> e");
});

test("nesting beyond the limit is flat, and costs nothing", () => {
  const { markdown } = assembleHtml(`${"<ul><li>".repeat(900)}deep<p>er`);
  assert.equal(markdown, `${"- ".repeat(12)}deep\n\n${" ".repeat(24)}er`);
});

test("code keeps its lines and blanks, its language, and a fence longer than any inside", () => {
  const rouge =
    '<div class="language-ruby highlighter-rouge"><div class="highlight"><pre class="highlight"><code>a</code></pre></div></div>';
  const cases: readonly (readonly [string, string])[] = [
    ["<pre>\n  a\n\n    b  </pre>", "```\n  a\n\n    b\n```"],
    ['<pre><code class="language-c++">a &amp;&amp; b</code></pre>', "```c++\na && b\n```"],
    ['<pre class="brush: js; toolbar: false">a</pre>', "```js\na\n```"],
    ['<pre><code class="hljs language-ts">a</code></pre>', "```ts\na\n```"],
    ['<pre><code class="rust hljs">a</code></pre>', "```rust\na\n```"],
    ['<div class="highlight-source-shell"><pre>a</pre></div>', "```shell\na\n```"],
    [rouge, "```ruby\na\n```"],
    ['<div class="highlight-default"><pre data-lang="Go">a</pre></div>', "```go\na\n```"],
    ['<pre><code class="language-text">a</code></pre>', "```\na\n```"],
    ["<pre>````\na</pre>", "`````\n````\na\n`````"],
    ['<pre><div class="line">a</div><div class="line"></div><div class="line">  b</div></pre>', "```\na\n\n  b\n```"],
    ["<pre><code><div>a<br/></div><div><br></div><div>  b<br></div></code></pre>", "```\na\n\n  b\n```"],
    ['<pre><span class="line-number">1</span>a<br>b<button>Copy</button></pre>', "```\na\nb\n```"],
    ["<table><tr><td><pre>1\n2</pre></td><td><pre>a\nb</pre></td></tr></table>", "```\na\nb\n```"],
  ];
  for (const [html, markdown] of cases) assert.equal(markdownOf(html), markdown, html);
});

test("code is listed where it stands", () => {
  const { text, code } = assembleHtml("<p>a</p><pre>b\n\nc</pre><p>d</p>");
  assert.deepEqual(
    code.map(({ start, end }) => text.slice(start, end)),
    ["b\n\nc"],
  );
});

test("tables of values become rows, spans keep the columns, bars are escaped", () => {
  const html =
    "<table><caption>Trains</caption><thead><tr><th>To<th>At</thead><tr><td rowspan=2>a|b<td>1<tr><td><p>2</p><p><code>x|y</code></p><tr><td colspan=2>late<td>3</table>";
  const { markdown, text, tables } = assembleHtml(html);
  assert.equal(
    markdown,
    "*Trains*\n\n| To | At |  |\n| --- | --- | --- |\n| a\\|b | 1 |\n|  | 2<br>`x\\|y` |\n| late |  | 3 |",
  );
  assert.equal(text, "Trains\n\nTo | At\na|b | 1\n| 2 x|y\nlate |  | 3");
  const rows = [
    ["a|b", "1"],
    ["", "2 x|y"],
    ["late", "", "3"],
  ];
  assert.deepEqual(tables, [{ caption: "Trains", header: ["To", "At"], rows }]);
});

test("tables that lay out a page are read as paragraphs", () => {
  const layouts = [
    "<table><tr><td>a<tr><td>b</table>",
    "<table><tr><td>a<td>b</table>",
    "<table><tr><td><h2>a</h2><td>b<tr><td>c<td>d</table>",
    "<table><tr><td>a<td><table><tr><td>b</table><tr><td>c<td>d</table>",
    `<table><tr><td>a<td>${"<p>b</p>".repeat(9)}<tr><td>c<td>d</table>`,
    `<table><tr><td>a<td>${"long text ".repeat(200)}<tr><td>c<td>d</table>`,
  ];
  for (const html of layouts) {
    const { markdown, tables } = assembleHtml(html);
    assert.ok(!markdown.includes("|"), html);
    assert.deepEqual(tables, []);
  }
});

test("a span of a million columns costs no more than its cell", () => {
  const html = '<table><tr><td colspan="1000000" rowspan="99999999">a<td>b<tr><td>c<td>d</table>';
  assert.ok(markdownOf(html).length < 1_000);
});

test("terms are bold, captions in italics, headings bear no bold of their own", () => {
  assert.equal(markdownOf("<dl><dt>a <i>b</i></dt><dd>c</dd></dl>"), "**a b**\n\nc");
  assert.equal(markdownOf("<figure><p>x</p><figcaption>a <b>b</b> c</figcaption></figure>"), "x\n\n*a **b** c*");
  assert.equal(markdownOf("<h1><b>a</b> <i>b</i><br>c</h1>"), "# a *b* c");
});

test("a rule stands between kept blocks only", () => {
  assert.equal(markdownOf("<hr><p>a</p><hr><hr><p>b</p><hr>"), "a\n\n---\n\nb");
  assert.equal(markdownOf("<p>a</p><hr><p data-drop>x</p><hr><p>b</p>"), "a\n\nb");
});

test("a block that repeats the one before is left out; items and short words are not", () => {
  const title = "<h1>The last lamplighter</h1><p>The last lamplighter</p><p>x</p>";
  assert.equal(markdownOf(title), "# The last lamplighter\n\nx");
  assert.equal(markdownOf("<p>Yes.</p><p>Yes.</p>"), "Yes.\n\nYes.");
  const list = "<ul><li>one and the same<li>one and the same</ul>";
  assert.equal(markdownOf(list), "- one and the same\n- one and the same");
});

test("nothing kept is nothing shown", () => {
  const { text, markdown, media } = assembleHtml('<div data-drop><p>a</p></div><img src="/x.png" alt="x">');
  assert.deepEqual({ text, markdown, media }, { text: "", markdown: "", media: [] });
});

test("code of many lines that are elements costs no more than its length", () => {
  const code = (lines: number) => `<pre>${"<div>line</div>".repeat(lines)}</pre>`;
  assertLinear("lines", 100_000, (lines) => () => assembleHtml(code(lines)));
  assert.equal(assembleHtml(code(100_000)).text.split("\n").length, 100_000);
});

test("class names that are remembered do not hold on to the pages they stood on", () => {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  assert.ok(typeof gc === "function");
  const words = "some words of a page ".repeat(20_000);
  const read = (at: number) =>
    assembleHtml(`<p>a <span class="a-name-of-this-page-only-${at}">b</span> c</p><p data-drop>${words}${at}</p>`);
  read(0);
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let at = 1; at <= 60; at++) read(at);
  gc();
  assert.ok(process.memoryUsage().heapUsed - before < 10_000_000);
});
