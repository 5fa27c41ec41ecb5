/**
 * Accuracy of title, author and date on the WCXB development split (CC-BY-4.0), for the half of the domains that the source orders
 * were chosen on and for the other half, beside other extractors where their packages are installed under --peers.
 *
 *   node --conditions=source packages/extract/scripts/score-metadata.ts --data DIR [--peers DIR] [--half tune|held|all] [--wrong title|author|date]
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { decodeText } from "../src/decode-text.ts";
import { isoDate } from "../src/metadata/iso-date.ts";
import { wordF1 } from "../src/metadata/page-title.ts";
import { readMetadata } from "../src/metadata/read-metadata.ts";
import { readPage } from "../src/page/read-page.ts";
import { tokenizeJs } from "../src/tokenizer/tokenize-js.ts";

type Fields = { readonly title?: string | null; readonly author?: string | null; readonly date?: string | null };
type Truth = {
  readonly url: string;
  readonly ground_truth: {
    readonly title: string | null;
    readonly author: string | null;
    readonly publish_date: string | null;
  };
};
type Listing = { readonly files: Record<string, { readonly page_type: string; readonly domain: string }> };
type Read = (html: string, url: string) => Fields;
type Result = { readonly id: string; readonly half: string; readonly truth: Fields; readonly got: Fields };

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    peers: { type: "string" },
    half: { type: "string", default: "all" },
    wrong: { type: "string" },
  },
});
if (!values.data) throw new Error("give the folder of wcxb-dev with --data DIR");
const readers = new Map<string, Read>([["millrace", readOurs]]);
for (const [name, read] of values.peers ? peersOf(values.peers) : []) readers.set(name, read);
for (const [name, read] of readers) report(name, readAll(read, { folder: values.data, half: values.half }));

function readOurs(html: string, url: string): Fields {
  const { title, byline, published } = readMetadata(readPage(html, tokenizeJs(html)), url);
  return { title, author: byline ?? null, date: published ?? null };
}

/** The half is drawn by a hash of the domain. */
function halfOf(domain: string): string {
  return (createHash("sha256").update(`millrace:${domain}`).digest()[0] ?? 0) < 128 ? "tune" : "held";
}

function readAll(read: Read, from: { readonly folder: string; readonly half: string }): Result[] {
  const listing = JSON.parse(readFileSync(join(from.folder, "metadata.json"), "utf8")) as Listing;
  const results: Result[] = [];
  for (const name of readdirSync(join(from.folder, "html")).sort()) {
    const id = name.slice(0, 4);
    const entry = listing.files[id];
    if (!entry || (from.half !== "all" && halfOf(entry.domain) !== from.half)) continue;
    const { url, ground_truth: truth } = JSON.parse(
      readFileSync(join(from.folder, "ground-truth", `${id}.json`), "utf8"),
    ) as Truth;
    const html = decodeText(gunzipSync(readFileSync(join(from.folder, "html", name))), { isHtml: true });
    const want = { title: truth.title, author: truth.author, date: truth.publish_date };
    results.push({ id, half: halfOf(entry.domain), truth: want, got: read(html, url) });
  }
  return results;
}

type Native = { readonly extract: (html: string, options: { readonly url: string }) => Record<string, unknown> };

/** Other extractors by name, from a folder with their packages in node_modules. */
function peersOf(folder: string): [string, Read][] {
  const load = createRequire(join(folder, "package.json"));
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  const native = load("trafilatura-linux-x64-gnu") as Native;
  const { Readability } = load("@mozilla/readability");
  const { parseHTML } = load("linkedom");
  return [
    [
      "rs-trafilatura",
      (html, url) => {
        const out = (native.extract(html, { url }).metadata ?? {}) as Record<string, unknown>;
        return {
          title: text(out.title),
          author: text(out.author),
          date: text(out.date)?.slice(0, 10) ?? null,
        };
      },
    ],
    [
      "readability+linkedom",
      (html) => {
        const out = orNothing(() => new Readability(parseHTML(html).document).parse());
        return {
          title: text(out?.title),
          author: text(out?.byline),
          date: isoDate(text(out?.publishedTime) ?? "")?.slice(0, 10) ?? null,
        };
      },
    ],
  ];
}

/** It throws on some pages; that counts as nothing found. */
function orNothing(parse: () => Record<string, unknown> | null): Record<string, unknown> | null {
  try {
    return parse();
  } catch {
    return null;
  }
}

/** Case, spaces, punctuation and the "and" between names do not count. */
function plain(value: string | null | undefined): string {
  return (value ?? "")
    .toLowerCase()
    .normalize("NFKC")
    .replace(/\band\b/g, "")
    .replace(/[^\p{L}\p{N}]+/gu, "");
}

function report(name: string, all: readonly Result[]): void {
  for (const half of ["tune", "held"]) {
    const part = all.filter((result) => result.half === half);
    if (part.length === 0) continue;
    const exact = share(part.filter(({ truth, got }) => plain(truth.title) === plain(got.title)).length, part.length);
    const likeness =
      part.reduce((sum, { truth, got }) => sum + wordF1(truth.title ?? "", got.title ?? ""), 0) / part.length;
    console.log(
      `${name} ${half} n ${part.length}: title exact ${exact}, word F1 ${likeness.toFixed(3)}; ${found(part, "author")}; ${found(part, "date")}`,
    );
  }
  const field = values.wrong;
  if (name !== "millrace" || (field !== "title" && field !== "author" && field !== "date")) return;
  for (const { id, truth, got } of all) {
    if (!isRight(field, { truth, got })) console.log(id, JSON.stringify({ got: got[field], truth: truth[field] }));
  }
}

function isRight(field: keyof Fields, { truth, got }: Pick<Result, "truth" | "got">): boolean {
  return plain(truth[field]) === plain(field === "date" ? got.date?.slice(0, 10) : got[field]);
}

/** Precision of what was given and recall of what the truth has. */
function found(part: readonly Result[], field: "author" | "date"): string {
  const given = part.filter(({ got }) => plain(got[field]) !== "");
  const wanted = part.filter(({ truth }) => plain(truth[field]) !== "");
  const right = given.filter((result) => isRight(field, result)).length;
  return `${field} precision ${share(right, given.length)} recall ${share(right, wanted.length)}`;
}

function share(part: number, whole: number): string {
  return (part / Math.max(1, whole)).toFixed(3);
}
