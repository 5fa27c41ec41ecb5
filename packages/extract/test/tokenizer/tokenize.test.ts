import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { KERNEL_UNITS_MAX, KERNEL_UNITS_MIN, tokenize } from "../../src/tokenizer/tokenize.ts";
import { tokenizeJs } from "../../src/tokenizer/tokenize-js.ts";
import { isKernelSupported, KEPT_BYTES_MAX, kernelBytes, tokenizeWasm } from "../../src/tokenizer/tokenize-wasm.ts";
import { ATTRIBUTES, attributeId, TAGS, TOKEN_WORDS, TokenFlag, TokenKind, tagId } from "../../src/tokenizer/tokens.ts";
import { foreignHtml, nastyHtml, unitSoup } from "./nasty-html.ts";
import { isSame, linesOfParse5, linesOfTokens, wordsOf } from "./token-text.ts";

const RUNS = { numRuns: 1_000 };
const RANDOM_PAGES = { nastyHtml, unitSoup, foreignHtml };
const FIXTURES = join(import.meta.dirname, "../fixtures");

function readFixtures(): string[] {
  const names = readdirSync(FIXTURES).filter((name) => name.endsWith(".html"));
  assert.ok(names.length >= 5);
  return names.map((name) => readFileSync(join(FIXTURES, name), "utf8"));
}

/** Both readings, which must be the same. */
function wordsOfBoth(html: string): Int32Array {
  const words = wordsOf(tokenizeJs(html));
  assert.ok(
    isSame(words, wordsOf(tokenizeWasm(html))),
    `kernel and twin differ: ${JSON.stringify(html.slice(0, 2_000))}`,
  );
  return words;
}

describe("tokens", () => {
  it("come with the page's units, surrogates that stand alone included", () => {
    for (const html of ["", "<p>é字\ud83d\ude00", "\ude00<b>\ud83d", `<p>${"字".repeat(300)}`]) {
      const expected = Array.from({ length: html.length }, (_, at) => html.charCodeAt(at));
      for (const read of [tokenizeJs, tokenizeWasm, tokenize])
        assert.deepEqual([...read(html).units.subarray(0, html.length)], expected);
    }
  });

  it("are numbers as the contract lays them out", () => {
    const html = '<p class=a CLASS="b" ID>x &amp;</p> <br/><title>&</TITLE >';
    const word = (kind: number, flags = 0, id = 0) => kind | flags | (id << 8);
    const { open, close, attribute, text, raw } = TokenKind;
    const expected = [
      ...[word(open, 0, tagId("p")), 0, 24, 2],
      ...[word(attribute, 0, attributeId("class")), 9, 10, 0],
      ...[word(attribute, 0, attributeId("id")), 23, 23, 0],
      ...[word(text, TokenFlag.entity), 24, 31, 0],
      ...[word(close, 0, tagId("p")), 31, 35, 0],
      ...[word(text, TokenFlag.blank), 35, 36, 0],
      ...[word(open, TokenFlag.selfClosing, tagId("br")), 36, 41, 0],
      ...[word(open, 0, tagId("title")), 41, 48, 0],
      ...[word(raw, TokenFlag.entity, tagId("title")), 48, 49, 0],
      ...[word(close, 0, tagId("title")), 49, 58, 0],
    ];
    assert.deepEqual([...wordsOfBoth(html)], expected);
  });

  it("know every name in any case, and none that is only like one", () => {
    for (const [names, kind, toHtml] of [
      [TAGS, TokenKind.close, (name: string) => `</${name}>`],
      [ATTRIBUTES, TokenKind.attribute, (name: string) => `<p ${name}>`],
    ] as const) {
      for (const [at, name] of names.entries()) {
        const ids = (html: string) => {
          const words = wordsOfBoth(html);
          const last = words[words.length - TOKEN_WORDS] ?? 0;
          return (last & 15) === kind ? last >> 8 : 0;
        };
        assert.equal(ids(toHtml(name)), at + 1, name);
        assert.equal(ids(toHtml(name.toUpperCase())), at + 1, name);
        for (const other of [`${name}q`, `${name.slice(0, -1)}\u0130`, `${name}\0`]) {
          assert.notEqual(ids(toHtml(other)), at + 1, other);
        }
      }
    }
    // What the ids are packed into: bytes of the tables, bits of the seen attributes, rows of names.
    assert.ok(TAGS.length < 256 && ATTRIBUTES.length < 64);
    assert.ok([...TAGS, ...ATTRIBUTES].every((name) => name.length <= 16));
  });

  it("hold the first of an attribute's values only", () => {
    for (const name of ATTRIBUTES) {
      const html = `<p ${name}=1 x ${name.toUpperCase()}=2 ${name}>`;
      const at = html.indexOf("1");
      const expected = [TokenKind.attribute | (attributeId(name) << 8), at, at + 1, 0];
      assert.deepEqual([...wordsOfBoth(html).slice(TOKEN_WORDS)], expected);
    }
  });

  it("take CDATA as text directly in an integration point too, as the standard says (13.2.5.42)", () => {
    const html = "<svg><foreignObject><![CDATA[a>b]]><p><![CDATA[a>b]]></foreignObject></svg>";
    const words = wordsOfBoth(html);
    const texts = [];
    for (let at = 0; at < words.length; at += TOKEN_WORDS) {
      if (((words[at] ?? 0) & 15) === TokenKind.text) texts.push(html.slice(words[at + 1], words[at + 2]));
    }
    assert.deepEqual(texts, ["a>b", "b]]>"]);
  });

  it("find their way out of drawings that are nested deeper than is kept", () => {
    const html = `<svg>${"<g>".repeat(500)}<style><i></style>${"</g>".repeat(500)}</svg><style><i></style>`;
    const words = wordsOfBoth(html);
    const raws = words.filter((word, at) => at % TOKEN_WORDS === 0 && (word & 15) === TokenKind.raw);
    assert.equal(raws.length, 1);
  });

  for (const [name, pages] of Object.entries(RANDOM_PAGES)) {
    it(`are parse5's, with tags, values, text and places (${name})`, () => {
      const property = fc.property(pages, (html) => {
        assert.deepEqual(linesOfTokens(html, tokenizeJs(html)), linesOfParse5(html));
      });
      fc.assert(property, RUNS);
    });
  }

  it("are parse5's on the fixtures", () => {
    for (const html of readFixtures()) assert.deepEqual(linesOfTokens(html, tokenizeJs(html)), linesOfParse5(html));
  });

  it("take linear time on pages that are made to take more", () => {
    const million = 1_000_000;
    const pages = [
      `<script>${"<!---->".repeat(million)}`,
      `<script><!--${"<script></script>".repeat(million / 4)}`,
      "<script><!--x--></script>".repeat(million / 6),
      "<!--!>".repeat(million),
      `<a${" b='".repeat(million)}`,
      `<title>${"</title".repeat(million / 2)}`,
      `<svg><![CDATA[${"]]".repeat(million)}`,
      "&<p id=&>".repeat(million / 2),
    ];
    // Quadratic ones, of 4 MB each, would take minutes.
    for (const html of pages) wordsOfBoth(html);
  });
});

describe("the kernel", () => {
  for (const [name, pages] of Object.entries(RANDOM_PAGES)) {
    it(`gives the numbers of its twin (${name})`, () => {
      fc.assert(
        fc.property(pages, (html) => {
          wordsOfBoth(html);
        }),
        RUNS,
      );
    });
  }

  it("gives the numbers of its twin at every length around a vector's", () => {
    for (const html of [...readFixtures(), "<p title='&'>a&b<!-- x --></p>"]) {
      for (let end = 0; end < Math.min(html.length, 600); end++) wordsOfBoth(html.slice(0, end));
    }
  });

  it("sees nothing of the page before", () => {
    wordsOfBoth(`<p>${"<b class=x>&".repeat(4_000)}</p>`);
    for (const html of ["", "<", "a", "<p", "<p a", "<!-", "</", "<script>", "<svg><![CDATA["]) wordsOfBoth(html);
  });

  it("grows while it reads, stays within its memory for ordinary pages and is given back after a huge one", () => {
    wordsOfBoth("a<b>".repeat(300_000));
    tokenizeWasm("<p>");
    const ordinary = `<p>${"some words of a long page ".repeat(40_000)}</p>`;
    tokenizeWasm(ordinary);
    assert.ok(kernelBytes() > 2 * ordinary.length && kernelBytes() <= KEPT_BYTES_MAX, `${kernelBytes()} bytes`);

    const huge = tokenizeWasm("<p>x</p>".repeat(900_000));
    assert.equal(kernelBytes(), 0);
    const before = wordsOf(huge);
    wordsOfBoth("<p>y</p>");
    assert.ok(isSame(before, wordsOf(huge)), "the huge page's tokens outlive the instance");
    assert.ok(kernelBytes() > 0 && kernelBytes() < 2_000_000);
  });
});

describe("tokenize", () => {
  it("uses the kernel between its limits and JavaScript outside", () => {
    assert.ok(isKernelSupported);
    const pageOf = (units: number) => `<p>${"x".repeat(units - 3)}`;
    const usesKernel = (units: number) => {
      const { words, count } = tokenize(pageOf(units));
      assert.deepEqual([...words.slice(TOKEN_WORDS, count * TOKEN_WORDS)], [TokenKind.text, 3, units, 0]);
      return words.byteOffset > 0 && words.buffer.byteLength === kernelBytes();
    };
    assert.ok(!usesKernel(KERNEL_UNITS_MIN - 1));
    assert.ok(usesKernel(KERNEL_UNITS_MIN));
    assert.ok(usesKernel(KERNEL_UNITS_MAX), "the largest page leaves its instance within the memory that is kept");
    assert.ok(!usesKernel(KERNEL_UNITS_MAX + 1));
  });

  it("reads in JavaScript where there is no WebAssembly", async () => {
    const html = `<p class=x>${"a &amp; b ".repeat(100)}</p>`;
    const from = (file: string) => JSON.stringify(new URL(`../../src/tokenizer/${file}`, import.meta.url).href);
    // The first import makes Node load what it strips types with, which is WebAssembly itself.
    const code = `
      (async () => {
        await import(${from("tokens.ts")});
        globalThis.WebAssembly = undefined;
        const { tokenize } = await import(${from("tokenize.ts")});
        const { isKernelSupported, tokenizeWasm } = await import(${from("tokenize-wasm.ts")});
        const { words, count } = tokenize(${JSON.stringify(html)});
        let refusal;
        try { tokenizeWasm("<p>"); } catch (error) { refusal = error.code; }
        const words4 = words.slice(0, 4 * count);
        require("node:worker_threads").parentPort.postMessage({ isKernelSupported, words: words4, refusal });
      })();`;
    const worker = new Worker(code, { eval: true });
    const answer = await new Promise<{ isKernelSupported: boolean; words: Int32Array; refusal: string }>(
      (resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      },
    );
    await worker.terminate();
    assert.equal(answer.isKernelSupported, false);
    assert.equal(answer.refusal, "unavailable");
    assert.ok(isSame(answer.words, wordsOf(tokenizeWasm(html))));
  });
});
