/** A job as the page knows it, from a snapshot of its timeline and the frames after it (I8). Pure: tested without a browser. */
import { type Entity, type ErrorBody, type Frame, isCode, type JobState } from "@millrace/client";
import { ROWS_MAX } from "./limits.ts";

export type SourceRow = {
  readonly key: string;
  /** The last frame that changed it; an older one changes nothing. */
  readonly version: number;
  readonly source: string;
  readonly state: "working" | "stored" | "failed";
  readonly phase: string | undefined;
  readonly done: number | undefined;
  readonly total: number | undefined;
  readonly document: string | undefined;
  readonly chunks: number | undefined;
  readonly tookMs: number | undefined;
  readonly isUnchanged: boolean;
  readonly error: ErrorBody | undefined;
};

export type JobModel = {
  version: number;
  state: JobState;
  total: number;
  stored: number;
  failed: number;
  chunks: number;
  bytes: number;
  elapsedMs: number;
  etaMs: number | undefined;
  reason: string | undefined;
  error: ErrorBody | undefined;
  readonly rows: Map<string, SourceRow>;
};

type Fields = Readonly<Record<string, unknown>>;

export function emptyJob(): JobModel {
  const counts = { total: 0, stored: 0, failed: 0, chunks: 0, bytes: 0, elapsedMs: 0 };
  return {
    version: 0,
    state: "running",
    ...counts,
    etaMs: undefined,
    reason: undefined,
    error: undefined,
    rows: new Map(),
  };
}

/** One entity of the snapshot. */
export function applyEntity(model: JobModel, { kind, version, state, props }: Entity): void {
  if (kind === "job") applyJob(model, version, jobStateOf(state), props);
  if (kind === "document") applySource(model, version, rowStateOf(state), props);
}

/** One frame; one that the snapshot already covers changes nothing. */
export function applyFrame(model: JobModel, { type, seq, data }: Frame): void {
  const [subject = "", what = ""] = type.split(".");
  const fields = typeof data === "object" && data !== null ? (data as Fields) : {};
  if (subject === "job") applyJob(model, seq, jobStateOf(what), fields);
  if (subject === "document") applySource(model, seq, rowStateOf(what), fields);
}

function applyJob(model: JobModel, version: number, state: JobState, fields: Fields): void {
  if (version <= model.version) return;
  model.version = version;
  model.state = state;
  for (const name of ["total", "stored", "failed", "chunks", "bytes", "elapsedMs"] as const) {
    model[name] = numberOf(fields[name]) ?? model[name];
  }
  model.etaMs = state === "running" ? numberOf(fields.etaMs) : undefined;
  model.reason = textOf(fields.reason) ?? model.reason;
  model.error = errorOf(fields.error) ?? model.error;
}

function applySource(model: JobModel, version: number, state: SourceRow["state"], fields: Fields): void {
  const source = textOf(fields.source) ?? "";
  const key = String(fields.index ?? source);
  const last = model.rows.get(key);
  if (last && version <= last.version) return;
  if (!last && model.rows.size >= ROWS_MAX && !dropOneStored(model)) return;
  model.rows.set(key, {
    key,
    version,
    source,
    state,
    phase: state === "working" ? (textOf(fields.phase) ?? last?.phase) : undefined,
    done: state === "working" ? numberOf(fields.done) : undefined,
    total: state === "working" ? numberOf(fields.total) : undefined,
    document: textOf(fields.document) ?? last?.document,
    chunks: numberOf(fields.chunks) ?? last?.chunks,
    tookMs: numberOf(fields.tookMs) ?? last?.tookMs,
    isUnchanged: fields.unchanged === true,
    error: errorOf(fields.error),
  });
}

/** Makes room among the rows: a stored source needs no attention. */
function dropOneStored(model: JobModel): boolean {
  for (const [key, row] of model.rows) if (row.state === "stored") return model.rows.delete(key);
  return false;
}

function jobStateOf(word: string): JobState {
  return word === "done" || word === "error" || word === "interrupted" ? word : "running";
}

function rowStateOf(word: string): SourceRow["state"] {
  return word === "stored" || word === "failed" ? word : "working";
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function errorOf(value: unknown): ErrorBody | undefined {
  const { code, message, retryable } = (value ?? {}) as Partial<ErrorBody>;
  return isCode(code) && typeof message === "string" ? { code, message, retryable: retryable === true } : undefined;
}
