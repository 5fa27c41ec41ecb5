import assert from "node:assert/strict";
import { test } from "node:test";
import { assembleHtml } from "./assemble-html.ts";

function imagesOf(inside: string): string[] {
  return assembleHtml(`<p>before</p>${inside}<p>after</p>`).media.map((one) => one.url);
}

test("an image is found where pages hide it, and stand-ins are not taken for it", () => {
  const at = "https://site.example/a.jpg";
  assert.deepEqual(imagesOf('<img src="/a.jpg" alt="a">'), [at]);
  assert.deepEqual(imagesOf('<img src="data:image/gif;base64,R0" data-src="/a.jpg">'), [at]);
  assert.deepEqual(imagesOf('<img src="/img/placeholder.png" srcset="/a.jpg 1x, /b.jpg 2x">'), [at]);
  assert.deepEqual(imagesOf('<picture><source srcset="/a.jpg 800w"><img alt="a"></picture>'), [at]);
  assert.deepEqual(imagesOf('<img src="/spacer.gif" data-lazy-src="/a.jpg">'), [at]);
  assert.deepEqual(imagesOf('<img src="data:,"><noscript><img src="/a.jpg"></noscript>'), [at]);
  assert.deepEqual(imagesOf('<img src="/a.jpg"><noscript><img src="/b.jpg"></noscript>'), [at]);
});

test("trackers, icons and scripts' addresses are no images", () => {
  assert.deepEqual(imagesOf('<img src="/p.jpg" width="1" height=1>'), []);
  assert.deepEqual(imagesOf('<img src="/i.png" width="16" height="16">'), []);
  assert.deepEqual(imagesOf('<img src="https://stats.wp.com/g.gif">'), []);
  assert.deepEqual(imagesOf('<img src="javascript:alert(1)"><img src="">'), []);
  assert.deepEqual(imagesOf('<img src="/wide.jpg" width="100%" height="1080">'), ["https://site.example/wide.jpg"]);
});

test("Markdown shows images with words, beside or inside of text", () => {
  const { markdown, text } = assembleHtml(
    '<p>a <img src="/i.jpg" alt="An [odd] *image*"> b</p><p><img src="/j.jpg" alt=""></p><p>c</p>',
  );
  assert.equal(markdown, "a ![An \\[odd\\] \\*image\\*](https://site.example/i.jpg) b\n\nc");
  assert.equal(text, "a b\n\nc");
});

test("an image in a list item stands in the item", () => {
  const { markdown } = assembleHtml('<ul><li>a<li><img src="/i.jpg" alt="i"><p>b</p></ul>');
  assert.equal(markdown, "- a\n- ![i](https://site.example/i.jpg)\n\n  b");
});

test("images beside dropped text are dropped with it", () => {
  const shown = (html: string) => assembleHtml(html).media.map((one) => one.url.slice(-5));
  const inside = '<p>a</p><aside><img src="/1.jpg"><p data-drop>x</p><img src="/2.jpg"></aside><p>b</p>';
  assert.deepEqual(shown(inside), []);
  const apart =
    '<p data-drop>x</p><figure><img src="/1.jpg"></figure><p>a</p><figure><img src="/2.jpg"></figure><p data-drop>y</p>';
  assert.deepEqual(shown(apart), ["1.jpg", "2.jpg"]);
  assert.deepEqual(shown('<article><p>a</p></article><div><img src="/1.jpg"></div><p data-drop>x</p>'), []);
});

test("videos and sounds are listed", () => {
  const { media } = assembleHtml(
    '<p>a</p><video src="/v.mp4"></video><audio><source src="/s.ogg"></audio><iframe src="https://www.youtube.com/embed/x"></iframe><iframe src="https://ads.example/"></iframe><p>b</p>',
  );
  assert.deepEqual(media, [
    { url: "https://site.example/v.mp4", kind: "video" },
    { url: "https://site.example/s.ogg", kind: "audio" },
    { url: "https://www.youtube.com/embed/x", kind: "video" },
  ]);
});
