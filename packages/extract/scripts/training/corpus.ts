/** The pages that the model is trained on: WCXB's development split (CC-BY-4.0), read from a folder. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { decodeText } from "../../src/decode-text.ts";

export type CorpusPage = {
  readonly id: string;
  readonly url: string;
  readonly domain: string;
  readonly type: string;
  readonly html: string;
  /** SHA-256 of the page's bytes. */
  readonly hash: string;
  readonly reference: string;
};

type Listing = { readonly files: Record<string, { readonly page_type: string; readonly domain: string }> };
type Truth = { readonly url: string; readonly ground_truth: { readonly main_content?: string | null } };

/** In order of id. */
export function* readCorpus(folder: string): Generator<CorpusPage> {
  const listing = JSON.parse(readFileSync(join(folder, "metadata.json"), "utf8")) as Listing;
  for (const name of readdirSync(join(folder, "html")).sort()) {
    const id = name.slice(0, 4);
    const entry = listing.files[id];
    if (!entry) continue;
    const bytes = gunzipSync(readFileSync(join(folder, "html", name)));
    const truth = JSON.parse(readFileSync(join(folder, "ground-truth", `${id}.json`), "utf8")) as Truth;
    yield {
      id,
      url: truth.url,
      domain: entry.domain,
      type: entry.page_type,
      html: decodeText(bytes, { isHtml: true }),
      hash: createHash("sha256").update(bytes).digest("hex"),
      reference: truth.ground_truth.main_content ?? "",
    };
  }
}
