import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countWords, scoreWords, shareFound } from "../../extract/word-score.ts";

const score = (got: string, want: string) => scoreWords(countWords(got), countWords(want));
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} ${expected}`);

test("words are counted as often as they stand in both texts", () => {
  // got: the×3 cat sat = 5 words; want: the×2 cat ran away = 5 words; common: the×2 cat = 3.
  const { precision, recall, f1 } = score("The the THE cat sat", "the cat, the: ran away");
  near(precision, 3 / 5);
  near(recall, 3 / 5);
  near(f1, 3 / 5);
});

test("precision is over what was got, recall over what was wanted", () => {
  const { precision, recall, f1 } = score("a b c d", "a");
  near(precision, 1 / 4);
  near(recall, 1);
  near(f1, 2 / 5);
});

test("texts without a common word score 0, empty ones too", () => {
  const zero = { f1: 0, precision: 0, recall: 0 };
  assert.deepEqual(score("a b", "c"), zero);
  assert.deepEqual(score("", "c"), zero);
  assert.deepEqual(score("a", ""), zero);
  assert.deepEqual(score("", ""), zero);
});

test("a word is what Python's \\w+ finds: letters and digits of every script and _, but no marks and no apostrophes", () => {
  const words = (text: string) => Object.fromEntries(countWords(text).counts);
  assert.deepEqual(words("don't snake_case x²"), { don: 1, t: 1, snake_case: 1, "x²": 1 });
  assert.deepEqual(words("Straße Ёлка 東京 ١٢"), { straße: 1, ёлка: 1, 東京: 1, "١٢": 1 });
  // The vowel sign of हिन्दी is a mark: Python's re.findall(r"\w+", "हिन्दी") gives ["ह", "न", "द"].
  assert.deepEqual(words("हिन्दी"), { ह: 1, न: 1, द: 1 });
  assert.equal(countWords("constructor toString __proto__").total, 3);
});

test("F1 is symmetric, 1 for equal texts, and never above the better of precision and recall", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c", "dd", "e1"), { maxLength: 30 }).map((words) => words.join(" "));
  fc.assert(
    fc.property(text, text, (one, other) => {
      const there = score(one, other);
      const back = score(other, one);
      near(there.f1, back.f1);
      near(there.precision, back.recall);
      assert.ok(there.f1 <= Math.max(there.precision, there.recall) + 1e-12);
      if (one !== "") near(score(one, one).f1, 1);
    }),
  );
});

test("snippets are found letter by letter but for case, and none is no share", () => {
  assert.equal(shareFound("Read MORE about\nmills", ["more about", "Mills", "about mills", "wheel"]), 2 / 4);
  assert.equal(shareFound("anything", []), undefined);
});
