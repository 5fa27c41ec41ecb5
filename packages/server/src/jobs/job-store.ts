import type { ErrorBody } from "@millrace/core";
import { MillraceError } from "@millrace/core";
import { type Job, type JobSource, jobStream, type SourceState } from "@millrace/protocol";
import type { Storage } from "@millrace/stream";
import { JOB_ERRORS_MAX } from "../limits.ts";
import type { JobReads, JobRow, JobWrites, SourceRow } from "./jobs-module.ts";

/** Most sources in one page of a listing. */
const SOURCES_PAGE_MAX = 1_000;

/** Jobs as they are stored. */
export class JobStore {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** `not_found` when there is no such job. */
  async row(job: string): Promise<JobRow> {
    const row = await this.#storage.read<JobReads["job"]>("jobs.job", { job });
    if (row) return row;
    throw new MillraceError("not_found", `no job is named ${job.slice(0, 80)}; GET /v1/jobs lists them`);
  }

  async job(job: string, nowMs: number): Promise<Job> {
    const row = await this.row(job);
    const failed = row.failed === 0 ? [] : await this.#rows(job, "failed", -1, JOB_ERRORS_MAX);
    return toJob(row, failed, nowMs);
  }

  /** Newest first; without their errors, which one job's own page lists. */
  async jobs(filter: { space: string; state: string; limit: number }, nowMs: number): Promise<Job[]> {
    const rows = await this.#storage.read<JobReads["jobs"]>("jobs.jobs", filter);
    return rows.map((row) => toJob(row, [], nowMs));
  }

  async sources(
    job: string,
    state: SourceState | "",
    after: number,
    limit: number,
  ): Promise<{ sources: JobSource[]; next?: number }> {
    await this.row(job);
    const size = Math.min(limit, SOURCES_PAGE_MAX);
    const rows = await this.#rows(job, state, after, size + 1);
    const sources = rows.slice(0, size).map(toJobSource);
    const last = sources.at(-1);
    return rows.length > size && last ? { sources, next: last.index } : { sources };
  }

  /** The sources to work on, all of them: what a runner takes over. */
  async openSources(job: string): Promise<SourceRow[]> {
    const open: SourceRow[] = [];
    for (let after = -1; ; ) {
      const rows = await this.#rows(job, "", after, SOURCES_PAGE_MAX);
      open.push(...rows.filter(({ state }) => state !== "stored" && state !== "failed"));
      after = rows.at(-1)?.index ?? after;
      if (rows.length < SOURCES_PAGE_MAX) return open;
    }
  }

  async body(job: string, index: number): Promise<Uint8Array> {
    const body = await this.#storage.read<JobReads["body"]>("jobs.body", { job, index });
    if (!body) throw new MillraceError("storage_failed", `the bytes of source ${index} of job ${job} are not stored`);
    return body;
  }

  async receive(job: string, index: number, contentType: string | null, body: Uint8Array): Promise<void> {
    await this.#storage.write<JobWrites["receive"]>("jobs.receive", { job, index, contentType, body });
  }

  #rows(job: string, state: string, after: number, limit: number): Promise<readonly SourceRow[]> {
    return this.#storage.read<JobReads["sources"]>("jobs.sources", { job, state, after, limit });
  }
}

function toJob(row: JobRow, failures: readonly SourceRow[], nowMs: number): Job {
  const { job, space, state, total, stored, failed, chunks, bytes, createdMs, endedMs, resumes, resumedBy } = row;
  const errors = failures.flatMap(({ source, error }) =>
    error === null ? [] : [{ source, error: JSON.parse(error) as ErrorBody }],
  );
  const open = total - stored - failed;
  const elapsedMs = Math.max(0, (endedMs ?? nowMs) - createdMs);
  const counts = { total, stored, failed, open, chunks, bytes, createdMs, elapsedMs, errors };
  const links = { ...(resumes === null ? {} : { resumes }), ...(resumedBy === null ? {} : { resumedBy }) };
  return { job, stream: jobStream(job), space, state, ...counts, ...links };
}

function toJobSource({ index, source, kind, state, error }: SourceRow): JobSource {
  const base = { index, source, kind, state };
  return error === null ? base : { ...base, error: JSON.parse(error) as ErrorBody };
}
