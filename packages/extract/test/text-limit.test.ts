import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReadMode } from "../src/document.ts";
import { TEXT_CHARS_MAX } from "../src/limits.ts";
import { type ParseJob, parseSource } from "../src/parse-source.ts";

/** One block of a character more than a text may have. */
const LONG = "word "
  .repeat(Math.ceil(TEXT_CHARS_MAX / 5))
  .slice(0, TEXT_CHARS_MAX)
  .concat("s");
const EXACT = /one block of its text has 1677721\d characters; 16777216 is the limit of a document's text.*split it/;

type Type = ParseJob["contentType"];
const jobOf = (text: string, contentType: Type, mode?: ReadMode): ParseJob => ({
  ...{ source: "long", bytes: new TextEncoder().encode(text), contentType },
  ...(mode === undefined ? {} : { read: { mode } }),
});

test("a text that is one block longer than the limit is empty, and its reason names the length and the limit", () => {
  const sources: readonly (readonly [Type, string])[] = [
    ["text/plain", LONG],
    ["text/markdown", `<pre>${LONG}</pre>`],
    ["text/html", `<title>Long</title><body><p>${LONG}</p><p>More of it.</p></body>`],
  ];
  for (const [contentType, text] of sources) {
    const { text: read, reason, gate } = parseSource(jobOf(text, contentType, "full"));
    assert.equal(read, "", contentType);
    assert.match(reason ?? "", EXACT, contentType);
    assert.notEqual(gate?.decision, "dynamic");
  }
  const html = jobOf(`<body><p>${LONG}</p></body>`, "text/html");
  const chosen = parseSource({ ...html, read: { mode: "selectors", selectors: ["p"] } });
  assert.match(chosen.reason ?? "", EXACT);
});

test("such a text is not remembered as if it were empty, but refused as too large", () => {
  assert.throws(() => parseSource(jobOf(LONG, "text/plain")), { code: "too_large", message: EXACT });
});

test("a long text of several blocks is cut between them", () => {
  const { text, reason } = parseSource(jobOf(`First.\n\n${LONG}`, "text/plain", "full"));
  assert.deepEqual([text, reason], ["First.", undefined]);
});
