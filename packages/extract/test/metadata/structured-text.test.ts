import assert from "node:assert/strict";
import { test } from "node:test";
import { fragmentText } from "../../src/metadata/fragment-text.ts";
import { readMetadata } from "../../src/metadata/read-metadata.ts";
import { readLinkedText, readStructuredText, shellText } from "../../src/metadata/structured-text.ts";
import { assertLinear } from "../assert-linear.ts";
import { jsonLd, pageOf, URL_OF_PAGE } from "./read.ts";

const PROSE =
  "The harbour opened again on Monday after a winter of repairs, and the first ships came in before noon with salt, timber and coal.";
const MORE =
  "Captains praised the new quay, which is wider than the old one and lies deep enough for every vessel that sails along this coast.";

function structuredOf(html: string) {
  const page = pageOf(html);
  return readStructuredText(page, readMetadata(page, URL_OF_PAGE));
}

test("an article's body, its mark-up read as text", () => {
  const body = `<p>${PROSE}</p><ul><li>Salt &amp; coal</li><li>Timber</li></ul><script>alert(1)</script><p>${MORE}</p>`;
  const got = structuredOf(jsonLd({ "@type": "NewsArticle", articleBody: body }));
  assert.equal(got?.source, "json-ld:NewsArticle");
  assert.equal(got?.text, `${PROSE}\n\n- Salt & coal\n\n- Timber\n\n${MORE}`);
});

test("a recipe, its ingredients and the steps of its sections", () => {
  const recipe = {
    "@type": "Recipe",
    description: `${PROSE} ${MORE}`,
    recipeIngredient: ["2 oars", "1 &frac12; boats"],
    recipeInstructions: [
      {
        "@type": "HowToSection",
        name: "First",
        itemListElement: [{ "@type": "HowToStep", text: "Row <b>out</b>." }, { text: "Turn." }],
      },
      "Row back.",
    ],
  };
  const got = structuredOf(jsonLd(recipe));
  assert.equal(got?.markdown, `${PROSE} ${MORE}\n\n- 2 oars\n- 1 ½ boats\n\n1. Row out.\n1. Turn.\n1. Row back.`);
});

test("questions with their answers, and the posts of a thread with their authors", () => {
  const faq = {
    "@type": "FAQPage",
    mainEntity: [
      { "@type": "Question", name: "When?", acceptedAnswer: { text: PROSE } },
      { name: "Why?", acceptedAnswer: { text: MORE } },
    ],
  };
  assert.equal(structuredOf(jsonLd(faq))?.markdown, `## When?\n\n${PROSE}\n\n## Why?\n\n${MORE}`);
  assert.equal(structuredOf(jsonLd(faq))?.text, `When?\n\n${PROSE}\n\nWhy?\n\n${MORE}`);
  const thread = {
    "@type": "DiscussionForumPosting",
    author: { name: "fan" },
    text: PROSE,
    comment: [{ "@type": "Comment", author: { name: "boatman" }, text: MORE }],
  };
  assert.equal(structuredOf(jsonLd(thread))?.markdown, `**fan**\n\n${PROSE}\n\n**boatman**\n\n${MORE}`);
});

const STATES: readonly (readonly [kind: string, script: string])[] = [
  ["next", `<script id="__NEXT_DATA__" type="application/json">%STATE%</script>`],
  ["nuxt", `<script type="application/json" id="__NUXT_DATA__" data-ssr="true">%STATE%</script>`],
  ["json", `<script type="application/json">%STATE%</script>`],
  ["state", `<script>window.__INITIAL_STATE__ = %STATE%;\n(function () { var a = "}"; })();</script>`],
  ["state", `<script>window.__APOLLO_STATE__=JSON.parse(%QUOTED%);</script>`],
];

for (const [kind, script] of STATES) {
  test(`prose of a page's state: ${script.slice(0, 40)}`, () => {
    const filler = Array.from({ length: 60 }, (_, at) => ({ id: `item-${at}`, url: `/ships/${at}`, label: "Ship" }));
    const state = {
      filler,
      page: { body: `<p>${PROSE}</p>`, again: [PROSE, MORE], quote: 'a "}" in it' },
      cookieBanner: { text: `Cookies: ${PROSE}` },
    };
    const text = JSON.stringify(state);
    const html = `<div id="app"></div>${script.replace("%STATE%", () => text).replace("%QUOTED%", () => JSON.stringify(text))}`;
    const got = structuredOf(html);
    assert.equal(got?.source, kind);
    assert.equal(got?.text, `${PROSE}\n\n${MORE}`);
  });
}

test("state is parsed, never run, and what is no JSON is left", () => {
  const code = `globalThis.ran = true; window.__INITIAL_STATE__ = { body: (() => { globalThis.ran = true; return "${PROSE} ${MORE}" })() };`;
  assert.equal(structuredOf(`<script>${code}${" ".repeat(1_000)}</script>`), undefined);
  assert.equal("ran" in globalThis, false);
});

test("style sheets, code and addresses are no prose", () => {
  const strings = [
    `.a { ${"color: red; margin: 0 auto; ".repeat(20)} }`,
    `function a() { ${"return b(c, d) + 1; ".repeat(20)} }`,
    `https://example.org/${"a/".repeat(100)}`,
    "x ".repeat(200),
  ];
  assert.equal(
    structuredOf(
      `<script type="application/json">${JSON.stringify({ strings, more: "word ".repeat(300).split(" ") })}</script>`,
    ),
    undefined,
  );
});

test("an application shell is read from its state, a page with text is not even searched", () => {
  const state = JSON.stringify({ body: `${PROSE} ${MORE}`.repeat(8) });
  const shell = pageOf(`<div id="root">Loading…</div><script type="application/json">${state}</script>`);
  assert.equal(shellText(shell, { jsonLd: [] }, "Loading…")?.source, "json");
  assert.equal(shellText(shell, { jsonLd: [] }, `${PROSE} ${MORE}`.repeat(8)), undefined);
  const page = pageOf(`<p>${PROSE.repeat(20)}</p><script type="application/json">${state}</script>`);
  const blind = {
    html: page.html,
    blocks: page.blocks,
    elements: page.elements,
    get tokens(): never {
      return assert.fail("tokens were read");
    },
  };
  assert.equal(shellText(blind, { jsonLd: [] }, ""), undefined);
});

test("the page's tokens are as they were", () => {
  const page = pageOf(
    `<h1>Harbour</h1>${jsonLd({ "@type": "Article", articleBody: `<p>${PROSE}</p><p>${MORE}</p>` })}<p>end</p>`,
  );
  const before = page.tokens.words.slice(0, page.tokens.count * 4);
  readStructuredText(page, readMetadata(page, URL_OF_PAGE));
  assert.deepEqual(page.tokens.words.slice(0, page.tokens.count * 4), before);
});

test("data that refers to itself by depth or number ends", () => {
  const deep: unknown = JSON.parse(`${"[".repeat(2_000)}"${PROSE}"${"]".repeat(2_000)}`);
  assert.equal(readLinkedText([deep]), undefined);
  assertLinear("numbers", 1_900_000, (chars) => {
    const many = JSON.stringify(Array.from({ length: 60_000 }, (_, at) => `${PROSE} ${at}`)).slice(0, chars);
    return () => structuredOf(`<script type="application/json">${many}"]</script>`);
  });
  assertLinear("depth", 100_000, (depth) => () => fragmentText("<svg>".repeat(depth)));
  assertLinear("raw text", 50_000, (count) => () => fragmentText("<style></style>".repeat(count)));
});

test("fragments: line breaks, escaped mark-up, comments, and signs that are no tags", () => {
  assert.equal(fragmentText("one<br>two<br/>three"), "one\ntwo\nthree");
  assert.equal(fragmentText("&lt;p&gt;one&lt;/p&gt;&lt;p&gt;two&lt;/p&gt;"), "one\n\ntwo");
  assert.equal(fragmentText("a < b <!-- no > --> and c > d"), "a < b and c > d");
  assert.equal(fragmentText("cut <b off"), "cut");
});

test("a type that is a name of every object is a type like any other that is not known", () => {
  for (const type of ["constructor", "toString", "__proto__"])
    assert.equal(structuredOf(jsonLd({ "@type": type, articleBody: `${PROSE} ${MORE}` })), undefined, type);
});
