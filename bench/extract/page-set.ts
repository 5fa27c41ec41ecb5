/** Pages with what a good extractor finds in them: DIR/ID.html.gz (or .html) beside DIR/ID.json, as WCXB publishes them. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { MillraceError } from "@millrace/core";
import { PAGE_BYTES_MAX, PAGES_MAX } from "./limits.ts";

export type Truth = {
  readonly mainContent: string;
  /** Text that belongs to the main content, and text that does not. */
  readonly withSnippets: readonly string[];
  readonly withoutSnippets: readonly string[];
  readonly title: string | undefined;
  readonly author: string | undefined;
  readonly published: string | undefined;
};

export type JudgedPage = {
  readonly id: string;
  readonly url: string | undefined;
  /** "unknown" where neither the truth nor the metadata file says it. */
  readonly type: string;
  /** Lower-case host without `www.`; undefined without an address. */
  readonly domain: string | undefined;
  readonly truth: Truth;
  /** Reads the page anew at every call: a set does not fit in memory. */
  readonly read: () => Uint8Array;
};

export type PageSet = {
  readonly pages: readonly JudgedPage[];
  /** Pages that no truth was found for; they are left out. */
  readonly unmatched: number;
};

export type PageSetOptions = {
  readonly pages: string;
  readonly truth: string;
  /** Names page types and domains; default: `metadata.json` in or above one of the folders, where there is one. */
  readonly metadata?: string | undefined;
  /** At most so many pages, spread evenly over the set. */
  readonly limit?: number | undefined;
};

type Listed = { readonly page_type?: unknown; readonly domain?: unknown };

const PAGE_NAME = /^(.+)\.html(?:\.gz)?$/;

/** `not_found` when no page has a truth, `unreadable_document` for a file that is not what it should be, `too_large` beyond the limits. */
export function readPageSet(options: PageSetOptions): PageSet {
  const { pages, truth, limit } = options;
  const listed = readListing(options);
  const names = listNames(pages);
  const matched = names.filter((name) => existsSync(join(truth, `${idOf(name)}.json`)));
  if (matched.length === 0) {
    const found = `${names.length} pages in ${pages}, none with its ID.json in ${truth}`;
    throw new MillraceError("not_found", `${found}; give folders with ID.html.gz and ID.json`);
  }
  if (matched.length > PAGES_MAX)
    throw new MillraceError("too_large", `${matched.length} pages; ${PAGES_MAX} is the limit, give --limit`);
  const chosen = spread(matched, limit ?? matched.length);
  return {
    pages: chosen.map((name) => openPage(options, name, listed)),
    unmatched: names.length - matched.length,
  };
}

/** What tells a page from all others, whatever it is called: the beginning of the SHA-256 of its bytes, in hex. */
export function fingerprintOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

export function domainOf(address: string | undefined): string | undefined {
  const host = address === undefined ? undefined : URL.parse(address)?.hostname;
  return host === undefined || host === "" ? undefined : plainHost(host);
}

function plainHost(host: string): string {
  return host.toLowerCase().replace(/^www\./, "");
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => PAGE_NAME.test(name))
      .sort();
  } catch (cause) {
    throw new MillraceError("not_found", `${directory} cannot be listed; give the folder of ID.html.gz`, { cause });
  }
}

function idOf(name: string): string {
  return PAGE_NAME.exec(name)?.[1] ?? name;
}

function spread<Item>(items: readonly Item[], limit: number): Item[] {
  if (limit >= items.length) return [...items];
  return items.filter(
    (_, at) => Math.floor((at * limit) / items.length) !== Math.floor(((at - 1) * limit) / items.length),
  );
}

function openPage(options: PageSetOptions, name: string, listed: ReadonlyMap<string, Listed>): JudgedPage {
  const id = idOf(name);
  const file = join(options.truth, `${id}.json`);
  const record = asRecord(readJson(file));
  if (!record) throw new MillraceError("unreadable_document", `${file} holds no JSON object; see bench/README.md`);
  const url = textOf(record.url);
  const entry = listed.get(id);
  const named = asRecord(asRecord(record._internal)?.page_type)?.primary;
  const host = textOf(entry?.domain);
  return {
    id,
    url,
    type: textOf(named) ?? textOf(entry?.page_type) ?? "unknown",
    domain: host === undefined ? domainOf(url) : plainHost(host),
    truth: truthIn(file, record),
    read: () => readPage(join(options.pages, name)),
  };
}

function truthIn(file: string, record: Record<string, unknown>): Truth {
  const found = asRecord(record.ground_truth);
  if (!found) throw new MillraceError("unreadable_document", `${file} has no ground_truth; see bench/README.md`);
  return {
    mainContent: textOf(found.main_content) ?? "",
    withSnippets: textsOf(found.with),
    withoutSnippets: textsOf(found.without),
    title: textOf(found.title),
    author: textOf(found.author),
    published: textOf(found.publish_date),
  };
}

function readPage(path: string): Uint8Array {
  const bytes = readFileSync(path);
  if (!path.endsWith(".gz")) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: PAGE_BYTES_MAX });
  } catch (cause) {
    const text = `${path} cannot be decompressed to at most ${PAGE_BYTES_MAX} bytes; remove it from the set`;
    throw new MillraceError("unreadable_document", text, { cause });
  }
}

function readListing({ pages, truth, metadata }: PageSetOptions): ReadonlyMap<string, Listed> {
  const places = [pages, truth, dirname(pages), dirname(truth)].map((directory) => join(directory, "metadata.json"));
  const path = metadata ?? places.find((place) => existsSync(place));
  if (path === undefined) return new Map();
  const files = asRecord(asRecord(readJson(path))?.files);
  if (files) return new Map(Object.entries(files).map(([id, entry]) => [id, asRecord(entry) ?? {}]));
  if (metadata === undefined) return new Map();
  throw new MillraceError("unreadable_document", `${path} has no "files"; it should say {"files": {ID: {page_type}}}`);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new MillraceError("unreadable_document", `${path} cannot be read as JSON`, { cause });
  }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string" && one !== "") : [];
}
