import assert from "node:assert/strict";
import { test } from "node:test";
import { type GateEvidence, POOR_CHARS, readEvidence } from "../../src/gate/evidence.ts";
import { readPage } from "../../src/page/read-page.ts";
import { tokenizeJs } from "../../src/tokenizer/tokenize-js.ts";
import { assertLinear } from "../assert-linear.ts";

function evidenceOf(html: string): GateEvidence {
  return readEvidence(readPage(html, tokenizeJs(html)), { keptChars: 7, structuredChars: 9 });
}

test("text is counted with scripting off: noscript counts, template, script and style do not", () => {
  const html = `<body><p>${"a".repeat(70)}</p><p>short</p><p><a href=x>${"b".repeat(90)}</a></p><noscript><p>${"c".repeat(80)}</p></noscript>
    <template><p>${"d".repeat(500)}</p></template><script>${"e".repeat(300)}</script><style>p{}</style></body>`;
  const found = evidenceOf(html);
  assert.equal(found.visibleChars, 70 + 5 + 90 + 80);
  assert.equal(found.proseChars, 70 + 80);
  assert.equal(found.linkChars, 90);
  assert.equal(found.noscriptChars, 80);
  assert.equal(found.scriptChars, 300);
  assert.deepEqual([found.htmlChars, found.keptChars, found.structuredChars], [html.length, 7, 9]);
});

test("scripts are told apart: programs, data, descriptions, external ones", () => {
  const found = evidenceOf(`<script src=a.js></script><script type="application/ld+json">{"a":1}</script>
    <script type="application/json">{"b":"${"x".repeat(40)}"}</script><script>window.__NUXT__={}</script><script>run()</script>`);
  assert.deepEqual([found.scripts, found.externalScripts], [5, 1]);
  assert.equal(found.dataChars, '{"b":""}'.length + 40 + "window.__NUXT__={}".length);
  assert.equal(found.scriptChars, found.dataChars + "run()".length);
});

test("a refresh counts when it leads elsewhere within seconds", () => {
  const refresh = (content: string) => evidenceOf(`<meta http-equiv="Refresh" content="${content}"><p>x</p>`).refresh;
  assert.equal(refresh("0; url=https://example.org/"), 1);
  assert.equal(refresh("5;URL='/next'"), 1);
  assert.equal(refresh("300"), 0, "the page reloads itself");
  assert.equal(refresh("600; url=/next"), 0, "a slide show");
  assert.equal(evidenceOf('<meta name="refresh" content="0; url=/x">').refresh, 0);
});

test("an empty root is found by the names that frameworks give it, and not when it has text", () => {
  const isEmptyRoot = (html: string) => evidenceOf(`<body>${html}</body>`).emptyRoot === 1;
  for (const id of ["root", "app", "__next", "__nuxt", "___gatsby", "App"])
    assert.ok(isEmptyRoot(`<div id="${id}"></div>`), id);
  assert.ok(isEmptyRoot("<app-root></app-root>"));
  assert.ok(isEmptyRoot("<ion-app> </ion-app>"));
  assert.ok(isEmptyRoot("<div id=root><p>Loading…</p></div>"));
  assert.ok(isEmptyRoot(`<div id=root><noscript>${"Please enable scripts. ".repeat(9)}</noscript></div>`));
  assert.ok(!isEmptyRoot(`<div id=root><p>${"words of the page ".repeat(9)}</p></div>`));
  assert.ok(!isEmptyRoot("<div id=sidebar></div><div id=approach></div><my-apple></my-apple>"));
});

test("walls, placeholders and asks are looked for on pages with little text only", () => {
  const marks =
    '<p>Verify you are human. Enable JavaScript.</p><div class="skeleton"></div><div id="px-captcha"></div>';
  const poor = evidenceOf(marks);
  assert.ok(poor.wallMarks >= 2 && poor.placeholders === 1 && poor.asksForScript === 1);
  const rich = evidenceOf(`${marks}<p>${"long text ".repeat(POOR_CHARS / 10)}</p>`);
  assert.deepEqual([rich.wallMarks, rich.placeholders, rich.asksForScript], [0, 0, 0]);
});

test("the share of consent is that of the blocks that speak of it", () => {
  const { consentShare } = evidenceOf("<p>We use cookies here.</p><p>Twenty chars of text</p>");
  assert.equal(consentShare, 0.5);
});

test("the marks counted are bounded, and hostile pages cost no more than their length", () => {
  const many = evidenceOf('<div class="skeleton captcha"></div>'.repeat(50_000));
  assert.deepEqual([many.placeholders, many.wallMarks], [20, 5]);
  const pages: Readonly<Record<string, (part: number) => string>> = {
    roots: (part) => `${"<div id=root>".repeat(1_500 * part)}${"<p>x</p>".repeat(3_900 * part)}`,
    noscript: (part) => `${"<noscript><div>".repeat(900 * part)}${"<p>x</p>".repeat(100_000 * part)}`,
    template: (part) =>
      `${"<template><div>".repeat(900 * part)}${"<p>captcha cookie words</p>".repeat(100_000 * part)}`,
  };
  for (const [what, pageOf] of Object.entries(pages)) {
    assertLinear(what, 1_000, (part) => {
      const html = pageOf(part / 1_000);
      const page = readPage(html, tokenizeJs(html));
      return () => readEvidence(page, { keptChars: 0 });
    });
  }
});
