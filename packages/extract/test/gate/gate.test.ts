import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GATE_COEFFICIENTS } from "../../src/gate/coefficients.generated.ts";
import { type GateEvidence, readEvidence } from "../../src/gate/evidence.ts";
import { GATE_FEATURE_NAMES, GATE_FEATURES } from "../../src/gate/features.ts";
import { GATE_THRESHOLDS, type GateDecision, type GateResult, judgeStatic, reasonOf } from "../../src/gate/gate.ts";
import { readMetadata } from "../../src/metadata/read-metadata.ts";
import { readStructuredText } from "../../src/metadata/structured-text.ts";
import { readPage } from "../../src/page/read-page.ts";
import { tokenizeJs } from "../../src/tokenizer/tokenize-js.ts";
import { LABELLED_PAGES, type LabelledPage } from "./corpus.ts";
import { LATER_PAGES } from "./corpus-later.ts";

function judge({ html }: Pick<LabelledPage, "html">): GateResult {
  const page = readPage(html, tokenizeJs(html));
  const structured = readStructuredText(page, readMetadata(page, undefined));
  return judgeStatic(readEvidence(page, { keptChars: 0, structuredChars: structured?.text.length ?? 0 }));
}

function pageNamed(name: string): LabelledPage {
  const found = LABELLED_PAGES.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
}

/** Rows: is the static page enough; columns: decisions; with the names of the pages. */
function confusionOf(pages: readonly LabelledPage[]): Record<"enough" | "short", Record<GateDecision, string[]>> {
  const row = (): Record<GateDecision, string[]> => ({ static: [], probe: [], dynamic: [], pdf: [] });
  const matrix = { enough: row(), short: row() };
  for (const one of pages) matrix[one.isEnough ? "enough" : "short"][judge(one).decision].push(one.name);
  return matrix;
}

test("on the labelled pages nothing is on the wrong side, and few are left to a probe", () => {
  for (const [pages, probesMax] of [
    [LABELLED_PAGES, 10],
    [LATER_PAGES, 4],
  ] as const) {
    const { enough, short } = confusionOf(pages);
    assert.deepEqual(short.static, [], "pages without their text taken as they are");
    assert.deepEqual(enough.dynamic, [], "pages with their text sent to a browser");
    assert.ok(enough.probe.length + short.probe.length <= probesMax, JSON.stringify({ enough, short }, undefined, 1));
    assert.equal(enough.pdf.length + short.pdf.length, 0);
  }
  assert.ok(LABELLED_PAGES.length + LATER_PAGES.length >= 60);
  assert.equal(new Set([...LABELLED_PAGES, ...LATER_PAGES].map(({ name }) => name)).size, 78);
});

test("a gate that looked at nothing but the length of the text would be wrong on the labelled pages", () => {
  const pages = [...LABELLED_PAGES, ...LATER_PAGES];
  const chars = pages.map(({ html }) => readEvidence(readPage(html, tokenizeJs(html)), { keptChars: 0 }).visibleChars);
  for (const bar of [50, 100, 200, 400, 800]) {
    const wrong = pages.filter(({ isEnough }, at) => (chars[at] ?? 0) >= bar !== isEnough);
    assert.ok(wrong.length >= 5, `${bar} characters: ${wrong.length} wrong`);
  }
});

test("the contributions add up to the score, and the score to the probability", () => {
  for (const one of LABELLED_PAGES) {
    const { contributions, score, probability, decision, thresholds } = judge(one);
    const sum = Object.values(contributions).reduce((total, value) => total + value, 0);
    assert.ok(Math.abs(sum - score) < 1e-9);
    assert.ok(Math.abs(probability - 1 / (1 + Math.exp(-score))) < 1e-12);
    assert.equal(decision === "static", probability >= thresholds.static);
    assert.equal(decision === "dynamic", probability < thresholds.dynamic);
  }
});

test("the thresholds are where the cheaper choice changes", () => {
  const costs = (enough: number) => ({
    static: (1 - enough) * 3,
    probe: 0.3 + (1 - enough),
    dynamic: 1,
  });
  const { static: high, dynamic: low } = GATE_THRESHOLDS;
  assert.ok(
    costs(high + 0.01).static < costs(high + 0.01).probe && costs(high - 0.01).static > costs(high - 0.01).probe,
  );
  assert.ok(costs(low + 0.01).probe < costs(low + 0.01).dynamic && costs(low - 0.01).probe > costs(low - 0.01).dynamic);
});

test("every coefficient has the sign of its meaning", () => {
  for (const name of GATE_FEATURE_NAMES) {
    const coefficient = GATE_COEFFICIENTS[name];
    assert.ok(coefficient === 0 || Math.sign(coefficient) === GATE_FEATURES[name], `${name} is ${coefficient}`);
  }
});

const chars = fc.integer({ min: 0, max: 2_000_000 });
const flag = fc.constantFrom(0, 1);
const evidences: fc.Arbitrary<GateEvidence> = fc
  .record({
    htmlChars: chars,
    visibleChars: chars,
    proseChars: chars,
    linkChars: chars,
    keptChars: chars,
    structuredChars: chars,
    noscriptChars: chars,
    scriptChars: chars,
    dataChars: chars,
    scripts: fc.nat(200),
    externalScripts: fc.nat(100),
    refresh: flag,
    frames: fc.nat(5),
    pdfFrame: fc.constant(0),
    emptyRoot: flag,
    asksForScript: flag,
    placeholders: fc.nat(20),
    wallMarks: fc.nat(5),
    consentShare: fc.double({ min: 0, max: 1, noNaN: true }),
    wideChars: chars,
  })
  .map((one) => ({
    ...one,
    linkChars: Math.min(one.linkChars, one.visibleChars),
    proseChars: Math.min(one.proseChars, one.visibleChars),
    wideChars: Math.min(one.wideChars, one.visibleChars),
  }));

test("more of a shell's marks never makes the static page likelier to suffice; payload text never less", () => {
  const marks = [
    "refresh",
    "frames",
    "emptyRoot",
    "asksForScript",
    "placeholders",
    "wallMarks",
    "scriptChars",
  ] as const;
  fc.assert(
    fc.property(evidences, fc.constantFrom(...marks), (evidence, mark) => {
      const { probability } = judgeStatic(evidence);
      assert.ok(probability >= 0 && probability <= 1);
      assert.ok(judgeStatic({ ...evidence, [mark]: evidence[mark] + 1 }).probability <= probability + 1e-12);
      const more = { ...evidence, structuredChars: evidence.structuredChars + 1_000 };
      assert.ok(judgeStatic(more).probability >= probability - 1e-12);
    }),
  );
});

test("where nothing runs, text that just suffices does not make a page less likely to than none", () => {
  const [nothing] = fc.sample(evidences, { numRuns: 1, seed: 1 });
  const none = Object.fromEntries(Object.keys(nothing ?? {}).map((name) => [name, 0])) as unknown as GateEvidence;
  const evidence = { ...none, externalScripts: 1, placeholders: 2, wallMarks: 2 };
  for (let chars = 0, before = 0; chars < 10_000; chars += 250) {
    const { probability } = judgeStatic({ ...evidence, structuredChars: chars });
    assert.ok(probability >= before && probability >= 0.94, `${chars} characters: ${probability} after ${before}`);
    before = probability;
  }
});

test("a page that shows a PDF and has no text of its own is left to the PDF reader", () => {
  const bare = '<html><body><embed src="/report.pdf?v=2" type="application/pdf"></body></html>';
  assert.equal(judge({ html: bare }).decision, "pdf");
  const { html } = pageNamed("Documentation");
  assert.equal(judge({ html: html.replace("</main>", '<iframe src="/a.pdf"></iframe></main>') }).decision, "static");
});

test("what is missing is said in words", () => {
  const reason = (name: string) => reasonOf(judge(pageNamed(name)));
  assert.equal(reason("React, create-react-app"), "the page asks for scripts to be allowed");
  assert.equal(reason("Are you a robot"), "the page is a wall that asks for a human reader");
  assert.equal(reason("Refresh to another address"), "the page sends its reader on to another address");
  assert.equal(reason("One full-page frame"), "the page holds its content in frames");
  assert.equal(reason("React, Vite"), "the page is an empty application that scripts fill");
  assert.equal(reason("Svelte"), "the page holds scripts and almost no text");
  assert.equal(reason("Japanese article"), undefined);
});

test("a page on which nothing runs needs no browser, however little it says", () => {
  const { decision, probability, contributions } = judge({ html: "<p>a</p>" });
  assert.equal(decision, "static");
  assert.ok(Math.abs(probability - 0.95) < 1e-9);
  assert.ok((contributions.nothingToRun ?? 0) > 0);
  assert.equal(
    judge({ html: '<div id="root"></div><script src="/app.js"></script>' }).contributions.nothingToRun,
    undefined,
  );
});
