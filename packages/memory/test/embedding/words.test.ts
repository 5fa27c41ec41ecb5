import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { words } from "../../src/embedding/words.ts";

test("identifiers are taken apart at case, underscores, dots and digits", () => {
  assert.deepEqual(words("maxBytes_v2"), ["max", "bytes", "v", "2"]);
  assert.deepEqual(words("HTTPServer.listen(URLs)"), ["http", "server", "listen", "urls"]);
  assert.deepEqual(words("SQLITE_MAX_LENGTH"), ["sqlite", "max", "length"]);
  assert.deepEqual(words("sha512-abc"), ["sha", "512", "abc"]);
});

test("compatibility forms fold, other scripts stay whole", () => {
  assert.deepEqual(words("ﬁle ＡＢＣ"), ["file", "abc"]);
  assert.deepEqual(words("Größe naïve Привет"), ["größe", "naïve", "привет"]);
  assert.deepEqual(words("日本語 text"), ["日本語", "text"]);
  assert.deepEqual(words("… — !"), []);
});

test("every word is lower case, of letters and digits only, and found again in itself", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      for (const word of words(text)) {
        assert.equal(word, word.toLowerCase());
        assert.match(word, /^[\p{L}\p{M}\p{N}]+$/u);
      }
    }),
  );
});
