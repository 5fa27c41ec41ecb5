import assert from "node:assert/strict";
import { test } from "node:test";
import { assemblePdf } from "../src/pdf-document.ts";

const line = (text: string, size: number) => ({ text, size, left: 50, right: 400, bottom: 700 });
const body = Array.from({ length: 30 }, (_, n) =>
  line(`the miller sets the stones a little apart, line ${n} of the page`, 10),
);
const titleOf = (lines: readonly ReturnType<typeof line>[]) =>
  assemblePdf({ pages: [{ page: 1, lines }], outline: [], urls: [], title: "", author: "", subject: "", bytes: 1 })
    .title;

test("a manual page is called by its running title, not by its first heading", () => {
  assert.equal(titleOf([line("MILL(1) General Commands Manual MILL(1)", 10), line("NAME", 14), ...body]), "MILL(1)");
});

test("a title is what stands out, without its footnote mark; where nothing does, there is none", () => {
  assert.equal(titleOf([line("Dressing the stones*", 18), line("Contents", 24), ...body]), "Dressing the stones");
  assert.equal(titleOf(body), "");
  assert.equal(titleOf([line("The whole cover", 30), line("is set large", 30)]), "The whole cover");
});
