import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { MillraceError } from "@millrace/core";
import { extractOwn } from "../../extract/own-extractor.ts";
import { readPageSet } from "../../extract/page-set.ts";
import { PeerProcess } from "../../extract/peer-process.ts";
import { openPeer, PEER_NAMES, type PeerName } from "../../extract/peers/peer.ts";
import { htmlToText, plainTextOf } from "../../extract/plain-text.ts";
import { runExtract } from "../../extract/run-extract.ts";
import { MILL, writeSet } from "./tiny-set.ts";

const unruly = fileURLToPath(new URL("./unruly-peer.ts", import.meta.url));
const url = "https://a.example/";

/** What is installed here; without the packages, only refusals are tested. */
const installed: PeerName[] = [];
for (const name of PEER_NAMES) {
  try {
    await openPeer(name);
    installed.push(name);
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === "unavailable")) throw error;
  }
}

test("a peer that is not installed says how to install it", async () => {
  for (const name of PEER_NAMES) {
    await assert.rejects(openPeer(name, join(import.meta.dirname, "nowhere")), {
      code: "unavailable",
      message: /^peer \S+ (?:is not installed|cannot be loaded).*; npm ci --prefix bench\/extract\/peers$/,
    });
  }
});

test("a peer that throws, dies or hangs fails that page alone, and time is counted until its end", async () => {
  await using peer = await PeerProcess.start("extractus", { path: unruly, pageMs: 1_000 });
  const extract = (html: string) => peer.extract({ html, url });
  assert.deepEqual(peer.versions, { unruly: "1.0.0" });
  assert.deepEqual(await extract("one"), { answer: { kind: "html", html: "one" }, cpuMs: 2 });
  assert.deepEqual(await extract("throw"), { answer: undefined, reason: "cannot", cpuMs: 1 });
  const dead = await extract("die");
  assert.equal(dead.answer, undefined);
  assert.match(dead.reason ?? "", /SIGKILL/);
  assert.equal((await extract("two")).answer?.kind, "html");
  const hung = await extract("hang");
  assert.equal(hung.answer, undefined);
  assert.match(hung.reason ?? "", /longer than its 1000 ms/);
  // A timer may be a moment early by another clock.
  assert.ok(hung.cpuMs > 990, `${hung.cpuMs} ms`);
  assert.equal((await extract("three")).answer?.kind, "html");
  assert.equal(peer.peakRssBytes, 7);
});

test("HTML and Markdown of peers become the same text, and addresses are no words", () => {
  const words = (text: string) => text.match(/[\p{L}\p{N}]+/gu);
  const html = '<h2>Head</h2><p>One <a href="https://x.example/path">link</a>.</p><ul><li>item</li></ul>';
  const markdown = "## Head\n\nOne [link](https://x.example/path).\n\n- item\n";
  assert.deepEqual(words(htmlToText(html)), ["Head", "One", "link", "item"]);
  assert.deepEqual(words(plainTextOf({ kind: "markdown", markdown })), ["Head", "One", "link", "item"]);
  assert.deepEqual(
    [plainTextOf(undefined), htmlToText(""), plainTextOf({ kind: "markdown", markdown: " " })],
    ["", "", ""],
  );
  // Letters, but none that shows.
  assert.equal(plainTextOf({ kind: "markdown", markdown: "<!-- nothing -->" }), "");
});

test("what a peer keeps is not judged again: navigation that it left in stays in its text", () => {
  const text = htmlToText('<nav><a href="/">Home</a> <a href="/a">About us</a></nav><p>Text.</p><footer>Foot</footer>');
  for (const part of ["Home", "About us", "Text", "Foot"]) assert.ok(text.includes(part), `${part} in ${text}`);
});

test("every installed peer reads a page in a process of its own and is compared page by page", async (context) => {
  if (installed.length === 0) return context.diagnostic("no peer is installed");
  const folders = writeSet([MILL]);
  context.after(() => rmSync(folders.root, { recursive: true, force: true }));
  const run = { set: readPageSet(folders), peers: ["trafilatura", "readability-linkedom"] as const, seed: 1 };
  const peers = run.peers.filter((name) => installed.includes(name));
  const { result } = await runExtract({ ...run, peers, own: extractOwn });
  for (const name of peers) {
    const figures = result.peers[name];
    assert.equal(figures?.failures, 0, name);
    assert.ok(figures.f1 > 0.8, `${name}: F1 ${figures.f1}`);
    assert.ok(Math.abs(figures.pairedDifference.mean - (result.f1 - figures.f1)) < 1e-3);
    assert.ok(figures.timesOurs.ratio > 0 && figures.rssMb > 20);
    assert.ok(Object.values(figures.versions).every((version) => /^\d+\.\d+\.\d+/.test(version)));
  }
});

for (const name of installed) {
  test(`${name} finds the article of a small page`, async () => {
    const { extract } = await openPeer(name);
    const text = plainTextOf(await extract(MILL.html, MILL.url ?? url));
    assert.match(text, /The mill stands by the river/);
    assert.match(text, /opens the upper sluice/);
  });
}
