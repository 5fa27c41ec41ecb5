import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@millrace/client";
import { createRng, Histogram, randomBelow } from "@millrace/core";
import type { Server } from "@millrace/server";
import { type BenchCase, defineCase } from "../src/case.ts";

type Running = { readonly server: Server; readonly client: Client; readonly directory: string };

async function start(): Promise<Running> {
  const { startServer } = await import("@millrace/server");
  const { createClient } = await import("@millrace/client");
  const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const server = await startServer({ port: 0, directory });
  return { server, client: createClient({ url: server.url }), directory };
}

async function stop({ server, client, directory }: Running): Promise<void> {
  client.close();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
}

const rng = createRng(5);
/** 4,000 made-up words with Zipf's frequencies: postings shaped like a language's. */
const WORDS = Array.from({ length: 4_000 }, () => Array.from({ length: 2 + randomBelow(rng, 3) }, syllable).join(""));

function syllable(): string {
  return `${"bdfgklmnprst"[randomBelow(rng, 12)]}${"aeiou"[randomBelow(rng, 5)]}`;
}

function word(): string {
  return WORDS[Math.floor(WORDS.length ** rng()) - 1] ?? "mill";
}

function sentence(length: number): string {
  return Array.from({ length }, word).join(" ");
}

/** About 6 KB of Markdown in 5 sections. */
function page(n: number): string {
  const section = () => `## ${sentence(4)}\n\n${Array.from({ length: 12 }, () => `${sentence(14)}.`).join(" ")}\n`;
  return `# Page ${n}\n\n${Array.from({ length: 5 }, section).join("\n")}`;
}

async function addPages(client: Client, space: string, count: number): Promise<{ chunks: number; seconds: number }> {
  const sources = Array.from({ length: count }, (_, n) => ({
    source: `page-${n}.md`,
    text: page(n),
    contentType: "text/markdown",
  }));
  const startedMs = performance.now();
  const job = await client.space(space).add(sources, { waitMs: 60_000 });
  if (job.stored !== count) throw new Error(`stored ${job.stored} of ${count}`);
  return { chunks: job.chunks, seconds: (performance.now() - startedMs) / 1000 };
}

let round = 0;

const add = defineCase({
  name: "engine/add",
  title: "200 Markdown pages of 6 KB, from request to searchable, over HTTP",
  unit: "documents/s",
  figures: { documents: { kind: "throughput" }, chunks: { kind: "throughput", unit: "chunks/s" } },
  options: { pages: 200, embedding: "static" },
  setup: start,
  teardown: stop,
  run: async ({ client }) => {
    const { chunks, seconds } = await addPages(client, `add-${round++}`, 200);
    return { documents: 200 / seconds, chunks: chunks / seconds };
  },
});

function recallCase(mode: "hybrid" | "text" | "vector", pages: number): BenchCase {
  return defineCase({
    name: `engine/recall-${mode}`,
    title: `one ${mode} recall over ${pages} pages (about ${pages * 8} chunks), one at a time over HTTP`,
    unit: "ms",
    figures: { p50: { kind: "latency" }, p99: { kind: "latency" }, chunks: { kind: "plain", unit: "chunks" } },
    options: { pages, recalls: 300, k: 8, words: 6 },
    setup: async () => {
      const running = await start();
      return { ...running, ...(await addPages(running.client, "docs", pages)) };
    },
    teardown: stop,
    run: async ({ client, chunks }) => {
      const micros = new Histogram();
      for (let n = 0; n < 300; n++) {
        const sentMs = performance.now();
        await client.space("docs").recall({ query: sentence(6), mode });
        micros.record((performance.now() - sentMs) * 1000);
      }
      return { p50: micros.quantile(0.5) / 1000, p99: micros.quantile(0.99) / 1000, chunks };
    },
  });
}

export const cases: readonly BenchCase[] = [
  add,
  recallCase("hybrid", 1_000),
  recallCase("text", 1_000),
  recallCase("vector", 1_000),
];
