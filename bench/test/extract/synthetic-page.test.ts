import assert from "node:assert/strict";
import { test } from "node:test";
import { synthesizePage } from "../../extract/synthetic-page.ts";

const SIZES = [1_000, 10_000, 50_000, 100_000, 500_000];

test("a page has its size to within 2 %, and little of it is filler", () => {
  for (const kind of ["site", "prose"] as const) {
    for (const bytes of SIZES) {
      const { html } = synthesizePage({ bytes, kind });
      const size = new TextEncoder().encode(html).length;
      assert.ok(Math.abs(size - bytes) <= 0.02 * bytes, `${kind} ${bytes}: ${size}`);
      const filler = /<!--(\.*)-->/.exec(html)?.[1]?.length ?? 0;
      assert.ok(filler <= 300, `${kind} ${bytes}: ${filler} characters of filler`);
    }
  }
});

test("the same seed gives the same page, another seed another", () => {
  const options = { bytes: 20_000, kind: "site" } as const;
  assert.deepEqual(synthesizePage({ ...options, seed: 5 }), synthesizePage({ ...options, seed: 5 }));
  assert.notEqual(synthesizePage({ ...options, seed: 5 }).html, synthesizePage({ ...options, seed: 6 }).html);
});

test("what it says is the article stands in the article, line by line and whole", () => {
  const { html, mainText } = synthesizePage({ bytes: 60_000 });
  const article = /<article[^>]*>([\s\S]*)<\/article>/.exec(html)?.[1] ?? "";
  const letters = (text: string) =>
    text
      .replaceAll("&amp;", "&")
      .replace(/<[^>]*>/g, "")
      .replace(/\s+/g, "");
  assert.equal(letters(article), letters(mainText));
});

test("a site is made as real ones are: scripts two fifths, styles and drawings, and text a small part", () => {
  const { html, mainText } = synthesizePage({ bytes: 200_000 });
  const share = (pattern: RegExp) =>
    [...html.matchAll(pattern)].reduce((sum, [found]) => sum + found.length, 0) / html.length;
  const [scripts, styles, drawings] = [
    /<script[\s\S]*?<\/script>/g,
    /<style[\s\S]*?<\/style>/g,
    /<svg[\s\S]*?<\/svg>/g,
  ].map(share);
  assert.ok(Math.abs((scripts ?? 0) - 0.44) < 0.02, `scripts ${scripts}`);
  assert.ok(Math.abs((styles ?? 0) - 0.07) < 0.02, `styles ${styles}`);
  assert.ok(Math.abs((drawings ?? 0) - 0.05) < 0.02, `drawings ${drawings}`);
  assert.ok(mainText.length < 0.2 * html.length && mainText.length > 0.05 * html.length);
});

test("a size outside the limits is refused", () => {
  assert.throws(() => synthesizePage({ bytes: 999 }), { code: "invalid_argument", message: /999/ });
  assert.throws(() => synthesizePage({ bytes: 10_000_001 }), { code: "invalid_argument" });
});
