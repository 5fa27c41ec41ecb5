/** Tokenizers on one thread, from decoded text: the kernel, its twin, htmlparser2's SAX parser and parse5, which builds a tree. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { decodeText, tokenizeJs, tokenizeWasm } from "@millrace/extract/in-place";
import { Parser } from "htmlparser2";
import { parse } from "parse5";
import { cpuMsSince } from "../extract/cpu-time.ts";
import { synthesizePage } from "../extract/synthetic-page.ts";
import { type BenchCase, defineCase } from "../src/case.ts";
import { note } from "../src/note.ts";

/** Pages of other seeds in turn, so that no call finds its page in the caches of the processor. */
const SEEDS = 16;
/** Read by each of ours in one measurement, and by each peer, which are some five to twenty times slower. */
const OWN_BYTES_READ = 80_000_000;
const PEER_BYTES_READ = 16_000_000;
/** Real pages, spread evenly over the set. */
const REAL_PAGES = 100;
const REAL_DIRECTORY = process.env.MILLRACE_WCXB ?? join(import.meta.dirname, "../../../shared/data/wcxb-dev");

/** Gives a number that depends on the work, so that none of it can be left out. */
type Reader = (html: string) => number;

const READERS: Readonly<Record<string, { readonly read: Reader; readonly bytesRead: number }>> = {
  kernel: { read: (html) => tokenizeWasm(html).count, bytesRead: OWN_BYTES_READ },
  twin: { read: (html) => tokenizeJs(html).count, bytesRead: OWN_BYTES_READ },
  htmlparser2: { read: countEvents, bytesRead: PEER_BYTES_READ },
  parse5: { read: (html) => parse(html, { scriptingEnabled: false }).childNodes.length, bytesRead: PEER_BYTES_READ },
};

function countEvents(html: string): number {
  let events = 0;
  const count = () => {
    events++;
  };
  new Parser({ onopentag: count, ontext: count, onclosetag: count }).end(html);
  return events;
}

type Texts = { readonly texts: readonly string[]; readonly bytes: number };

function decoded(pages: readonly Uint8Array[]): Texts {
  const texts = pages.map((bytes) => decodeText(bytes, { isHtml: true }));
  return { texts, bytes: pages.reduce((sum, bytes) => sum + bytes.length, 0) };
}

/** Megabytes of page a second of processor time, by reader: other work on the machine does not count. */
function measure({ texts, bytes }: Texts): Record<string, number> {
  const figures: Record<string, number> = {};
  for (const [name, { read, bytesRead }] of Object.entries(READERS)) {
    const rounds = Math.max(1, Math.round(bytesRead / bytes));
    let seen = 0;
    const before = process.cpuUsage();
    for (let round = 0; round < rounds; round++) for (const text of texts) seen += read(text);
    const cpuMs = cpuMsSince(before);
    if (seen === 0) throw new Error(`${name} read nothing`);
    figures[name] = (rounds * bytes) / 1e3 / cpuMs;
  }
  return figures;
}

const FIGURE = { kind: "throughput", unit: "MB/s" } as const;

function synthetic(kilobytes: number): BenchCase {
  const bytes = kilobytes * 1_000;
  return defineCase({
    name: `tokenizer/synthetic-${kilobytes}k`,
    title: `a generated page of ${kilobytes} KB; parse5 builds a tree`,
    unit: "MB/s",
    figures: { kernel: FIGURE, twin: FIGURE, htmlparser2: FIGURE, parse5: FIGURE },
    options: { bytes, seeds: SEEDS },
    setup: () => {
      const seeds = Array.from({ length: SEEDS }, (_, at) => at + 1);
      return decoded(seeds.map((seed) => new TextEncoder().encode(synthesizePage({ bytes, seed }).html)));
    },
    run: measure,
  });
}

function realPages(): Uint8Array[] {
  const directory = join(REAL_DIRECTORY, "html");
  if (!existsSync(directory)) {
    note(`data missing: wcxb-dev is not in ${REAL_DIRECTORY}; give its folder with MILLRACE_WCXB`);
    return [];
  }
  const names = readdirSync(directory).sort();
  const step = Math.max(1, Math.floor(names.length / REAL_PAGES));
  const chosen = names.filter((name, at) => at % step === 0 && name.endsWith(".html.gz"));
  return chosen.slice(0, REAL_PAGES).map((name) => gunzipSync(readFileSync(join(directory, name))));
}

const OPTIONAL = { ...FIGURE, isOptional: true } as const;

const real = defineCase({
  name: "tokenizer/real-pages",
  title: `${REAL_PAGES} real pages (WCXB, development split); parse5 builds a tree`,
  unit: "MB/s",
  figures: { kernel: OPTIONAL, twin: OPTIONAL, htmlparser2: OPTIONAL, parse5: OPTIONAL },
  options: { pages: REAL_PAGES },
  setup: () => decoded(realPages()),
  run: (texts) => (texts.texts.length === 0 ? {} : measure(texts)),
});

export const cases: readonly BenchCase[] = [...[1, 10, 100, 500].map(synthetic), real];
