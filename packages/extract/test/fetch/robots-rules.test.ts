import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseRobots, productToken } from "../../src/fetch/robots-rules.ts";
import { CRAWL_DELAY_MS_MAX, ROBOTS_BYTES_MAX } from "../../src/limits.ts";

const rules = (text: string, product = "FooBot") => parseRobots(new TextEncoder().encode(text), product);
const allows = (text: string, path: string, product?: string) =>
  rules(text, product).allows(new URL(path, "http://foo.bar"));

type Case = readonly [path: string, isAllowed: boolean];

function check(text: string, cases: readonly Case[], product?: string): void {
  for (const [path, isAllowed] of cases) assert.equal(allows(text, path, product), isAllowed, `${path} under\n${text}`);
}

test("RFC 9309, 5.1: groups are chosen by product token, whatever its case, else the star's", () => {
  const text = `User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
`;
  check(
    text,
    [
      ["/", false],
      ["/example/page.html", true],
      ["/example/allowed.gif", true],
      ["/x", false],
    ],
    "FooBot",
  );
  for (const product of ["BarBot", "BAZBOT"])
    check(
      text,
      [
        ["/example/page.html", false],
        ["/example/", true],
        ["/x.gif", true],
      ],
      product,
    );
  check(
    text,
    [
      ["/example/", true],
      ["/x.gif", true],
    ],
    "quxbot",
  );
  check(
    text,
    [
      ["/example/", false],
      ["/x.gif", false],
      ["/x.gif?a", true],
      ["/publications/", true],
    ],
    "other",
  );
});

test("RFC 9309, 5.2: the longest match decides; of two as long Allow", () => {
  check("User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif", [
    ["/example/page/disallowed.gif", false],
    ["/example/page/", true],
  ]);
  check("user-agent: FooBot\ndisallow: /x/page.html\nallow: /x/", [
    ["/x/page.html", false],
    ["/x/", true],
  ]);
  check("user-agent: FooBot\ndisallow: /folder\nallow: /folder", [["/folder/page", true]]);
  check("user-agent: FooBot\nallow: /p\ndisallow: /", [
    ["/page", true],
    ["/x", false],
  ]);
  check("user-agent: FooBot\nallow: /page\ndisallow: /*.htm", [
    ["/page.htm", false],
    ["/page", true],
  ]);
  check("user-agent: FooBot\nallow: /$\ndisallow: /", [
    ["/", true],
    ["/page.htm", false],
  ]);
});

test("RFC 9309, 2.2.2: paths are compared in one spelling", () => {
  const path = "/foo/bar?baz=http://foo.bar";
  for (const rule of ["/foo/bar?baz=http://foo.bar", "/foo/bar?baz=http%3A%2F%2Ffoo.bar"])
    check(`user-agent: *\ndisallow: /\nallow: ${rule}`, [
      [path, true],
      ["/foo/bar?baz=http%3a%2f%2ffoo.bar", true],
    ]);
  for (const rule of ["/foo/bar/ツ", "/foo/bar/%E3%83%84", "/foo/bar/%e3%83%84"])
    check(`user-agent: *\ndisallow: /\nallow: ${rule}`, [
      ["/foo/bar/%E3%83%84", true],
      ["/foo/bar/ツ", true],
    ]);
  for (const rule of ["/foo/bar/%62%61%7A", "/foo/bar/baz"])
    check(`user-agent: *\ndisallow: /\nallow: ${rule}`, [
      ["/foo/bar/baz", true],
      ["/foo/bar/%62%61%7a", true],
    ]);
  // An escaped slash is no slash.
  check("user-agent: *\ndisallow: /a%2fb", [
    ["/a%2Fb", false],
    ["/a/b", true],
  ]);
  check("user-agent: *\ndisallow: /{id}|x", [["/%7Bid%7D|x", false]]);
});

test("RFC 9309, 2.2.3: special characters, and the same ones escaped", () => {
  check("user-agent: *\ndisallow: /*.gif$", [
    ["/a/b.gif", false],
    ["/b.gif?x", true],
    ["/b.GIF", true],
  ]);
  check("user-agent: *\ndisallow: /path/file-with-a-%2A.html", [
    ["/path/file-with-a-*.html", false],
    ["/path/file-with-a-b.html", true],
  ]);
  check("user-agent: *\ndisallow: /path/foo-%24", [
    ["/path/foo-$", false],
    ["/path/foo-$x", false],
    ["/path/foo-", true],
  ]);
  check("user-agent: *\ndisallow: /a$b", [
    ["/a$b", false],
    ["/a", true],
  ]);
  check("user-agent: *\ndisallow: /a # /b", [
    ["/a", false],
    ["/b", true],
  ]);
});

test("wildcards match as Google documents them", () => {
  const matrix: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["/", ["/", "/any"], []],
    ["/*", ["/", "/any"], []],
    ["/$", ["/"], ["/any"]],
    [
      "/fish",
      ["/fish", "/fish.html", "/fish/salmon.html", "/fishheads", "/fish.php?id=a"],
      ["/Fish.asp", "/catfish", "/?id=fish"],
    ],
    ["/fish*", ["/fish", "/fishheads/yummy.html"], ["/Fish.asp", "/catfish"]],
    ["/fish/", ["/fish/", "/fish/?id=a", "/fish/salmon.htm"], ["/fish", "/fish.html", "/animals/fish/"]],
    [
      "/*.php",
      ["/index.php", "/folder/filename.php?p", "/folder/any.php.file.html", "/filename.php/"],
      ["/", "/windows.PHP"],
    ],
    ["/*.php$", ["/filename.php", "/folder/filename.php"], ["/filename.php?p", "/filename.php/", "/filename.php5"]],
    ["/fish*.php", ["/fish.php", "/fishheads/catfish.php?p"], ["/Fish.PHP"]],
    ["fish", ["/fish"], ["/cat/fish"]],
    ["*fish", ["/fish", "/cat/fish"], ["/cat"]],
    ["/a*a$", ["/aa", "/aba", "/abaXa"], ["/a", "/ab"]],
    ["/***x", ["/x", "/yx"], ["/y"]],
  ];
  for (const [pattern, matched, others] of matrix) {
    const text = `user-agent: *\ndisallow: ${pattern}`;
    check(text, [...matched.map((path): Case => [path, false]), ...others.map((path): Case => [path, true])]);
  }
});

test("lines are taken as they are meant", () => {
  for (const text of [
    "user-agent: FooBot\rdisallow: /\r",
    "user-agent: FooBot\r\ndisallow: /\r\n",
    "\ufeffuser-agent: FooBot\ndisallow: /",
    "user-agent FooBot\ndisallow /",
    "useragent: FooBot\ndisalow: /",
    "User agent : FooBot\nDissallow :/",
    "USER-AGENT: FOOBOT\nDISALLOW: /",
    "user-agent: FooBot/2.1 (+http://x)\ndisallow: /",
    "user-agent: *\n\n\nsitemap: http://x/s.xml\nnoindex: /y\ndisallow: /",
  ])
    assert.equal(allows(text, "/x"), false, JSON.stringify(text));
  for (const text of [
    "",
    "disallow: /",
    "user-agent: *\ndisallow:",
    "user-agent: Foo\ndisallow: /",
    "user-agent: FooBotOther\ndisallow: /",
    "user-agent: *FooBot\ndisallow: /",
    "foo: FooBot\nbar: /",
    "<!doctype html><title>Not found</title><p>user-agent: none",
  ])
    assert.equal(allows(text, "/x"), true, JSON.stringify(text));
});

test("groups of one crawler are one, wherever they stand; agents in a row share their rules", () => {
  check("user-agent: FooBot\ndisallow: /a\n\nuser-agent: x\ndisallow: /\n\nuser-agent: foobot\ndisallow: /b", [
    ["/a", false],
    ["/b", false],
    ["/c", true],
  ]);
  check("user-agent: x\nuser-agent: FooBot\nsitemap: http://y/\nuser-agent: z\ndisallow: /a", [["/a", false]]);
  check("user-agent: *\nuser-agent: FooBot\ndisallow: /a\nuser-agent: *\ndisallow: /b", [
    ["/a", false],
    ["/b", true],
  ]);
});

test("robots.txt itself may always be read", () => {
  assert.equal(allows("user-agent: *\ndisallow: /", "/robots.txt"), true);
});

test("a crawl delay holds for the agents named before it, in seconds, and is bounded", () => {
  const delay = (text: string, product?: string) => rules(text, product).crawlDelayMs;
  assert.equal(delay("user-agent: *\ncrawl-delay: 2.5\ndisallow: /x"), 2_500);
  assert.equal(delay("user-agent: a\ncrawl-delay: 9\nuser-agent: FooBot\ndisallow: /x"), undefined);
  assert.equal(delay("user-agent: a\ncrawl-delay: 9\nuser-agent: FooBot\ndisallow: /x", "a"), 9_000);
  assert.equal(delay("user-agent: *\ncrawl-delay: 86400"), CRAWL_DELAY_MS_MAX);
  for (const value of ["-1", "0", "", "soon", "1e9", "NaN"])
    assert.equal(delay(`user-agent: *\ncrawl-delay: ${value}`), undefined, value);
});

test("sitemaps are listed whoever they stand with", () => {
  const { sitemaps } = rules(
    "sitemap: http://foo.bar/1.xml\nuser-agent: x\ndisallow: /\nSitemap: http://foo.bar/2.xml",
  );
  assert.deepEqual(sitemaps, ["http://foo.bar/1.xml", "http://foo.bar/2.xml"]);
});

test("what lies beyond 500 KiB does not count, and no half of a line does", () => {
  const filler = `#${"x".repeat(98)}\n`.repeat(ROBOTS_BYTES_MAX / 100);
  const head = "user-agent: *\n";
  const cut = `${head}${filler}`.slice(0, ROBOTS_BYTES_MAX - 12);
  check(`${cut}\ndisallow: /secret/place`, [
    ["/s", true],
    ["/secret/place", true],
  ]);
  check(`${head}disallow: /early\n${filler}${filler}`, [["/early", false]]);
});

test("the product token is what stands before the slash", () => {
  assert.equal(productToken("Millrace/0.1 (+https://example.org)"), "Millrace");
  assert.equal(productToken("my-bot_2"), "my-bot_2");
});

test("a pattern matches as the regular expression it stands for", () => {
  const piece = fc.constantFrom("a", "b", "/", "*", "ab", ".");
  const path = fc.array(fc.constantFrom("a", "b", "/", "ab", "."), { maxLength: 8 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.boolean(), path, (pieces, isEnd, tail) => {
      const pattern = `/${pieces.join("")}`;
      const source = pattern.replace(/[./]/g, "\\$&").replace(/\*/g, ".*");
      // WHATWG addresses resolve dot segments; the rules see what is left.
      const { pathname } = new URL(`http://foo.bar/${tail.replaceAll(/\/+/g, "/").replace(/^\//, "")}`);
      const isMatch = new RegExp(`^${source}${isEnd ? "$" : ""}`).test(pathname);
      assert.equal(allows(`user-agent: *\ndisallow: ${pattern}${isEnd ? "$" : ""}`, pathname), !isMatch);
    }),
    { numRuns: 500 },
  );
});

test("no text makes the parser throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.webUrl({ withQueryParameters: true }), (bytes, url) => {
      assert.equal(typeof parseRobots(bytes, "FooBot").allows(new URL(url)), "boolean");
    }),
    { numRuns: 30 },
  );
});

test("runs of characters beyond ASCII and of those that need an escape are matched however they are written", () => {
  check("User-agent: *\nDisallow: /漢字 {a}?q={%7b😀\nDisallow: /%e6%BC%a2%41", [
    ["/%E6%BC%A2%E5%AD%97%20%7Ba%7D?q=%7B%7B%F0%9F%98%80", false],
    ["/漢字 {a}?q={{😀", false],
    ["/漢字 {a}?q={", true],
    ["/漢A", false],
    ["/漢B", true],
  ]);
});
