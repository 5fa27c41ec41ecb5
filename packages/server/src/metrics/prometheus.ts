import type { Overview } from "@millrace/protocol";
import type { Engine } from "../engine.ts";
import { counter, durations, gauge, labelled } from "./exposition.ts";
import { extractFamilies } from "./extract-metrics.ts";
import { ingestFamilies } from "./ingest-metrics.ts";
import { merged } from "./overview.ts";
import { streamFamilies } from "./stream-metrics.ts";

/** The metrics in Prometheus' text format 0.0.4. Labels are closed lists, or the top few of open ones. */
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
    counter("millrace_frames_appended_total", "Frames made durable since the start", meters.frames.total),
    counter("millrace_frames_delivered_total", "Frames handed to subscribers since the start", totals.deliveries),
    counter("millrace_recalls_total", "Recalls answered since the start", totals.recalls),
    counter("millrace_requests_total", "HTTP requests since the start", meters.requests.total),
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
      { type: "gauge", help: "Items waiting", label: "queue" },
      Object.entries(queues).map(([name, { depth }]) => [name, depth]),
    ),
    labelled(
      "millrace_refusals_total",
      { type: "counter", help: "Requests and messages refused, by code", label: "code" },
      [...meters.refusals],
    ),
    durations("millrace_extract_seconds", "Extraction of one source", meters.extractMicros),
    durations("millrace_embed_seconds", "Embedding of one batch", merged(embedMicros)),
    durations("millrace_commit_seconds", "One commit of the log", storage.commitMicros),
    durations("millrace_deliver_seconds", "From numbering to hand-over to a subscriber", meters.deliverMicros),
    durations("millrace_recall_seconds", "One recall", recallMicros),
    durations("millrace_request_seconds", "One HTTP request", meters.requestMicros),
    streamFamilies(engine, overview.streams),
    ingestFamilies(engine, overview.ingest),
    extractFamilies(engine),
  ];
  return lines.join("");
}
