import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePlainText } from "../src/text-document.ts";
import { fixture } from "./fixture.ts";

test("plain text has paragraphs, underlined headings and indented examples", () => {
  const { text, headings, code, title } = parsePlainText({
    text: new TextDecoder().decode(fixture("notes.txt")),
    bytes: 1,
  });
  assert.equal(title, "Field notes");
  assert.deepEqual(
    headings.map(({ level, text: name }) => [level, name]),
    [
      [1, "Field notes"],
      [2, "Weather"],
    ],
  );
  assert.ok(text.includes("stood in the shallows\nuntil the mist had gone."));
  assert.equal(text.slice(code?.[0]?.start, code?.[0]?.end), "    temp   wind\n    3.5    2");
});

test("an overlined heading is one heading, and a rule between paragraphs is none", () => {
  const { headings } = parsePlainText({ text: "=====\nTitle\n=====\n\nText here\n\n-----\n\nmore text", bytes: 1 });
  assert.deepEqual(
    headings.map((heading) => heading.text),
    ["Title"],
  );
});
