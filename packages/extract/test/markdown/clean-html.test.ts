import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cleanHtml } from "../../src/markdown/clean-html.ts";
import { assertLinear } from "../assert-linear.ts";
import { assembleHtml, BASE } from "./assemble-html.ts";

function htmlOf(html: string): string {
  return assembleHtml(html, { base: BASE, html: true }).html ?? "";
}

const ALLOWED =
  /<(?:\/?(?:h[1-6]|p|ul|ol|li|blockquote|table|thead|tbody|tr|th|td|pre|em|strong|del|code|a|sub|sup|kbd)|br|hr|ol start="\d+"|code class="language-[^"<>]*"|a href="(?:https?:|mailto:)[^"<>]*"|img src="https?:[^"<>]*" alt="[^"<>]*")>/g;

test("clean HTML is made on request only, and keeps structure, links and images", () => {
  assert.equal(assembleHtml("<p>a</p>").html, undefined);
  const html = htmlOf(
    '<h2 onclick="x()">a</h2><p style="x">b <a href="/c?a=1&amp;b=2" target=_blank>c</a><sup>2</sup><br>d</p><img src="/i.png" alt=\'"i"\'><p>e</p>',
  );
  assert.equal(
    html,
    '<h2>a</h2>\n<p>b <a href="https://site.example/c?a=1&amp;b=2">c</a><sup>2</sup><br>d</p>\n<p><img src="https://site.example/i.png" alt="&quot;i&quot;"></p>\n<p>e</p>',
  );
});

test("no text, attribute or address gets a tag through", () => {
  const evil = fc.constantFrom(
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&lt;img src=x onerror=alert(1)&gt;",
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "![x](javascript:alert(1))",
    "&lt;javascript:alert(1)&gt;",
    "&quot;onload=&quot;x",
    "` ",
    "**",
    "\\",
    "<a href='javascript:alert(1)'>",
    "</a>",
    '<a href="https://a.example/&quot;onclick=&quot;x">',
    "<code>",
    "</code>",
    "<pre class='language-&quot;x'>",
    "</pre>",
    "&lt;!--",
    "&lt;br onclick=x&gt;",
    "&lt;sup&gt;",
    "<img alt='&lt;script&gt;' src=/i>",
    " words ",
  );
  fc.assert(
    fc.property(fc.array(evil, { minLength: 1, maxLength: 8 }), (parts) => {
      const html = htmlOf(`<p>${parts.join("")}</p><p>end</p>`);
      assert.ok(!/[<>]/.test(html.replace(ALLOWED, "")), html);
    }),
    { numRuns: 1_500 },
  );
});

test("a long line of links without spaces costs no more than its length", () => {
  const line = (links: number) => "[y](https://e.example/x)".repeat(links);
  // Read with the parser's own pattern, 40,000 take fifty times as long.
  assertLinear("links", 40_000, (links) => () => cleanHtml(line(links)));
  assert.equal(cleanHtml(line(40_000)).match(/<a href="https:\/\/e.example\/x">y<\/a>/g)?.length, 40_000);
  const long = `[${"x".repeat(1_500)}](https://e.example/(a)${"y".repeat(40_000)})`;
  assert.match(cleanHtml(`a ${long}${long} b`), /^<p>a (?:<a href="https:\/\/e.example\/\(a\)y+">x+<\/a>){2} b<\/p>$/);
});
