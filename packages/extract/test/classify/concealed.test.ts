import assert from "node:assert/strict";
import { test } from "node:test";
import { dropConcealed, isConcealing } from "../../src/classify/concealed.ts";
import { ElementFacts } from "../../src/classify/element-facts.ts";
import { readPage } from "../../src/page/read-page.ts";
import { tokenizeJs } from "../../src/tokenizer/tokenize-js.ts";

const TEXT = "Stoneware, by hand. ".repeat(15);

function kept(html: string): number[] {
  const page = readPage(html, tokenizeJs(html));
  const facts = new ElementFacts();
  facts.read(page);
  const keep = new Uint8Array(page.blocks.count).fill(1);
  dropConcealed(page, facts, keep);
  return [...keep];
}

test("a class conceals when it is one of those that frameworks hide elements with", () => {
  for (const classes of ["hidden", "box hide", "d-none", "wt-display-none wt-popover", "aok-hidden", "a\n  is-hidden"])
    assert.equal(isConcealing(classes), true, classes);
});

test("a class that hides something else, or only on some screens, does not", () => {
  const shown = ["overflow-hidden", "hide-on-mobile", "hidden-xs", "pointer-events-none", "unhidden", "md:hidden"];
  const atSomeWidth = [
    "sm-hide",
    "xs-hidden",
    "lg-hidden",
    "hidden md:block",
    "d-none d-lg-flex",
    "hidden sm:inline-flex",
  ];
  const otherwise = [
    "not-hidden",
    "no-hide",
    "aria-hidden",
    "js-hide",
    "hidden xl:list-item",
    "hidden group-[.open]:block",
    "",
  ];
  for (const classes of [...shown, ...atSomeWidth, ...otherwise]) assert.equal(isConcealing(classes), false, classes);
});

test("what stands anywhere in a concealed element is dropped, what stands beside it is not", () => {
  const html = `<h1>Mug</h1><div class='overlay hidden'><form><p>Report it</p></form></div><p>${TEXT}</p><i class=hide>no box of its own</i>`;
  assert.deepEqual(kept(html), [1, 0, 1, 1]);
});

test("a page that is concealed as a whole until its scripts run is not dropped", () => {
  const html = `<div class="root hide"><h1>Mug</h1><p>${TEXT}</p><p class="hide">tip</p></div><p>end</p>`;
  assert.deepEqual(kept(html), [1, 1, 0, 1]);
});

test("a page whose parts all wait for its scripts is not dropped either", () => {
  const part = `<div class="invisible"><p>${TEXT}</p></div>`;
  assert.deepEqual(kept(`<h1>Mug</h1>${part}${part}`), [1, 1, 1]);
});
