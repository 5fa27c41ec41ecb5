import assert from "node:assert/strict";
import { test } from "node:test";
import { authorNames, bylineText, looksLikeName } from "../../src/metadata/author-names.ts";
import { assertLinear } from "../assert-linear.ts";

const BYLINES: readonly (readonly [byline: string, names: readonly string[]])[] = [
  ["By Ann Lee", ["Ann Lee"]],
  ["Written by: Ann Lee and Bo Ek", ["Ann Lee", "Bo Ek"]],
  ["Ann Lee, Bo Ek & Cy Oz", ["Ann Lee", "Bo Ek", "Cy Oz"]],
  ["Von Anna Müller und Bernd Groß", ["Anna Müller", "Bernd Groß"]],
  ["Par Élodie Noël", ["Élodie Noël"]],
  ["Ann Lee, MD", ["Ann Lee, MD"]],
  ["Ann Lee, M.D., Ph.D., and Bo Ek, RN", ["Ann Lee, M.D., Ph.D.", "Bo Ek, RN"]],
  ["Ann Lee, Senior Editor", ["Ann Lee"]],
  ["By Ann Lee | Nov 3, 2025", ["Ann Lee"]],
  ["Ann Lee on 3 November 2025", ["Ann Lee"]],
  ["Ann Lee (Example News)", ["Ann Lee"]],
  ["ann.lee@example.org Ann Lee", ["Ann Lee"]],
  ["Ann Lee @annlee", ["Ann Lee"]],
  ["https://www.facebook.com/annlee", []],
  ["page.head.extra.author", []],
  ["admin", []],
  ["Staff", []],
  ["Example News", []],
  ["Ann Lee, Ann Lee", ["Ann Lee"]],
  ["", []],
];

for (const [byline, names] of BYLINES) {
  test(`names in ${JSON.stringify(byline)}`, () => {
    assert.deepEqual(authorNames(byline, "Example News"), names);
  });
}

test("a byline stays as the site wrote it when only names stand in it", () => {
  assert.equal(bylineText("By Ann Lee and Bo Ek", ["Ann Lee", "Bo Ek"]), "Ann Lee and Bo Ek");
  assert.equal(bylineText("Ann Lee, Senior Editor", ["Ann Lee"]), "Ann Lee");
});

test("buttons and sentences do not look like names", () => {
  for (const text of ["Sign in", "Read more", "Personal finance", "4 min read", "the quick brown fox"]) {
    assert.equal(looksLikeName(text), false, text);
  }
  for (const text of ["Ann Lee", "Ludwig van der Berg", "harbour_fan_77", "山田太郎"])
    assert.equal(looksLikeName(text), true, text);
});

test("the time for a byline grows with its length only", () => {
  assertLinear("by", 100_000, (count) => () => authorNames(`${"by ".repeat(count)}Ann Lee`));
  assertLinear("blanks", 200_000, (count) => () => authorNames(`${" ".repeat(count)}|`));
  assertLinear("commas", 100_000, (count) => () => authorNames("a, ".repeat(count)));
});
