import type { Histogram } from "@millrace/core";
import type { Overview } from "@millrace/protocol";
import type { Engine } from "../engine.ts";
import { merged } from "./overview.ts";

/** Upper bounds of the exported buckets, in seconds. */
const BOUNDS_S = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The metrics in Prometheus' text format 0.0.4. Labels are closed lists: error codes and queue names. */
export async function toPrometheus(engine: Engine, overview: Overview, unsentBytes: number): Promise<string> {
  const { meters, storage, memory } = engine;
  const { embedMicros, recallMicros } = await memory.stats();
  const { totals, queues } = overview;
  const lines = [
    counter("millrace_sources_read_total", "Sources read since the start", totals.sources),
    counter("millrace_source_bytes_total", "Bytes of sources read since the start", meters.bytes.total),
    counter("millrace_documents_stored_total", "Documents stored since the start", meters.documents.total),
    counter("millrace_documents_failed_total", "Sources that failed since the start", totals.failed),
    counter("millrace_chunks_stored_total", "Chunks stored since the start", meters.chunks.total),
    counter("millrace_frames_appended_total", "Frames appended since the start", meters.frames.total),
    counter("millrace_frames_delivered_total", "Frames handed to subscribers since the start", totals.deliveries),
    counter("millrace_recalls_total", "Recalls answered since the start", totals.recalls),
    counter("millrace_requests_total", "HTTP requests since the start", meters.requests.total),
    counter("millrace_retention_frames_total", "Frames trimmed since the start", engine.retention.stats.frames),
    counter("millrace_retention_steps_total", "Commits of trimming since the start", engine.retention.stats.steps),
    counter("millrace_retention_failures_total", "Sweeps that failed since the start", engine.retention.stats.failures),
    gauge("millrace_documents", "Documents held", totals.documents),
    gauge("millrace_chunks", "Chunks held", totals.chunks),
    gauge("millrace_spaces", "Spaces", totals.spaces),
    gauge("millrace_streams", "Streams in the log", totals.streams),
    gauge("millrace_subscribers", "Sockets that follow streams", overview.subscribers),
    gauge("millrace_subscriber_unsent_bytes", "Bytes handed to sockets and not yet taken", unsentBytes),
    gauge("millrace_jobs_running", "Jobs running", overview.jobs.running),
    gauge("millrace_resident_memory_bytes", "Resident memory of the process", overview.memory.rssBytes),
    gauge("millrace_index_memory_bytes", "Memory of the vector index", overview.memory.indexBytes),
    labelled(
      "millrace_queue_depth",
      "gauge",
      "Items waiting",
      "queue",
      Object.entries(queues).map(([name, { depth }]) => [name, depth]),
    ),
    labelled("millrace_refusals_total", "counter", "Requests refused, by code", "code", [...meters.refusals]),
    histogram("millrace_extract_seconds", "Extraction of one source", meters.extractMicros),
    histogram("millrace_embed_seconds", "Embedding of one batch", merged(embedMicros)),
    histogram("millrace_commit_seconds", "One commit of the log", storage.commitMicros),
    histogram("millrace_deliver_seconds", "From commit to hand-over to a subscriber", meters.deliverMicros),
    histogram("millrace_recall_seconds", "One recall", recallMicros),
    histogram("millrace_request_seconds", "One HTTP request", meters.requestMicros),
  ];
  return lines.join("");
}

function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function counter(name: string, help: string, value: number): string {
  return `${head(name, "counter", help)}${name} ${value}\n`;
}

function gauge(name: string, help: string, value: number): string {
  return `${head(name, "gauge", help)}${name} ${value}\n`;
}

type Pairs = readonly (readonly [string, number])[];

function labelled(name: string, type: string, help: string, label: string, pairs: Pairs): string {
  return head(name, type, help) + pairs.map(([key, value]) => `${name}{${label}="${key}"} ${value}\n`).join("");
}

function histogram(name: string, help: string, micros: Histogram): string {
  const buckets = BOUNDS_S.map((bound) => `${name}_bucket{le="${bound}"} ${micros.countAtMost(bound * 1e6)}\n`).join(
    "",
  );
  const rest = `${name}_bucket{le="+Inf"} ${micros.count}\n${name}_sum ${micros.sum / 1e6}\n${name}_count ${micros.count}\n`;
  return head(name, "histogram", help) + buckets + rest;
}
