import assert from "node:assert/strict";
import { test } from "node:test";
import { hostWordOf, pageTitle, type TitleEvidence } from "../../src/metadata/page-title.ts";

const EVIDENCE: TitleEvidence = { title: "", social: "", headline: "", headings: [], siteName: "", hostWord: "" };

const TITLES: readonly (readonly [what: string, evidence: Partial<TitleEvidence>, want: string])[] = [
  [
    "the heading that the title repeats",
    { title: "Harbour opens again | Example News", headings: ["Harbour Opens Again"] },
    "Harbour Opens Again",
  ],
  [
    "no heading that names the book",
    { title: "Traits - The Rust Book", headings: ["The Rust Book"] },
    "Traits - The Rust Book",
  ],
  [
    "the heading of the page after that of the site",
    { title: "Harbour opens - Harbour Notes", social: "Harbour opens", headings: ["Harbour Notes", "Harbour opens"] },
    "Harbour opens",
  ],
  [
    "the heading that says nearly the same",
    { title: "The harbour opens in May", headings: ["Harbour opens again in May"] },
    "Harbour opens again in May",
  ],
  [
    "the title where the heading says something else",
    { social: "Boat insurance", headings: ["Get a quote and protect your trip"] },
    "Boat insurance",
  ],
  [
    "a title without the site's name at its end",
    { social: "Oars and sails – Example Shop", siteName: "Example Shop" },
    "Oars and sails",
  ],
  [
    "a title without the site's name at its front",
    { title: "Example Shop: oars", siteName: "Example Shop" },
    "Example Shop: oars",
  ],
  [
    "a title without the host's name",
    { title: "Oars and sails | boats.example", hostWord: "boatsexample" },
    "Oars and sails",
  ],
  ["the first part of a title in parts", { title: "Oars and sails | Boats | Sport" }, "Oars and sails"],
  ["a dash inside a short name", { title: "Wi-Fi – setup" }, "Wi-Fi – setup"],
  ["the headline when nothing else is there", { headline: "Harbour opens" }, "Harbour opens"],
  ["a heading when nothing else is there", { headings: ["", "Harbour opens ¶"] }, "Harbour opens"],
  ["nothing", {}, ""],
];

for (const [what, evidence, want] of TITLES) {
  test(`the title is ${what}`, () => {
    assert.equal(pageTitle({ ...EVIDENCE, ...evidence }).title, want);
  });
}

test("a title is cut at the limit of labels", () => {
  const { title } = pageTitle({ ...EVIDENCE, title: "harbour ".repeat(200) });
  assert.ok(title.length <= 300 && title.endsWith("…"));
});

test("the word of a host", () => {
  assert.equal(hostWordOf("https://www.bbc.co.uk/news"), "bbc");
  assert.equal(hostWordOf("https://docs.example.org/"), "example");
  assert.equal(hostWordOf("http://localhost:80/"), "localhost");
  assert.equal(hostWordOf(undefined), "");
});
