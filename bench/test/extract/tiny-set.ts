/** Two small pages of our own making with their truth, in a directory of their own. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export type TinyPage = {
  readonly id: string;
  readonly html: string;
  readonly url?: string;
  readonly type?: string;
  readonly truth: Readonly<Record<string, unknown>>;
};

const FIRST =
  "The mill stands by the river, and its wheel has turned since the spring of 1790 without a pause of a week.";
const SECOND =
  "In summer the water is low; then the miller opens the upper sluice at night and grinds before the sun is up.";

export const MILL: TinyPage = {
  id: "mill",
  url: "https://www.mill.example/history",
  type: "article",
  html: `<!doctype html><html lang="en"><head><title>The mill</title><meta name="author" content="Ada Miller">
<meta property="article:published_time" content="2026-03-04T08:00:00Z"></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/login">Log in here</a></li></ul></nav>
<main><article><h1>The mill</h1><p>${FIRST}</p><p>${SECOND}</p></article></main>
<footer><p><a href="/terms">Terms of service</a></p></footer></body></html>`,
  truth: {
    title: "The Mill",
    author: "Ada Miller",
    publish_date: "2026-03-04",
    main_content: `The mill\n\n${FIRST}\n\n${SECOND}`,
    with: ["its wheel has turned", "OPENS THE UPPER SLUICE"],
    without: ["Log in here", "Terms of service"],
  },
};

/** Nobody knows what its main content is: its truth is empty. */
export const SHELL: TinyPage = {
  id: "shell",
  type: "product",
  html: "<!doctype html><html><body><p>A paragraph that the truth does not speak of, long enough to be read as text.</p></body></html>",
  truth: { title: null, author: null, publish_date: null, main_content: null, with: [], without: [] },
};

/** `pages` and `truth` of it are folders as `bench extract` takes them. The caller removes `root`. */
export function writeSet(pages: readonly TinyPage[]): {
  readonly root: string;
  readonly pages: string;
  readonly truth: string;
} {
  const root = mkdtempSync(join(tmpdir(), "millrace-extract-test-"));
  const folders = { root, pages: join(root, "html"), truth: join(root, "ground-truth") };
  mkdirSync(folders.pages);
  mkdirSync(folders.truth);
  for (const { id, html, url, type, truth } of pages) {
    writeFileSync(join(folders.pages, `${id}.html.gz`), gzipSync(html));
    const record = { url, file_id: id, _internal: { page_type: { primary: type } }, ground_truth: truth };
    writeFileSync(join(folders.truth, `${id}.json`), JSON.stringify(record));
  }
  return folders;
}
