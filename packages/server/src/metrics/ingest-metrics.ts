/** The families of observations and of alerts, for Prometheus. */
import { ALERT_RULES, type Overview } from "@millrace/protocol";
import type { Engine } from "../engine.ts";
import { counter, counts, durations, gauge, labelled, type Pairs } from "./exposition.ts";

const SECOND_MS = 1_000;
const STATES = ["normal", "warning", "critical", "overloaded"] as const;

type Figures = Overview["ingest"];

export function ingestFamilies(engine: Engine, figures: Figures): string {
  return [
    ...flow(engine, figures),
    ...lanes(figures),
    ...latencies(engine),
    ...workers(engine, figures),
    ...held(engine, figures),
    ...alerts(engine),
  ].join("");
}

function flow({ memory }: Engine, { totals, rates }: Figures): string[] {
  const { refusals, admission } = memory.ingest.ingest;
  return [
    counter("millrace_observations_accepted_total", "Taken into a lane since the start", totals.accepted),
    counter("millrace_observations_durable_total", "On disk since the start", totals.durable),
    counter("millrace_observations_searchable_total", "In every recall since the start", totals.searchable),
    counter("millrace_observations_indexed_total", "In the form their index keeps since the start", totals.indexed),
    counter("millrace_observations_removed_total", "Removed since the start", totals.removed),
    family(
      ["millrace_observations_per_second", "gauge", "Over the last 10 s", "mark"],
      [
        ["accepted", rates.acceptedPerSecond],
        ["durable", rates.durablePerSecond],
        ["searchable", rates.searchablePerSecond],
        ["indexed", rates.indexedPerSecond],
        ["refused", rates.refusedPerSecond],
      ],
    ),
    family(
      ["millrace_observations_refused_total", "counter", "Refused since the start, by code", "code"],
      [...refusals],
    ),
    family(
      ["millrace_admission_refused_total", "counter", "Of them, refused at the door of the lanes, by reason", "reason"],
      Object.entries(admission.refused),
    ),
  ];
}

function lanes({ lanes, pressure, state }: Figures): string[] {
  const ofLanes = (name: string, help: string, figureOf: (lane: Figures["lanes"][number]) => number) =>
    family(
      [name, "gauge", help, "lane"],
      lanes.map((lane) => [lane.lane, figureOf(lane)]),
    );
  return [
    ofLanes("millrace_lane_depth", "Observations accepted and not done", ({ depth }) => depth),
    ofLanes("millrace_lane_depth_limit", "Most of them", ({ limit }) => limit),
    ofLanes("millrace_lane_bytes", "Their bytes", ({ bytes }) => bytes),
    ofLanes("millrace_lane_bytes_limit", "Most of them", ({ bytesLimit }) => bytesLimit),
    ofLanes("millrace_lane_drain_per_second", "Observations done a second", ({ drainPerSecond }) => drainPerSecond),
    gauge("millrace_ingest_pressure", "How full the fullest of lanes and memory is, 0 to 1", pressure),
    family(
      ["millrace_ingest_state", "gauge", "1 for the state that ingest is in", "state"],
      STATES.map((one) => [one, one === state ? 1 : 0]),
    ),
  ];
}

function latencies({ memory }: Engine): string[] {
  const { batchSizes, waitMicros, durableMicros, searchableMicros } = memory.ingest.ingest;
  return [
    counts("millrace_ingest_batch_observations", "Observations handed over together", batchSizes),
    durations("millrace_ingest_wait_seconds", "From acceptance to hand-over, by batch", waitMicros),
    durations("millrace_ingest_durable_seconds", "From acceptance to the disk, by batch", durableMicros),
    durations("millrace_ingest_searchable_seconds", "From acceptance to every recall, by batch", searchableMicros),
  ];
}

function workers({ memory }: Engine, { workers, steals, moves, deaths }: Figures): string[] {
  const ofWorkers = (name: string, help: string, figureOf: (worker: Figures["workers"][number]) => number) =>
    family(
      [name, "gauge", help, "worker"],
      workers.map((worker, number) => [String(number), figureOf(worker)]),
    );
  const { figures, sharedBuilds, recallChecked } = memory.ingest.ingest.workers;
  const busy: Pairs = figures.map(({ busyMs }, number) => [String(number), busyMs / SECOND_MS]);
  return [
    family(["millrace_index_worker_busy_seconds_total", "counter", "Time it worked", "worker"], busy),
    ofWorkers(
      "millrace_index_worker_utilisation",
      "Share of the last 10 s that it worked",
      ({ utilisation }) => utilisation,
    ),
    ofWorkers("millrace_index_worker_depth", "Observations in its hands", ({ depth }) => depth),
    ofWorkers("millrace_index_worker_questions", "Recalls that wait for it", ({ questions }) => questions),
    ofWorkers("millrace_index_worker_spaces", "Spaces it holds the lease of", ({ spaces }) => spaces),
    counter("millrace_index_steals_total", "Spaces that went from a busy worker to an idle one", steals),
    counter("millrace_index_leases_moved_total", "Spaces that went to another worker since theirs ended", moves),
    counter("millrace_index_worker_deaths_total", "Index workers that ended", deaths),
    counter("millrace_index_shared_builds_total", "Segments built by another worker than the space's", sharedBuilds),
    counter(
      "millrace_recall_checked_total",
      "Neighbours of recalls that were looked for again in every row",
      recallChecked.of,
    ),
    counter("millrace_recall_checked_found_total", "Of them, those that the recall had found", recallChecked.found),
  ];
}

function held({ memory }: Engine, { totals, sessions, logBytes, indexBytes }: Figures): string[] {
  return [
    counter("millrace_dead_letters_total", "Observations accepted that could not be indexed", totals.deadLetters),
    gauge("millrace_ingest_sessions", "Sessions of producers that are open", sessions),
    gauge("millrace_observation_log_bytes", "Of all files of the log of observations", logBytes),
    counter(
      "millrace_observation_log_failures_total",
      "Writes of it that failed, tries counted",
      memory.ingest.ingest.logFailures,
    ),
    gauge("millrace_observation_index_bytes", "Memory of the indexes of observations", indexBytes),
  ];
}

function alerts({ watch }: Engine): string[] {
  const { raised, active } = watch.alerts;
  const activeOf = (name: string) => active.filter(({ rule }) => rule === name).length;
  return [
    family(
      ["millrace_alerts_active", "gauge", "Alerts raised and not cleared, by rule", "rule"],
      ALERT_RULES.map((name) => [name, activeOf(name)]),
    ),
    family(
      ["millrace_alerts_raised_total", "counter", "Alerts since the start, by rule", "rule"],
      ALERT_RULES.map((name) => [name, raised[name]]),
    ),
    gauge("millrace_alert_frames_waiting", "Frames of alerts that wait for the store", watch.stream.waiting),
    counter("millrace_alert_frames_lost_total", "Frames of alerts given up, since too many waited", watch.stream.lost),
  ];
}

type Head = readonly [name: string, type: "counter" | "gauge", help: string, label: string];

function family([name, type, help, label]: Head, pairs: Pairs): string {
  return labelled(name, { type, help, label }, pairs);
}
