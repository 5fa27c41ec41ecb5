import assert from "node:assert/strict";
import { test } from "node:test";
import { keepCode, keepPlainPage, titleBefore } from "../../src/classify/kept-anyway.ts";
import { PageFacts } from "../../src/classify/page-facts.ts";
import { shippedModel } from "../../src/classify/shipped-model.ts";
import { readPage } from "../../src/page/read-page.ts";
import { tokenizeJs } from "../../src/tokenizer/tokenize-js.ts";

function chosen(html: string, scores: readonly number[], kept: readonly number[]) {
  const page = readPage(html, tokenizeJs(html));
  assert.equal(page.blocks.count, scores.length);
  const facts = new PageFacts();
  facts.read(page, shippedModel().lexicon, undefined);
  return { page, facts, scores: Float32Array.from(scores), keep: Uint8Array.from(kept) };
}

test("code beside kept text is kept, on either side of it; code beside other text is not", () => {
  const long = "A paragraph that is long enough to be text of its own.";
  const html = `<pre>zero</pre><p>a</p><pre>one</pre><span>js</span><pre>two</pre><p>${long}</p><pre>three</pre><p>${long}</p><pre>four</pre><p>b</p>`;
  const { page, keep, scores } = chosen(
    html,
    [0.3, 0.9, 0.3, 0.1, 0.3, 0.1, 0.3, 0.1, 0.01, 0.9],
    [0, 1, 0, 0, 0, 0, 0, 0, 0, 1],
  );
  keepCode(page, { keep, scores });
  // The fourth piece has dropped text on both sides, the last is too unlikely.
  assert.deepEqual([...keep], [1, 1, 1, 0, 1, 0, 0, 0, 0, 1]);
});

test("a small page is kept whole but for its furniture, a large one or one of links is not", () => {
  const html =
    "<nav>menu</nav><h1>Note</h1><p>short</p><p>unlikely</p><button>Send</button><div hidden>later</div><p><a href=x>more</a></p>";
  const scores = [0.2, 0.2, 0.2, 0.05, 0.2, 0.2, 0.2];
  const small = chosen(html, scores, [0, 0, 0, 0, 0, 0, 0]);
  keepPlainPage(small.page, small.facts, small);
  assert.deepEqual([...small.keep], [0, 1, 1, 0, 0, 0, 0]);
  const large = chosen(`${html}<p>${"many words ".repeat(200)}</p>`, [...scores, 0.9], [0, 0, 0, 0, 0, 0, 0, 1]);
  keepPlainPage(large.page, large.facts, large);
  assert.deepEqual([...large.keep], [0, 0, 0, 0, 0, 0, 0, 1]);
  const links = chosen("<p>word</p><p><a href=x>one link after another</a></p>", [0.2, 0.2], [0, 0]);
  keepPlainPage(links.page, links.facts, links);
  assert.deepEqual([...links.keep], [0, 0]);
});

test("the title's heading is told only where it stands before the text and is no part of it", () => {
  const scores = Float32Array.of(0.1, 0.9, 0.9);
  assert.equal(titleBefore(Uint8Array.of(0, 1, 1), scores, 0), 0);
  assert.equal(titleBefore(Uint8Array.of(1, 1, 1), scores, 0), -1);
  assert.equal(titleBefore(Uint8Array.of(0, 1, 0), scores, 2), -1);
  assert.equal(titleBefore(Uint8Array.of(0, 0, 0), scores, 0), -1);
  assert.equal(titleBefore(Uint8Array.of(0, 1, 1), Float32Array.of(0.001, 1, 1), 0), -1);
  assert.equal(titleBefore(Uint8Array.of(0, 1, 1), scores, -1), -1);
});
