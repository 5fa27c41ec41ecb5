import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SELECTED_ELEMENTS_MAX } from "../../src/limits.ts";
import { selectElements } from "../../src/reader/select-elements.ts";

test("elements come in page order as they stand in the page, each once", () => {
  const page = `<main><h1 id=a>One</h1><p class="x">Two <b class=x>bold</b></p></main><p class='x'>Three &amp; more</p>`;
  assert.equal(
    selectElements(page, ["p.x", "h1", ".x"]),
    `<h1 id=a>One</h1>\n<p class="x">Two <b class=x>bold</b></p>\n<p class='x'>Three &amp; more</p>`,
  );
  assert.equal(selectElements(page, ["table"]), "");
});

test("what is left open ends where its parent or the page does", () => {
  assert.equal(selectElements("<ul><li>one<li>two</ul><p>after", ["li"]), "<li>one\n<li>two");
  assert.equal(selectElements("<div><p>open", ["div"]), "<div><p>open");
  assert.equal(selectElements('<p>text <img src="a.png"> more<p>next', ["img"]), '<img src="a.png">');
  assert.equal(selectElements("<table><tr><td>a<td>b<tr><td>c</table>", ["tr"]), "<tr><td>a<td>b\n<tr><td>c");
  assert.equal(selectElements("<p>one<LI>two</LI ><p>three", ["li"]), "<LI>two</LI >");
});

test("a page nested deeper than any stack is no defect, and a selector that means every element is refused", () => {
  const deep = `${"<div>".repeat(5_000)}<p>bottom</p>`;
  assert.equal(selectElements(deep, ["p"]), "<p>bottom</p>");
  const wide = "<i>x</i>".repeat(SELECTED_ELEMENTS_MAX + 1);
  assert.throws(() => selectElements(wide, ["i"]), { code: "too_large", message: /10000 elements/ });
});

test("for any tree, marked elements are found whole, and none inside another twice", () => {
  const { tree } = fc.letrec<{ tree: string; node: string }>((tie) => ({
    tree: fc.array(tie("node"), { maxLength: 4 }).map((nodes) => nodes.join("")),
    node: fc.oneof(
      { maxDepth: 5 },
      fc.stringMatching(/^[a-z ]{1,8}$/),
      tie("tree").map((inner) => `<div>${inner}</div>`),
      tie("tree").map((inner) => `<div class="m">${inner}</div>`),
    ),
  }));
  fc.assert(
    fc.property(tree, (page) => {
      // The outermost marked elements, found by counting tags.
      const expected: string[] = [];
      let [depth, from, at] = [0, -1, 0];
      const markDepths: number[] = [];
      for (const match of page.matchAll(/<div( class="m")?>|<\/div>/g)) {
        at = match.index + match[0].length;
        if (match[0] !== "</div>") {
          if (match[1] && from < 0) {
            from = match.index;
            markDepths.push(depth);
          }
          depth++;
        } else if (--depth === markDepths.at(-1) && from >= 0) {
          expected.push(page.slice(from, at));
          markDepths.pop();
          from = -1;
        }
      }
      assert.equal(selectElements(page, [".m"]), expected.join("\n"));
    }),
  );
});
