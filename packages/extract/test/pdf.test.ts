import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { chunk } from "../src/chunk.ts";
import { createExtractor, type ExtractProgress } from "../src/extractor.ts";
import { PDF_PAGES_MAX } from "../src/limits.ts";
import { readPdfBlocks } from "../src/pdf-lines.ts";
import { fixture } from "./fixture.ts";
import { makePdf, type PdfPageSpec } from "./make-pdf.ts";

const threePages: PdfPageSpec[] = [
  [
    { text: "Mill law", size: 24, y: 780 },
    { text: "Nobody may draw water above the weir between sun-", y: 740 },
    { text: "set and the second bell, on pain of a fine.", y: 726 },
    { text: "A new paragraph starts after a gap.", y: 680 },
  ],
  [{ text: "The second page speaks of grain.", y: 780 }],
  [{ text: "The third page speaks of flour.", y: 780 }],
];

test("a text PDF gives paragraphs, headings, title and pages, and reports each page", async () => {
  await using extractor = createExtractor();
  const progress: ExtractProgress[] = [];
  const document = await extractor.extract(
    { source: "law.pdf", bytes: makePdf(threePages) },
    { onProgress: (step) => progress.push(step) },
  );
  assert.equal(document.contentType, "application/pdf");
  assert.equal(document.title, "Mill law");
  assert.deepEqual(document.headings, [{ level: 1, text: "Mill law", start: 0 }]);
  const expected = [
    "Mill law",
    "Nobody may draw water above the weir between sunset and the second bell, on pain of a fine.",
    "A new paragraph starts after a gap.",
    "The second page speaks of grain.",
    "The third page speaks of flour.",
  ];
  assert.equal(document.text, expected.join("\n\n"));
  assert.deepEqual(
    document.pages?.map(({ page, start }) => [page, document.text.slice(start, start + 10)]),
    [
      [1, "Mill law\n\n"],
      [2, "The second"],
      [3, "The third "],
    ],
  );
  assert.equal(progress.at(-1)?.done, 3);
  assert.ok(progress.every((step) => step.total === 3));
  assert.equal(chunk(document, { targetChars: 64, minChars: 0 }).at(-1)?.page, 3);
});

test("the title a tool made up is not used, one that somebody chose is", async () => {
  await using extractor = createExtractor();
  const title = async (meta: string) =>
    (await extractor.extract({ source: "a.pdf", bytes: makePdf(threePages, meta) })).title;
  assert.equal(await title("Microsoft Word - law_final2.doc"), "Mill law");
  assert.equal(await title("The law of mills"), "The law of mills");
});

test("broken, encrypted and scanned PDFs are told apart", async () => {
  await using extractor = createExtractor();
  const whole = makePdf(threePages);
  const refusals = [
    { source: "cut.pdf", bytes: whole.slice(0, 60), code: "unreadable_document" },
    { source: "words.pdf", bytes: new TextEncoder().encode("not a PDF at all"), code: "unreadable_document" },
    { source: "locked.pdf", bytes: fixture("encrypted.pdf"), code: "encrypted_document" },
    { source: "scan.pdf", bytes: makePdf(["image", "image"]), code: "needs_ocr" },
  ];
  const check = async ({ source, bytes, code }: (typeof refusals)[number]) =>
    await assert.rejects(
      extractor.extract({ source, bytes }),
      (error: Error & { code: string }) => error.code === code && error.message.includes(source),
    );
  await Promise.all(refusals.map(check));
});

test("a process killed in mid-job is a typed error, leaves no process behind, and the next job works", async () => {
  await using extractor = createExtractor({ pdfProcesses: 1 });
  // So many that it is still at work when the first report is heard, however late that is.
  const pages: PdfPageSpec[] = Array.from({ length: PDF_PAGES_MAX }, (_, at) => [
    { text: `Page ${at} of a long register`, y: 700 },
  ]);
  let killed = 0;
  const onProgress = () => {
    killed ||= extractor.stats().pdfProcesses[0] ?? 0;
    if (killed) process.kill(killed, "SIGKILL");
  };
  await assert.rejects(extractor.extract({ source: "long.pdf", bytes: makePdf(pages) }, { onProgress }), {
    code: "unavailable",
    message: /long\.pdf.*SIGKILL/,
  });
  assert.ok(killed > 0);
  assert.ok(!existsSync(`/proc/${killed}/stat`), "reaped, not a zombie");
  assert.deepEqual(extractor.stats().pdfProcesses, []);
  assert.ok((await extractor.extract({ source: "law.pdf", bytes: makePdf(threePages) })).text.startsWith("Mill law"));
});

test("deadline and cancellation end the process", async () => {
  await using extractor = createExtractor({ pdfProcesses: 1 });
  const bytes = makePdf(threePages);
  // Starting the process alone takes longer than this.
  await assert.rejects(extractor.extract({ source: "late.pdf", bytes }, { timeoutMs: 1 }), { code: "timeout" });
  const controller = new AbortController();
  const running = extractor.extract({ source: "dropped.pdf", bytes }, { signal: controller.signal });
  controller.abort();
  await assert.rejects(running, { code: "cancelled" });
  assert.ok((await extractor.extract({ source: "law.pdf", bytes })).text.startsWith("Mill law"));
  assert.deepEqual(extractor.stats().pdfProcesses, []);
});

test("running titles and page numbers are left out", () => {
  const line = (text: string, bottom: number) => ({ text, size: 10, left: 50, right: 400, bottom });
  const pages = [1, 2, 3, 4].map((page) => ({
    page,
    lines: [
      line("The law of mills", 800),
      line(`Body text number ${"abcd".charAt(page - 1)} goes on here.`, 700),
      line(`And on, to line ${"abcd".charAt(page - 1)}.`, 688),
      line("More body.", 600),
      line(`Page ${page}`, 30),
    ],
  }));
  const text = readPdfBlocks(pages, [])
    .flatMap(({ blocks }) => blocks.map((block) => block.text))
    .join("\n");
  assert.ok(!text.includes("The law of mills") && !text.includes("Page 2"));
  assert.ok(text.includes("Body text number b goes on here. And on, to line b."));
});

test("the outline names headings and their levels", () => {
  const line = (text: string, bottom: number) => ({ text, size: 10, left: 50, right: 400, bottom });
  const lines = [
    line("1 Wheels", 800),
    line("Wheels turn.", 780),
    line("1.1 Paddles", 740),
    line("Paddles break.", 720),
  ];
  const [page] = readPdfBlocks(
    [{ page: 1, lines }],
    [
      { title: "Wheels", level: 1 },
      { title: "Paddles", level: 2 },
    ],
  );
  assert.deepEqual(
    page?.blocks.map(({ kind, level, text }) => [kind, level, text]),
    [
      ["heading", 1, "1 Wheels"],
      ["paragraph", 0, "Wheels turn."],
      ["heading", 2, "1.1 Paddles"],
      ["paragraph", 0, "Paddles break."],
    ],
  );
});
