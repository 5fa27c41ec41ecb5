/** PDFium (as WASM) behind a few calls: open, pages of lines, metadata, outline, links. Runs in the PDF child process only. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { init, type WrappedPdfiumModule } from "@embedpdf/pdfium";
import { MillraceError } from "@millrace/core";
import { LINKS_MAX, PDF_PAGES_MAX, PDF_WASM_BYTES_MAX } from "./limits.ts";
import type { OutlineEntry, PdfLine } from "./pdf-lines.ts";

/** fpdfview.h: FPDF_ERR_PASSWORD and FPDF_ERR_SECURITY. */
const ERROR_PASSWORD = 4;
const ERROR_SECURITY = 5;
/** fpdf_doc.h: PDFACTION_URI. */
const ACTION_URI = 3;
/** Longest title, address or outline entry read. */
const STRING_BYTES_MAX = 8_192;
const OUTLINE_MAX = 5_000;
const OUTLINE_DEPTH_MAX = 6;
const WASM_PAGE_BYTES = 65_536;

export class PdfReader {
  readonly #pdf: WrappedPdfiumModule;
  readonly #document: number;
  readonly pages: number;

  private constructor(pdf: WrappedPdfiumModule, document: number, pages: number) {
    this.#pdf = pdf;
    this.#document = document;
    this.pages = pages;
  }

  /** Throws `encrypted_document` when a password is needed, `unreadable_document` when it is no PDF, `too_large` for its pages. */
  static async open(source: string, bytes: Uint8Array): Promise<PdfReader> {
    const wasm = await readFile(fileURLToPath(import.meta.resolve("@embedpdf/pdfium/pdfium.wasm")));
    const pdf = await init({
      wasmBinary: wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength) as ArrayBuffer,
    });
    limitMemory(pdf);
    pdf.PDFiumExt_Init();
    const at = pdf.pdfium.wasmExports.malloc(bytes.length);
    if (at === 0)
      throw new MillraceError(
        "too_large",
        `${source} does not fit the memory of a PDF reader (${PDF_WASM_BYTES_MAX} bytes)`,
      );
    heapOf(pdf).set(bytes, at);
    const document = pdf.FPDF_LoadMemDocument(at, bytes.length, "");
    if (document === 0) throw openError(source, pdf.FPDF_GetLastError());
    const pages = pdf.FPDF_GetPageCount(document);
    if (pages < 1)
      throw new MillraceError("unreadable_document", `${source} is a PDF without pages; it is broken or cut short`);
    if (pages > PDF_PAGES_MAX)
      throw new MillraceError("too_large", `${source} has ${pages} pages; ${PDF_PAGES_MAX} is the limit; split it`);
    return new PdfReader(pdf, document, pages);
  }

  /** Lines of page `at` (from 0) in the order of the text, and the addresses its links open. A page that cannot be read is empty. */
  page(at: number): { readonly lines: PdfLine[]; readonly urls: string[] } {
    const page = this.#pdf.FPDF_LoadPage(this.#document, at);
    if (page === 0) return { lines: [], urls: [] };
    const text = this.#pdf.FPDFText_LoadPage(page);
    try {
      return { lines: text === 0 ? [] : this.#lines(text), urls: this.#urls(page) };
    } finally {
      if (text !== 0) this.#pdf.FPDFText_ClosePage(text);
      this.#pdf.FPDF_ClosePage(page);
    }
  }

  meta(key: "Title" | "Author" | "Subject"): string {
    return this.#string((buffer, length) => this.#pdf.FPDF_GetMetaText(this.#document, key, buffer, length)).trim();
  }

  outline(): OutlineEntry[] {
    const entries: OutlineEntry[] = [];
    this.#walkOutline(0, 1, entries);
    return entries;
  }

  #walkOutline(parent: number, level: number, entries: OutlineEntry[]): void {
    let entry = this.#pdf.FPDFBookmark_GetFirstChild(this.#document, parent);
    while (entry !== 0 && entries.length < OUTLINE_MAX) {
      const current = entry;
      const title = this.#string((buffer, length) => this.#pdf.FPDFBookmark_GetTitle(current, buffer, length)).trim();
      if (title !== "") entries.push({ title, level });
      if (level < OUTLINE_DEPTH_MAX) this.#walkOutline(current, level + 1, entries);
      entry = this.#pdf.FPDFBookmark_GetNextSibling(this.#document, current);
    }
  }

  #lines(textPage: number): PdfLine[] {
    const count = this.#pdf.FPDFText_CountChars(textPage);
    if (count <= 0) return [];
    const text = this.#withMemory((count + 1) * 2, (buffer) => {
      this.#pdf.FPDFText_GetText(textPage, 0, count, buffer);
      return this.#pdf.pdfium.UTF16ToString(buffer);
    });
    const lines: PdfLine[] = [];
    let start = 0;
    for (const line of text.split(/\r\n|\r|\n/)) {
      const first = start + line.length - line.trimStart().length;
      const last = start + line.trimEnd().length - 1;
      if (last >= first) lines.push({ text: line.trim(), ...this.#place(textPage, first, last) });
      start += line.length + (text.startsWith("\r\n", start + line.length) ? 2 : 1);
    }
    return lines;
  }

  /** FPDFText_GetFontSize ignores the text matrix (many PDFs set size 1 and scale), so the box of the character is measured. */
  #place(textPage: number, first: number, last: number): Omit<PdfLine, "text"> {
    return this.#withMemory(16, (rect) => {
      const boxOf = (textIndex: number) => {
        const index = this.#pdf.FPDFText_GetCharIndexFromTextIndex(textPage, textIndex);
        const isKnown = index >= 0 && this.#pdf.FPDFText_GetLooseCharBox(textPage, index, rect);
        const [left, top, right, bottom] = [0, 4, 8, 12].map((offset) =>
          isKnown ? this.#pdf.pdfium.getValue(rect + offset, "float") : 0,
        );
        return { left: left ?? 0, top: top ?? 0, right: right ?? 0, bottom: bottom ?? 0 };
      };
      const head = boxOf(first);
      return { size: head.top - head.bottom, left: head.left, right: boxOf(last).right, bottom: head.bottom };
    });
  }

  #urls(page: number): string[] {
    const urls: string[] = [];
    this.#withMemory(8, (slots) => {
      this.#pdf.pdfium.setValue(slots, 0, "i32");
      while (urls.length < LINKS_MAX && this.#pdf.FPDFLink_Enumerate(page, slots, slots + 4)) {
        const action = this.#pdf.FPDFLink_GetAction(this.#pdf.pdfium.getValue(slots + 4, "i32"));
        if (action === 0 || this.#pdf.FPDFAction_GetType(action) !== ACTION_URI) continue;
        const url = this.#withMemory(STRING_BYTES_MAX, (buffer) => {
          const length = this.#pdf.FPDFAction_GetURIPath(this.#document, action, buffer, STRING_BYTES_MAX);
          return length > 0 && length <= STRING_BYTES_MAX ? this.#pdf.pdfium.UTF8ToString(buffer) : "";
        });
        if (url !== "") urls.push(url);
      }
    });
    return urls;
  }

  #string(read: (buffer: number, length: number) => number): string {
    return this.#withMemory(STRING_BYTES_MAX, (buffer) => {
      const length = read(buffer, STRING_BYTES_MAX);
      return length > 2 && length <= STRING_BYTES_MAX ? this.#pdf.pdfium.UTF16ToString(buffer) : "";
    });
  }

  #withMemory<T>(bytes: number, use: (at: number) => T): T {
    const at = this.#pdf.pdfium.wasmExports.malloc(bytes);
    if (at === 0)
      throw new MillraceError("too_large", `the PDF needs more than the ${PDF_WASM_BYTES_MAX} bytes a reader may use`);
    try {
      return use(at);
    } finally {
      this.#pdf.pdfium.wasmExports.free(at);
    }
  }
}

/** WebAssembly.Memory, as far as it is used here; the compiler knows that name only with the types of a browser. */
type WasmMemory = { readonly buffer: ArrayBuffer; grow: (pages: number) => number };

function memoryOf(pdf: WrappedPdfiumModule): WasmMemory {
  return (pdf.pdfium.wasmExports as unknown as { readonly memory: WasmMemory }).memory;
}

function heapOf(pdf: WrappedPdfiumModule): Uint8Array {
  return new Uint8Array(memoryOf(pdf).buffer);
}

/** --max-old-space-size does not count WASM memory, so its growth is refused here; PDFium then reports that it is out of memory. */
function limitMemory(pdf: WrappedPdfiumModule): void {
  const memory = memoryOf(pdf);
  const grow = memory.grow.bind(memory);
  memory.grow = (pages: number) => {
    if (memory.buffer.byteLength + pages * WASM_PAGE_BYTES > PDF_WASM_BYTES_MAX)
      throw new RangeError("the memory limit of a PDF reader");
    return grow(pages);
  };
}

function openError(source: string, code: number): MillraceError {
  if (code === ERROR_PASSWORD || code === ERROR_SECURITY) {
    return new MillraceError(
      "encrypted_document",
      `${source} is an encrypted PDF; remove its password and add it again`,
    );
  }
  return new MillraceError(
    "unreadable_document",
    `${source} is not a readable PDF (PDFium error ${code}); it is broken or cut short`,
  );
}
