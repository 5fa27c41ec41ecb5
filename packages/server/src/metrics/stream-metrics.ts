/** The families of the stream engine and of the process, for Prometheus. */
import type { Overview } from "@millrace/protocol";
import type { Engine } from "../engine.ts";
import { counter, counts, durations, gauge, labelled, type Pairs, SHORT_BOUNDS_S } from "./exposition.ts";

const SECOND_MS = 1_000;

type Figures = Overview["streams"];

export function streamFamilies(engine: Engine, figures: Figures): string {
  return [
    ...flow(engine, figures),
    ...subscribers(engine, figures),
    ...memory(figures),
    ...storage(engine),
    ...lifecycles(engine),
    ...translations(engine),
    ...retention(engine),
    ...busiest(figures),
    ...processFamilies(engine),
  ].join("");
}

function flow({ meters, sequencer }: Engine, { duplicates }: Figures): string[] {
  const { rounds, coalesced } = sequencer.flusher;
  const help = "From the take-up of an append to its frames being numbered and handed on, on the main thread";
  return [
    counter("millrace_events_accepted_total", "Events that got a number since the start", meters.events.total),
    counter("millrace_events_duplicate_total", "Events that were an append already (I3)", duplicates),
    durations("millrace_consume_seconds", help, sequencer.consumeMicros, SHORT_BOUNDS_S),
    counter("millrace_flushes_total", "Rounds of waking subscribers", rounds),
    counter("millrace_flushes_coalesced_total", "Of them, rounds that were put off to carry more frames", coalesced),
  ];
}

function subscribers({ meters }: Engine, { followers, lagging, lagFrames, waitingMs, demotions }: Figures): string[] {
  return [
    gauge("millrace_subscriptions", "Streams followed, over all subscribers", followers),
    gauge("millrace_subscriptions_lagging", "Subscriptions over their byte budget (I6)", lagging),
    gauge("millrace_subscription_frames_behind", "Frames not yet handed over, all together", lagFrames.sum),
    gauge("millrace_subscription_frames_behind_max", "Frames not yet handed over to the slowest", lagFrames.max),
    gauge(
      "millrace_subscription_wait_seconds_max",
      "Longest a subscriber has taken none of the frames that wait for it",
      waitingMs / SECOND_MS,
    ),
    counter("millrace_demotions_total", "Subscribers that went over their budget, since the start", demotions),
    labelled(
      "millrace_subscriptions_ended_total",
      { type: "counter", help: "Subscriptions that the engine ended, by code", label: "code" },
      [...meters.ended],
    ),
  ];
}

function memory({ open, ringBytes, evictedFrames, durableLag }: Figures): string[] {
  return [
    gauge("millrace_streams_open", "Streams in memory", open),
    gauge("millrace_ring_bytes", "Frames in memory, as UTF-16 units of their JSON", ringBytes),
    counter("millrace_ring_evicted_frames_total", "Frames that left memory for newer ones", evictedFrames),
    gauge("millrace_durable_lag_frames", "Frames seen by readers and not yet durable, all together", durableLag.sum),
    gauge("millrace_durable_lag_frames_max", "The same, of the stream that has most", durableLag.max),
  ];
}

function storage({ storage }: Engine): string[] {
  const { syncMicros, projectMicros, rowsPerCommit, callsPerCommit, waitingBytes } = storage;
  return [
    durations("millrace_commit_sync_seconds", "The part of a commit that puts it on disk", syncMicros),
    durations(
      "millrace_project_seconds",
      "The part of a commit that applies frames to entities",
      projectMicros,
      SHORT_BOUNDS_S,
    ),
    counts("millrace_commit_rows", "Rows written or deleted by one commit", rowsPerCommit),
    counts("millrace_commit_calls", "Calls that shared one commit", callsPerCommit),
    gauge("millrace_storage_waiting_bytes", "Frames that wait for the storage thread", waitingBytes),
  ];
}

function lifecycles({ sequencer }: Engine): string[] {
  const { refused, anomalies, keyframes, textsGivenUp } = sequencer.lifecycles;
  return [
    labelled(
      "millrace_lifecycle_refusals_total",
      { type: "counter", help: "Appends that a lifecycle refused (I7)", label: "code" },
      Object.entries(refused),
    ),
    labelled(
      "millrace_lifecycle_anomalies_total",
      { type: "counter", help: "Frames kept although they are odd", label: "kind" },
      Object.entries(anomalies),
    ),
    counter("millrace_lifecycle_keyframes_total", "Deltas that got the whole text as well", keyframes),
    counter("millrace_lifecycle_texts_given_up_total", "Texts that grew too long for keyframes", textsGivenUp),
  ];
}

/** The types are what clients sent: only the most frequent are named, and their counts are upper bounds. */
function translations({ sequencer }: Engine): string[] {
  const { unknown, failed, unknownTypes, failedTypes } = sequencer.translators.counts;
  const ofTypes = (name: string, what: string, pairs: Pairs) => {
    const help = `${what}, the most frequent types; each count is at most this`;
    return labelled(name, { type: "gauge", help, label: "type" }, pairs);
  };
  return [
    counter("millrace_events_unknown_total", "Events of unknown types, kept as log frames", unknown),
    ofTypes("millrace_events_unknown_by_type", "Events of unknown types", unknownTypes),
    counter("millrace_translations_failed_total", "Events whose translator failed, kept as log frames", failed),
    ofTypes("millrace_translations_failed_by_type", "Events whose translator failed", failedTypes),
  ];
}

function retention(engine: Engine): string[] {
  const { passes, failures, steps, frames, bytes, streamsRemoved } = engine.retention.stats;
  return [
    counter("millrace_retention_passes_total", "Sweeps over the streams since the start", passes),
    counter("millrace_retention_failures_total", "Sweeps that failed since the start", failures),
    counter("millrace_retention_steps_total", "Commits of trimming since the start", steps),
    counter("millrace_retention_frames_total", "Frames trimmed since the start", frames),
    counter("millrace_retention_bytes_total", "Bytes of frames trimmed since the start", bytes),
    counter("millrace_retention_streams_total", "Streams deleted since the start", streamsRemoved),
  ];
}

/** The busiest streams only: a label for each of all streams would have no bound (I12). */
function busiest({ top }: Figures): string[] {
  const family = (name: string, help: string, figureOf: (activity: (typeof top)[number]) => number) =>
    labelled(
      name,
      { type: "gauge", help: `${help}, of the busiest streams`, label: "stream" },
      top.map((activity) => [activity.stream, figureOf(activity)]),
    );
  return [
    family("millrace_stream_events_per_second", "Events in over 5 s", ({ eventsPerSecond = 0 }) => eventsPerSecond),
    family("millrace_stream_frames_per_second", "Frames out over 5 s", ({ framesPerSecond = 0 }) => framesPerSecond),
    family("millrace_stream_subscribers", "Subscribers", ({ subscribers }) => subscribers),
    family("millrace_stream_frames_behind", "Frames the slowest subscriber is behind", ({ lagFrames }) => lagFrames),
    family("millrace_stream_durable_lag_frames", "Frames seen and not yet durable", ({ durableLag }) => durableLag),
  ];
}

function processFamilies({ process }: Engine): string[] {
  const { gcPauseMicros, allocatedBytes, heapBytes, loopDelayMs } = process;
  const { p50, p99, max } = loopDelayMs;
  return [
    durations("millrace_gc_pause_seconds", "One pause for garbage collection, main thread", gcPauseMicros),
    counter(
      "millrace_heap_allocated_bytes_total",
      "Allocated on the JavaScript heap of the main thread",
      allocatedBytes,
    ),
    gauge("millrace_heap_used_bytes", "JavaScript heap of the main thread", heapBytes),
    labelled(
      "millrace_event_loop_delay_seconds",
      { type: "gauge", help: "How late the event loop ran, over the last 30 to 60 s", label: "quantile" },
      [
        ["0.5", p50 / SECOND_MS],
        ["0.99", p99 / SECOND_MS],
        ["1", max / SECOND_MS],
      ],
    ),
  ];
}
