import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cacheKey, splitKey } from "../../src/cache/cache-key.ts";
import { canonicalUrl } from "../../src/cache/canonical-url.ts";

const SAME: readonly (readonly [string, string])[] = [
  ["HTTPS://Example.COM:443", "https://example.com/"],
  ["http://example.com:80/a", "http://example.com/a"],
  ["http://example.com:8080/a", "http://example.com:8080/a"],
  ["https://example.com./a", "https://example.com/a"],
  ["https://example.com/a#part", "https://example.com/a"],
  ["https://example.com/a?", "https://example.com/a"],
  ["https://example.com/a?b=2&a=1", "https://example.com/a?a=1&b=2"],
  ["https://example.com/a?x=2&x=1", "https://example.com/a?x=2&x=1"],
  ["https://example.com/a?&&b=1&", "https://example.com/a?b=1"],
  ["https://example.com/a?utm_source=x&UTM_Medium=y&gclid=1&fbclid=2&id=3", "https://example.com/a?id=3"],
  ["https://example.com/a?%75tm_source=x", "https://example.com/a"],
  ["https://example.com/%7euser/%41%2f", "https://example.com/~user/A%2F"],
  ["https://example.com/ü?q=ä", "https://example.com/%C3%BC?q=%C3%A4"],
  ["https://example.com/a/../b/./c", "https://example.com/b/c"],
  ["https://example.com/??", "https://example.com/??"],
  ["https://example.com/100%", "https://example.com/100%25"],
  ["https://example.com/%%341", "https://example.com/%2541"],
  ["https://bücher.example/", "https://xn--bcher-kva.example/"],
  ["http://127.1/", "http://127.0.0.1/"],
];

for (const [given, expected] of SAME)
  test(`${given} is ${expected}`, () => assert.equal(canonicalUrl(given), expected));

test("what tells pages apart is kept", () => {
  const pages = [
    "http://a.example/",
    "https://a.example/",
    "https://a.example/A",
    "https://a.example/a",
    "https://a.example/a/",
  ];
  const queries = ["?a=1", "?a=2", "?a", "?a=", "?utm=1", "?ref=x", "?a=%26"];
  const all = [...pages, ...queries.map((query) => `https://a.example/a${query}`)];
  assert.equal(new Set(all.map(canonicalUrl)).size, all.length);
});

test("what is no http address is refused", () => {
  for (const url of [
    "",
    "example.com",
    "ftp://example.com/",
    "javascript:1",
    `https://example.com/${"a".repeat(9_000)}`,
  ])
    assert.throws(() => canonicalUrl(url), { code: "invalid_argument" });
});

test("a canonical address is its own canonical address", () => {
  const piece = fc.constantFrom(
    "%",
    "%4",
    "%41",
    "%2e",
    "%2E%2e",
    "%25",
    "%C3%BC",
    "..",
    ".",
    "/",
    "a",
    "ü",
    "&",
    "=",
    "?",
    "+",
    "utm_x=1",
    "b=2",
    " ",
    "'",
    "|",
    "#",
    "@",
    "\\",
  );
  const tail = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
  const host = fc.constantFrom(
    "Example.com",
    "example.com.",
    "a.b..",
    "127.0.0.1.",
    "[::1]",
    "x:443",
    "u:p%41@h",
    "foo.1..",
    "0x7f.1.",
  );
  const url = fc
    .tuple(fc.constantFrom("http://", "HTTPS://"), host, fc.constantFrom("/", "?", ""), tail)
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(url, fc.webUrl({ withFragments: true, withQueryParameters: true })), (given) => {
      if (!URL.canParse(given)) return;
      const once = canonicalUrl(given);
      assert.equal(canonicalUrl(once), once);
    }),
    { numRuns: 2_000 },
  );
});

test("a key differs by page, options and version, and not by spelling or order", () => {
  const base = { url: "https://example.com/a?b=1&a=2", options: { mode: "article", limit: 3 }, version: "1" };
  const key = cacheKey(base);
  assert.equal(
    cacheKey({
      ...base,
      url: "https://EXAMPLE.com/a?a=2&b=1#x",
      options: { limit: 3, mode: "article", html: undefined },
    }),
    key,
  );
  const others = [
    { ...base, url: "https://example.com/b" },
    { ...base, options: { mode: "full", limit: 3 } },
    { ...base, options: { mode: "article", limit: [3] } },
    { ...base, version: "2" },
  ].map(cacheKey);
  assert.equal(new Set([key, ...others]).size, 5);
  assert.equal(splitKey(key).url, "https://example.com/a?a=2&b=1");
});
