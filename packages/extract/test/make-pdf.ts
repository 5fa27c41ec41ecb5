/** Tiny PDFs for tests, written object by object. */

export type PdfText = { readonly text: string; readonly size?: number; readonly x?: number; readonly y: number };

export type PdfPageSpec = readonly PdfText[] | "image";

/** A PDF of the given pages in Helvetica; "image" is a page that holds one grey pixel, stretched, and no text. */
export function makePdf(pages: readonly PdfPageSpec[], title = ""): Uint8Array {
  const objects: string[] = [];
  const kids = pages.map((_, at) => `${5 + at * 2} 0 R`).join(" ");
  objects[1] = "<< /Type /Catalog /Pages 2 0 R >>";
  objects[2] = `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`;
  objects[3] = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
  objects[4] = `<< /Title (${escaped(title)}) >>`;
  pages.forEach((page, at) => {
    const content = page === "image" ? IMAGE : page.map(showText).join("\n");
    const box = "/MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>";
    objects[5 + at * 2] = `<< /Type /Page /Parent 2 0 R ${box} /Contents ${6 + at * 2} 0 R >>`;
    objects[6 + at * 2] = `<< /Length ${content.length} >>\nstream\n${content}\nendstream`;
  });
  return new TextEncoder().encode(withTable(objects));
}

const IMAGE = "q 400 0 0 400 50 300 cm BI /W 1 /H 1 /CS /G /BPC 8 /F /AHx ID 80> EI Q";

function showText({ text, size = 11, x = 60, y }: PdfText): string {
  return `BT /F1 ${size} Tf ${x} ${y} Td (${escaped(text)}) Tj ET`;
}

function escaped(text: string): string {
  return text.replace(/[\\()]/g, "\\$&");
}

function withTable(objects: readonly string[]): string {
  let file = "%PDF-1.4\n";
  const offsets: number[] = [];
  for (let at = 1; at < objects.length; at++) {
    offsets[at] = file.length;
    file += `${at} 0 obj\n${objects[at]}\nendobj\n`;
  }
  const start = file.length;
  const rows = offsets.slice(1).map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`);
  return `${file}xref\n0 ${objects.length}\n0000000000 65535 f \n${rows.join("")}trailer\n<< /Size ${objects.length} /Root 1 0 R /Info 4 0 R >>\nstartxref\n${start}\n%%EOF\n`;
}
