import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeText } from "../src/decode-text.ts";
import { parseHtml } from "../src/html-document.ts";
import { fixture } from "./fixture.ts";

const URL_BASE = "https://docs.example/guide/pressure.html";

function read(name: string) {
  const bytes = fixture(name);
  return parseHtml({ html: decodeText(bytes, { isHtml: true }), url: URL_BASE, bytes: bytes.length });
}

test("a documentation page keeps its text and loses sidebar, breadcrumbs, pager, contents and footer", () => {
  const { text } = read("docs-page.html");
  for (const kept of ["water piles up behind the sluice", "Every sluice has two limits", "A limit of zero is refused"])
    assert.ok(text.includes(kept), kept);
  const gone = [
    "Skip to",
    "Search the docs",
    "Full API listing",
    "The guide",
    "Previous",
    "Next:",
    "On this page",
    "Privacy",
    "analytics",
    "color:red",
    "¶",
  ];
  for (const furniture of gone) assert.ok(!text.includes(furniture), furniture);
});

test("lists, tables and code keep their shape", () => {
  const { text, code } = read("docs-page.html");
  assert.ok(
    text.includes(
      "- A low limit keeps latency down.\n- A high limit absorbs bursts:\n  - short ones in memory,\n  - long ones on disk.",
    ),
  );
  assert.ok(text.includes("Option | Default\nlitres | 40\nseconds | 2"));
  const source = "const sluice = open({\n  litres: 40,\n\n  seconds: 2,\n});";
  assert.equal(code?.length, 1);
  assert.equal(text.slice(code?.[0]?.start, code?.[0]?.end), source);
});

test("headings stand where their offsets say", () => {
  const { text, headings } = read("docs-page.html");
  assert.deepEqual(
    headings.map(({ level, text: title }) => [level, title]),
    [
      [1, "Back pressure"],
      [2, "Limits"],
      [3, "Defaults"],
    ],
  );
  for (const heading of headings)
    assert.equal(text.slice(heading.start, heading.start + heading.text.length), heading.text);
});

test("title, language, description, site and absolute links come from the page", () => {
  const document = read("docs-page.html");
  assert.equal(document.title, "Back pressure");
  assert.equal(document.language, "en");
  assert.equal(document.description, "How Riverbed slows a producer down.");
  assert.equal(document.siteName, "Riverbed");
  assert.deepEqual(document.links, [
    { url: "https://docs.example/guide/sluice.html#sizes", text: "the sizes of sluices" },
  ]);
});

test("an article loses share bars, sign-ups, related stories and the cookie notice", () => {
  const { text, title, byline } = read("article.html");
  for (const kept of ["walked the quay at dusk", "It was never about the light", "The council voted nine to two"])
    assert.ok(text.includes(kept), kept);
  for (const gone of ["Chirper", "Ferry bell rings", "cookies", "Weather"]) assert.ok(!text.includes(gone), gone);
  assert.equal(title, "The last lamplighter");
  assert.equal(byline, "Ines Moreau");
});

test("a forum page keeps every post", () => {
  const { text } = read("forum.html");
  for (const kept of ["knocks twice when it starts", "Most likely water hammer", "with a bicycle pump"])
    assert.ok(text.includes(kept), kept);
  for (const gone of ["Forum index", "Rules of the forum"]) assert.ok(!text.includes(gone), gone);
});

test("an old manual without any structure is read, nested tables and all", () => {
  const { text } = read("bare-manual.html");
  for (const kept of ["lift the hopper and pour slowly.", "The stones must not touch.", "the stones strike sparks"])
    assert.ok(text.includes(kept), kept);
  assert.ok(text.includes("gnumill --grade=3 \\\n        --gap 0.4mm"));
  assert.ok(!text.includes("Prev"));
});

test("malformed markup loses no text", () => {
  const { text, title } = read("malformed.html");
  assert.equal(title, "Unclosed");
  assert.ok(
    text.includes(
      "First paragraph that nobody closed, with bold and italic text crossing over each other in the middle",
    ),
  );
  assert.ok(text.includes("Second & third — entities &nosuch; stay, a < b is text and a stray mark"));
  assert.ok(text.includes("left cell | right cell\nbelow left | below right"));
  assert.ok(text.includes("- the first item of a list\n- two unclosed link"));
});

test("pages in other scripts and directions are read, and their language told", () => {
  const japanese = read("japanese.html");
  assert.ok(japanese.text.includes("水車は止まってしまいました。"));
  assert.ok(!japanese.text.includes("ホーム"));
  assert.equal(japanese.language, "ja");
  const arabic = read("arabic.html");
  assert.ok(arabic.text.includes("كانت الطاحونة القديمة تقف على ضفة النهر"));
  assert.ok(!arabic.text.includes("اتصل بنا"));
  assert.equal(arabic.language, "ar");
});

test("text only shown without scripts is used when there is nothing else", () => {
  const { text } = parseHtml({
    html: "<body><div id=app></div><noscript><p>The whole thread stands in here, for readers that run no scripts at all.</p></noscript>",
    bytes: 1,
  });
  assert.ok(text.includes("The whole thread stands in here"));
});

test("markup of any depth is read", () => {
  const depth = 50_000;
  const { text } = parseHtml({ html: `${"<div>".repeat(depth)}deep down${"</div>".repeat(depth)}`, bytes: 1 });
  assert.equal(text, "deep down");
});

test("any tangle of tags is read without an exception, and its headings stand where they say", () => {
  const part = fc.oneof(
    fc.constantFrom(
      "<p>",
      "</p>",
      "<div class=nav>",
      "</div>",
      "<table><tr><td>",
      "</td>",
      "</tr></table>",
      "<h2>",
      "</h2>",
      "<pre>",
      "</pre>",
      "<a href=x>",
      "</a>",
      "<li>",
      "<ul>",
      "<br>",
      "<script>",
      "</script>",
      "<![CDATA[",
      "<!--",
    ),
    fc.string({ maxLength: 30 }),
    fc.constant("Some words that make a sentence long enough to be counted as prose by the rules. "),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
      const { text, headings } = parseHtml({ html: parts.join(""), bytes: 1 });
      for (const heading of headings)
        assert.equal(text.slice(heading.start, heading.start + heading.text.length), heading.text);
    }),
    { numRuns: 500 },
  );
});
