import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readMetadata } from "../../src/metadata/read-metadata.ts";
import { assertLinear } from "../assert-linear.ts";
import { jsonLd, metadataOf, pageOf, URL_OF_PAGE } from "./read.ts";

const ARTICLE = {
  "@context": "https://schema.org",
  "@graph": [
    { "@type": "WebSite", "@id": "#site", name: "Harbour News" },
    { "@type": "Person", "@id": "#ann", name: "Ann Lee" },
    {
      "@type": ["NewsArticle", "Article"],
      headline: "Harbour opens again",
      author: [{ "@id": "#ann" }, { "@type": "Person", name: "Bo &amp; Ek" }],
      datePublished: "2025-11-03T08:00:00+01:00",
      dateModified: "2025-11-04",
      articleSection: "Local",
      keywords: "harbour, ships",
      inLanguage: "nb-NO",
      image: { "@type": "ImageObject", url: "/ship.jpg" },
      publisher: { "@type": "Organization", name: "Harbour News" },
    },
    {
      "@type": "BreadcrumbList",
      itemListElement: [{ name: "Home" }, { item: { name: "News" } }, { name: "Harbour opens again" }],
    },
  ],
};

test("an article's fields from its JSON-LD, references followed", () => {
  const read = metadataOf({
    head: `<title>Harbour opens again - Harbour News</title>${jsonLd(ARTICLE)}`,
    body: "<h1>Harbour opens again</h1>",
  });
  assert.equal(read.title, "Harbour opens again");
  assert.deepEqual(read.authors, ["Ann Lee", "Bo", "Ek"]);
  assert.equal(read.published, "2025-11-03T08:00:00+01:00");
  assert.equal(read.modified, "2025-11-04");
  assert.equal(read.siteName, "Harbour News");
  assert.equal(read.language, "nb");
  assert.equal(read.image, "https://www.example.org/ship.jpg");
  assert.deepEqual(read.categories, ["Local", "News", "harbour", "ships"]);
  assert.deepEqual(read.jsonLd, [ARTICLE]);
});

test("each source gives way to the one before it", () => {
  const head =
    '<meta property="og:title" content="Social title"><meta name="twitter:title" content="Bird title">' +
    '<meta name="author" content="Cy Oz"><meta property="article:published_time" content="2024-05-06T07:08:09Z">' +
    '<meta name="description" content="Said &amp; done"><meta property="og:description" content="Social words">' +
    '<meta property="og:locale" content="de_DE">';
  const all = metadataOf({ head: head + jsonLd(ARTICLE), lang: "en-GB" });
  assert.deepEqual([all.title, all.byline, all.language], ["Social title", "Ann Lee, Bo, Ek", "en"]);
  assert.equal(all.published, "2024-05-06T07:08:09Z");
  assert.equal(all.description, "Said & done");
  const less = metadataOf({ head, body: '<p class="byline">By Dag Au</p>' });
  assert.deepEqual([less.byline, less.language, less.sources.byline], ["Cy Oz", "de", "meta"]);
  assert.equal(less.openGraph["og:description"], "Social words");
});

test("byline and date of a page that has mark-up only", () => {
  const read = metadataOf({
    body:
      '<h1>Harbour opens</h1><div class="post-meta"><span class="author-name">Written by <a href="/a">Ann Lee</a></span>' +
      '<time datetime="2025-11-03T08:00:00Z">3 days ago</time> <span class="updated-date">Updated Nov 5, 2025</span></div><p>Ships.</p>' +
      '<div class="related"><span class="related-author">Bo Ek</span></div>',
  });
  assert.deepEqual([read.byline, read.published, read.modified], ["Ann Lee", "2025-11-03T08:00:00Z", "2025-11-05"]);
});

test("byline and date of a page that marks nothing", () => {
  const read = metadataOf({
    body: "<h1>Harbour opens</h1><p>By</p><p>Ann Lee</p><p>3 November 2025</p><p>Ships came in by noon.</p>",
  });
  assert.deepEqual([read.byline, read.published, read.sources.published], ["Ann Lee", "2025-11-03", "text"]);
});

test("an organisation, a login box and the site are no authors", () => {
  const organisation = {
    ...ARTICLE,
    "@graph": [{ "@type": "Article", author: { "@type": "Organization", name: "Harbour Ltd" } }],
  };
  const head = `<meta property="og:site_name" content="Harbour News"><meta name="author" content="harbour news">${jsonLd(organisation)}`;
  const read = metadataOf({ head, body: '<h1>Ships</h1><label class="login-username">User Name</label>' });
  assert.equal(read.byline, undefined);
  assert.deepEqual(read.authors, []);
});

test("a list of articles has neither their authors nor their dates", () => {
  const cards = ["Ann Lee", "Bo Ek", "Cy Oz", "Dag Au"].map(
    (name, at) =>
      `<article><h3>Story ${at}</h3><span class="card-author">${name}</span><time class="card-date" datetime="2025-11-${20 - at}">x</time><p>Words of it.</p></article>`,
  );
  const read = metadataOf({ body: `<div>Latest</div>${cards.join("")}` });
  assert.deepEqual([read.byline, read.published], [undefined, undefined]);
});

test("a thread is by its first poster", () => {
  const posts = ["harbour_fan", "boatman", "sailor77", "captain"].map(
    (name, at) =>
      `<li><div itemprop="author" itemscope><meta itemprop="name" content="${name}">14.6k points</div><time itemprop="datePublished" datetime="2025-11-0${at + 1}">x</time><p>Words</p></li>`,
  );
  const read = metadataOf({ body: `<h1>Which rope?</h1>${posts.join("")}` });
  assert.deepEqual([read.byline, read.published], ["harbour_fan", "2025-11-01"]);
});

test("a product has its reviews' authors and dates for none of its own", () => {
  const product = {
    "@type": "Product",
    name: "Oar",
    review: { "@type": "Review", author: { name: "Ann Lee" }, datePublished: "2025-01-02" },
  };
  const read = metadataOf({ head: jsonLd(product), body: '<h1>Oar</h1><span class="author">Bo Ek</span>' });
  assert.deepEqual([read.byline, read.published], [undefined, undefined]);
});

test("a date comes from the URL only when nothing else has one, and never in the future of a page's change", () => {
  const url = "https://example.org/2024/03/02/harbour";
  assert.equal(metadataOf({ body: "<h1>Harbour</h1>" }, url).published, "2024-03-02");
  assert.equal(metadataOf({ head: '<meta name="date" content="2024-03-01">' }, url).published, "2024-03-01");
  const odd = metadataOf({
    head: '<meta name="date" content="2024-03-01"><meta property="article:modified_time" content="2020-01-01">',
  });
  assert.deepEqual([odd.published, odd.modified], ["2024-03-01", undefined]);
});

test("addresses are absolute, and a canonical address that is the site's root is not believed of a deeper page", () => {
  const head =
    '<base href="/sub/"><link rel="canonical" href="page?a=1&amp;b=2"><meta property="og:image" content="ship.jpg">';
  const read = metadataOf({ head });
  assert.equal(read.canonicalUrl, "https://www.example.org/sub/page?a=1&b=2");
  assert.equal(read.image, "https://www.example.org/sub/ship.jpg");
  assert.equal(read.base, "https://www.example.org/sub/");
  const root = '<link rel="canonical" href="https://www.example.org/"><meta property="og:url" content="/news/harbour">';
  assert.equal(metadataOf({ head: root }).canonicalUrl, URL_OF_PAGE);
  assert.equal(metadataOf({ head: '<link rel="canonical" href="javascript:alert(1)">' }).canonicalUrl, undefined);
  assert.equal(readMetadata(pageOf('<link rel="canonical" href="/a">'), undefined).canonicalUrl, undefined);
});

test("a page that says nothing", () => {
  const read = readMetadata(pageOf(""), undefined);
  assert.deepEqual(read, {
    title: "",
    authors: [],
    categories: [],
    openGraph: {},
    jsonLd: [],
    sources: { title: "none" },
  });
});

test("JSON-LD too deep, too broken or of no object is left out, the rest stays", () => {
  const deep = `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`;
  const scripts = [deep, "not json", "42", "", '{"@type": "Article", "headline": "Kept",}'];
  const head = scripts.map((text) => `<script type='application/ld+json; charset=utf-8'>${text}</script>`).join("");
  assert.deepEqual(metadataOf({ head }).jsonLd, [{ "@type": "Article", headline: "Kept" }]);
});

test("keys of prototypes are no fields", () => {
  const head =
    '<meta name="__proto__" content="x"><meta property="og:__proto__" content="y"><script type="application/ld+json">{"__proto__": {"@type": "Article", "headline": "no"}}</script>';
  const read = metadataOf({ head });
  assert.equal(Object.getPrototypeOf(read.openGraph), Object.prototype);
  assert.deepEqual(Object.keys(read.openGraph), ["og:__proto__"]);
});

const PIECES = [
  ..."<meta name=author content=|<meta property='og:title' content=\"|<title>|</title>|<h1>|</h1>|<h2 class=byline>|<time datetime=|<span itemprop=author>".split(
    "|",
  ),
  ...'</span>|">|\'>|>|By |Ann Lee|2025-11-03|,|&amp;|<script type=application/ld+json>|</script>|{"@type":"Article","author":|{|}|[|]|"|:|<!--|-->'.split(
    "|",
  ),
  ..."<link rel=canonical href=|<base href=//x>|<html lang=|<body>|</head>|<a rel=author class=author-name>|</a>|\u{1f6a2}|\0|   ".split(
    "|",
  ),
];

test("no page makes it throw, and what it gives keeps its form", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }), fc.boolean(), (pieces, hasUrl) => {
      const read = readMetadata(pageOf(pieces.join("")), hasUrl ? URL_OF_PAGE : undefined);
      assert.ok(read.title.length <= 300);
      for (const date of [read.published, read.modified])
        assert.ok(date === undefined || !Number.isNaN(Date.parse(date)));
      for (const address of [read.canonicalUrl, read.image])
        assert.ok(address === undefined || /^https?:\/\//.test(address));
      assert.ok(read.language === undefined || /^[a-z]{2,3}$/.test(read.language));
      for (const [key, value] of Object.entries(read))
        assert.ok(value !== undefined && value !== "" ? true : key === "title", key);
    }),
    { numRuns: 500 },
  );
});

test("a page made to be slow is not", () => {
  const html = (size: number) =>
    `<title>${" ".repeat(2 * size)}|</title><h1>x</h1>` +
    `<span class="author">${"a, ".repeat(size / 2)}</span>`.repeat(20) +
    `<i class=date>${"1".repeat(1_000)}</i>`.repeat(size / 20) +
    `<meta property=article:tag content="${" ".repeat(size)},">` +
    jsonLd({
      "@type": "Article",
      keywords: " ".repeat(size),
      author: Array.from({ length: size / 2 }, () => "Ann Lee"),
      headline: "-".repeat(size),
    });
  assertLinear("metadata", 100_000, (size) => {
    const page = pageOf(html(size));
    return () => readMetadata(page, URL_OF_PAGE);
  });
});
