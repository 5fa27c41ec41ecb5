import assert from "node:assert/strict";
import { test } from "node:test";
import { Classifier } from "../../src/classify/classifier.ts";
import { modelBase64 } from "../../src/classify/model.generated.ts";
import { loadModel } from "../../src/classify/model.ts";
import { shippedModel } from "../../src/classify/shipped-model.ts";
import { readPage } from "../../src/page/read-page.ts";
import { tokenizeJs } from "../../src/tokenizer/tokenize-js.ts";

test("the shipped model is at most 500 KB and whole: every child and column is there", () => {
  const bytes = Buffer.from(modelBase64, "base64");
  assert.ok(bytes.length <= 500_000, `${bytes.length} bytes`);
  const model = loadModel(bytes);
  for (const { trees, columns } of [
    { trees: model.first, columns: model.firstColumns },
    { trees: model.second, columns: model.secondColumns },
  ]) {
    assert.ok(trees.roots.length > 50);
    trees.roots.forEach((root, tree) => {
      const end = trees.roots[tree + 1] ?? trees.nodes.length;
      for (let at = root; at < end; at++) {
        const node = trees.nodes[at] ?? 0;
        if ((node & 0xffff) === 0xffff) continue;
        assert.ok((node & 0xffff) < columns);
        assert.ok(
          root + (node >>> 16) > at && root + (node >>> 16) + 1 < end,
          "children stand behind, in the same tree",
        );
      }
    });
  }
});

test("bytes that are no model, and a model of other features, are refused", () => {
  assert.throws(() => loadModel(new Uint8Array(1_000)), { code: "unreadable_document" });
  const html = "<p>Some text stands here.</p>";
  const page = readPage(html, tokenizeJs(html));
  const other = { ...shippedModel(), firstColumns: 3 };
  assert.throws(() => new Classifier().read(page, other, undefined), {
    code: "unreadable_document",
    message: /features/,
  });
});

test("a page is judged alike whatever was read before it", () => {
  const classifier = new Classifier();
  const read = (html: string) => {
    const { keep, scores, pageType } = classifier.read(
      readPage(html, tokenizeJs(html)),
      shippedModel(),
      "https://a.example/b",
    );
    return { keep: [...keep], scores: [...scores], pageType };
  };
  const small =
    "<nav><a href=/>Home</a></nav><main><h1>One</h1><p>A sentence of some length, with a comma in it.</p></main>";
  const large = `<div>${"<ul><li><a href=x>item</a> and words<li>more</ul><table><tr><td>c</table>".repeat(500)}</div>`;
  const before = read(small);
  read(large);
  read("");
  assert.deepEqual(read(small), before);
});
