import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import { detectContentType } from "../src/content-type.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const prose = bytesOf("Plain words.\n");

function refused(source: string, bytes: Uint8Array, declared?: string): string {
  try {
    detectContentType(source, bytes, declared);
  } catch (error) {
    assert.ok(error instanceof MillraceError && error.code === "unsupported_type");
    assert.ok(error.message.startsWith(source) && error.message.includes("PDF"), error.message);
    return error.message;
  }
  return assert.fail(`${source} was not refused`);
}

test("the extension decides for text", () => {
  for (const name of ["a.html", "b.HTM", "c.xhtml"]) assert.equal(detectContentType(name, prose), "text/html");
  for (const name of ["a.md", "b.markdown", "c.mdx"]) assert.equal(detectContentType(name, prose), "text/markdown");
  for (const name of [
    "a.txt",
    "b.rst",
    "c.log",
    "README",
    "LICENSE",
    "changelog.gz",
    "notes.txt.gz",
    "README.Debian",
    "guide-2.0",
  ]) {
    assert.equal(detectContentType(name, prose), "text/plain", name);
  }
});

test("the bytes decide for PDF and for pages without an extension", () => {
  assert.equal(detectContentType("report", bytesOf("%PDF-1.7\n")), "application/pdf");
  assert.equal(detectContentType("report.txt", bytesOf("%PDF-1.7\n")), "application/pdf");
  assert.equal(detectContentType("index", bytesOf("<!-- x -->\n<!DOCTYPE html><p>")), "text/html");
  assert.equal(detectContentType("https://example.org/page.php?a=1", bytesOf("<html>")), "text/html");
});

test("what the server says decides over the address, unless it says nothing", () => {
  assert.equal(detectContentType("https://example.org/README.md", prose, "text/html; charset=utf-8"), "text/html");
  assert.equal(detectContentType("https://example.org/README.md", prose, "text/plain"), "text/markdown");
  assert.equal(detectContentType("https://example.org/about", prose, "text/plain"), "text/plain");
  assert.equal(detectContentType("https://example.org/file.pdf", bytesOf("<html>gone"), "text/html"), "text/html");
});

test("a PDF by name that is none goes to the PDF reader, which says what is wrong", () => {
  assert.equal(detectContentType("broken.pdf", prose), "application/pdf");
});

test("binary files are refused by what they look like", () => {
  assert.match(refused("logo.txt", Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])), /PNG/);
  assert.match(refused("a.docx", bytesOf("PK\x03\x04\x14\0")), /ZIP/);
  assert.match(refused("blob", Uint8Array.from([65, 0, 66])), /NUL/);
  assert.match(refused("noise.html", Uint8Array.from([1, 2, 3, 65, 66])), /control/);
});

test("source files and other text are refused by name", () => {
  for (const name of ["package.json", "table.csv", "main.ts", "style.css", "readme.json"])
    assert.match(refused(name, bytesOf("{}")), /\.(json|csv|ts|css) file/);
  assert.match(refused("Makefile", prose), /build file/);
  assert.match(refused("run", bytesOf("#!/bin/sh\n")), /script/);
  assert.match(refused("https://example.org/data", bytesOf("{}"), "application/json"), /application\/json/);
});

test("UTF-16 with its mark is text although it holds NUL bytes", () => {
  assert.equal(detectContentType("a.txt", Uint8Array.from([0xff, 0xfe, 65, 0])), "text/plain");
});

test("names that every object has are no types", () => {
  for (const name of ["constructor", "__proto__", "toString"]) {
    assert.match(refused("a", prose, name), /declared as/);
    assert.match(String(detectContentTypeOrCode(`a.${name}`)), /^(?:text\/plain|unsupported_type)$/);
  }
});

function detectContentTypeOrCode(source: string): string {
  try {
    return detectContentType(source, prose);
  } catch (error) {
    return MillraceError.from(error).code;
  }
}

test("a stray NUL does not make a page binary, and declared UTF-16 needs no mark", () => {
  const page = "<!doctype html><html><body><p>A page with one NUL\0 in its text.</p></body></html>";
  assert.equal(detectContentType("page", bytesOf(page)), "text/html");
  assert.equal(detectContentType("page", bytesOf("<p>a\0b"), "text/html; charset=utf-8"), "text/html");
  const wide = new Uint8Array(Buffer.from(page, "utf16le"));
  assert.equal(detectContentType("page", wide, "text/html; charset=UTF-16LE"), "text/html");
  assert.match(refused("page", new Uint8Array(64), "text/html"), /NUL/);
  assert.match(refused("page.txt", bytesOf("plain\0words")), /NUL/);
});
