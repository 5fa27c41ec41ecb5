import assert from "node:assert/strict";
import { test } from "node:test";
import { charsetOf, decodeText } from "../src/decode-text.ts";

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

test("the byte order mark beats the header, the header beats the page", () => {
  assert.equal(decodeText(Uint8Array.from([0xff, 0xfe, 0x41, 0x00]), { charset: "windows-1251" }), "A");
  const page = latin1('<meta charset="koi8-r">\xcf');
  assert.equal(decodeText(page, { isHtml: true, charset: "windows-1251" }).at(-1), "П");
  assert.equal(decodeText(page, { isHtml: true }).at(-1), "о");
});

test("without a declaration valid UTF-8 is UTF-8 and anything else windows-1252", () => {
  assert.equal(decodeText(new TextEncoder().encode("naïve €")), "naïve €");
  assert.equal(decodeText(latin1("na\xefve \x80")), "naïve €");
});

test("a wrong or unknown declaration does not spoil the text", () => {
  assert.equal(decodeText(latin1("caf\xe9 cr\xe8me"), { charset: "utf-8" }), "café crème");
  assert.equal(decodeText(new TextEncoder().encode("é"), { charset: "no-such-charset" }), "é");
});

test("a few damaged bytes in declared UTF-8 cost only themselves", () => {
  const bytes = new TextEncoder().encode(`${"żółw ".repeat(200)}x`);
  bytes[bytes.length - 1] = 0xff;
  assert.equal(decodeText(bytes, { charset: "utf-8" }), `${"żółw ".repeat(200)}\ufffd`);
});

test("the charset is read out of a header", () => {
  assert.equal(charsetOf('text/html; Charset="ISO-8859-2"'), "ISO-8859-2");
  assert.equal(charsetOf("text/html"), undefined);
});
