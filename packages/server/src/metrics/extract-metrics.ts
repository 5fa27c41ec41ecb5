/** The families of extraction, for Prometheus: runs, parse workers, caches, fetcher and gate. */
import type { CacheStats, ExtractorStats, FetcherStats, GateStats, WorkerPoolStats } from "@millrace/extract";
import type { Engine } from "../engine.ts";
import { counter, crossed, gauge, labelled } from "./exposition.ts";

const SECOND_MS = 1_000;
const SECOND_US = 1e6;
const LAYERS = ["memory", "disk"] as const;

type Caches = readonly (readonly [cache: string, stats: CacheStats])[];

export function extractFamilies({ extracts, pageService }: Engine): string {
  const { extractor, pages, documents, fetcher, gate } = pageService;
  const caches: Caches = [
    ["pages", pages.stats()],
    ["documents", documents.stats()],
  ];
  const stats = extractor.stats();
  return [
    gauge("millrace_extracts_running", "Extractions of several sources that run", extracts.running),
    ...workers(stats.parse),
    ...jobs(stats.parse),
    ...pdf(stats),
    ...requests(caches),
    ...loads(caches),
    ...held(caches),
    ...fetches(fetcher.stats()),
    ...decisions(gate.stats()),
  ].join("");
}

function workers({ workers, busy, started, retired, busyMs, memoryBytesMax }: WorkerPoolStats): string[] {
  return [
    gauge("millrace_parse_workers", "Threads that read sources, alive", workers),
    gauge("millrace_parse_workers_busy", "Of them, with a job", busy),
    counter("millrace_parse_workers_started_total", "Started since the start", started),
    labelled(
      "millrace_parse_workers_retired_total",
      { type: "counter", help: "Ended since the start, by reason", label: "reason" },
      Object.entries(retired).map(([reason, count]) => [inSnakeCase(reason), count]),
    ),
    counter("millrace_parse_busy_seconds_total", "Time they had jobs, all together", busyMs / SECOND_MS),
    gauge("millrace_parse_worker_memory_bytes_max", "Most that one of them holds after its last job", memoryBytesMax),
  ];
}

function jobs({ waiting, jobs, reused, reuseRate, retried, queueWaitUs }: WorkerPoolStats): string[] {
  return [
    counter("millrace_parse_jobs_total", "Sources that workers answered, since the start", jobs),
    counter("millrace_parse_jobs_reused_total", "Of them, by a worker that had answered one before", reused),
    gauge("millrace_parse_reuse_rate", "Their share since the start, 1 before the first", reuseRate),
    counter("millrace_parse_jobs_retried_total", "Given to a second worker, since the first died before it", retried),
    labelled(
      "millrace_parse_waiting",
      { type: "gauge", help: "Sources that wait for a worker, by priority", label: "priority" },
      Object.entries(waiting),
    ),
    labelled(
      "millrace_parse_queue_wait_seconds",
      { type: "gauge", help: "How long sources waited for a worker, since the start", label: "quantile" },
      [
        ["0.5", queueWaitUs.p50 / SECOND_US],
        ["0.95", queueWaitUs.p95 / SECOND_US],
        ["0.99", queueWaitUs.p99 / SECOND_US],
        ["1", queueWaitUs.max / SECOND_US],
      ],
    ),
  ];
}

function pdf({ pdfProcesses, pdfWaiting }: ExtractorStats): string[] {
  return [
    gauge("millrace_pdf_processes", "Processes that read PDF files, alive", pdfProcesses.length),
    gauge("millrace_pdf_waiting", "PDF files that wait for one", pdfWaiting),
  ];
}

function requests(caches: Caches): string[] {
  const total = totalsOf(caches);
  return [
    byLayer(
      ["millrace_extract_cache_hits_total", "counter", "Requests answered by a layer, stale ones included"],
      caches,
      ({ hits }) => hits,
    ),
    total("misses", "Requests that waited for a load, or found nothing and wanted none", ({ misses }) => misses),
    total("joined", "Of them, those that waited for a load under way", ({ joined }) => joined),
    total("stale", "Of the hits, those past their time to live", ({ stale }) => stale),
    total("negative", "Requests answered with a failure that is kept", ({ negative }) => negative),
    total("bypassed", "Requests past the cache, and values too large for it", ({ bypassed }) => bypassed),
  ];
}

function loads(caches: Caches): string[] {
  const total = totalsOf(caches);
  return [
    total("loads", "Loads begun, refreshes included", ({ loads }) => loads),
    total("refreshes", "Refreshes of stale values", ({ refreshes }) => refreshes),
    total("refresh_failures", "Refreshes that failed", ({ refreshFailures }) => refreshFailures),
    total("dropped", "Values that did not reach the disk, since too much was on its way", ({ dropped }) => dropped),
    total("faults", "Faults of the disk layer", ({ faults }) => faults),
  ];
}

function held(caches: Caches): string[] {
  return [
    byLayer(["millrace_extract_cache_bytes", "gauge", "Bytes of values held"], caches, ({ bytes }) => bytes),
    byLayer(["millrace_extract_cache_entries", "gauge", "Values held"], caches, ({ entries }) => entries),
    labelled(
      "millrace_extract_cache_failures",
      { type: "gauge", help: "Failures held", label: "cache" },
      caches.map(([cache, { entries }]) => [cache, entries.failures]),
    ),
    byLayer(
      ["millrace_extract_cache_evictions_total", "counter", "Values that left for others, since the start"],
      caches,
      ({ evictions }) => evictions,
    ),
  ];
}

function fetches(stats: FetcherStats): string[] {
  return [
    labelled(
      "millrace_fetches_total",
      { type: "counter", help: "Fetches that ended, since the start, by how", label: "result" },
      [
        ["page", stats.pages],
        ["not_modified", stats.notModified],
        ["failed", stats.failed],
      ],
    ),
    counter("millrace_fetch_robots_disallowed_total", "Of the failed, forbidden by robots.txt", stats.robotsDisallowed),
    counter("millrace_fetch_rate_limited_total", "Of the failed, without a turn in their time", stats.rateLimited),
    counter("millrace_fetch_retries_total", "Tries beyond the first, since the start", stats.retries),
    counter("millrace_fetch_bytes_total", "Bytes of pages fetched, decompressed", stats.bytes),
    gauge("millrace_fetches_in_flight", "Fetches in hand", stats.inFlight),
    gauge("millrace_fetches_waiting", "Of them, those that wait for a turn at their origin", stats.waiting),
    gauge("millrace_fetch_origins", "Origins remembered", stats.origins),
    gauge("millrace_fetch_origins_open", "Of them, left alone since they failed (open breakers)", stats.originsOpen),
  ];
}

function decisions({ degraded, domains, ...counts }: GateStats): string[] {
  return [
    labelled(
      "millrace_gate_decisions_total",
      { type: "counter", help: "What pages were judged to need, since the start", label: "decision" },
      Object.entries(counts),
    ),
    counter("millrace_gate_degraded_total", "Of static, those that wanted a browser and got none", degraded),
    gauge("millrace_gate_domains", "Domains whose earlier pages are remembered", domains),
  ];
}

type LayerHead = readonly [name: string, type: "counter" | "gauge", help: string];
type ByLayer = Readonly<Record<(typeof LAYERS)[number], number>>;

function byLayer([name, type, help]: LayerHead, caches: Caches, figuresOf: (stats: CacheStats) => ByLayer): string {
  const rows = caches.flatMap(([cache, stats]) =>
    LAYERS.map((layer) => [[cache, layer], figuresOf(stats)[layer]] as const),
  );
  return crossed(name, { type, help, labels: ["cache", "layer"] }, rows);
}

function totalsOf(caches: Caches) {
  return (what: string, help: string, figureOf: (stats: CacheStats) => number) =>
    labelled(
      `millrace_extract_cache_${what}_total`,
      { type: "counter", help: `${help}, since the start`, label: "cache" },
      caches.map(([cache, stats]) => [cache, figureOf(stats)]),
    );
}

/** Labels are written as codes are. */
function inSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
