/** Jobs and their sources in SQLite, with the bytes of uploads until they are settled. Runs inside the storage threads. */
import type { DatabaseSync } from "node:sqlite";
import type { ErrorBody } from "@millrace/core";
import { MillraceError } from "@millrace/core";
import type { JobState, SourceState } from "@millrace/protocol";
import { rowOf, rowsOf, type StorageModule } from "@millrace/stream";

const SCHEMA = `
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY,
  job TEXT NOT NULL UNIQUE,
  space TEXT NOT NULL,
  state TEXT NOT NULL,
  total INTEGER NOT NULL,
  stored INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  chunks INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  resumes TEXT,
  resumed_by TEXT
) STRICT;
CREATE INDEX jobs_by_space ON jobs (space, number);
CREATE INDEX jobs_by_state ON jobs (state, number);
CREATE TABLE job_sources (
  job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
  ix INTEGER NOT NULL,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  content_type TEXT,
  state TEXT NOT NULL,
  body BLOB,
  error TEXT,
  PRIMARY KEY (job, ix)
) STRICT;
CREATE INDEX job_sources_by_state ON job_sources (job, state, ix);
`;

export type SourceKind = "url" | "text" | "upload";
export type SourceInput = {
  readonly kind: SourceKind;
  readonly source: string;
  readonly contentType: string | null;
  readonly state: SourceState;
  readonly body: Uint8Array | null;
};

export type JobRow = {
  readonly job: string;
  readonly space: string;
  readonly state: JobState;
  readonly total: number;
  readonly stored: number;
  readonly failed: number;
  readonly chunks: number;
  readonly bytes: number;
  readonly createdMs: number;
  readonly endedMs: number | null;
  readonly resumes: string | null;
  readonly resumedBy: string | null;
};

export type SourceRow = {
  readonly index: number;
  readonly kind: SourceKind;
  readonly source: string;
  readonly contentType: string | null;
  readonly state: SourceState;
  readonly error: string | null;
};

export type CreateArgs = {
  readonly job: string;
  readonly space: string;
  readonly createdMs: number;
  readonly sources: readonly SourceInput[];
};
export type ResumeArgs = { readonly job: string; readonly resumes: string; readonly createdMs: number };
export type ReceiveArgs = {
  readonly job: string;
  readonly index: number;
  readonly contentType: string | null;
  readonly body: Uint8Array;
};
export type SettleArgs = {
  readonly job: string;
  readonly index: number;
  readonly state: "stored" | "failed";
  readonly error: ErrorBody | null;
  readonly chunks: number;
  readonly bytes: number;
};
export type EndArgs = { readonly job: string; readonly state: JobState; readonly endedMs: number };
export type SourcesArgs = {
  readonly job: string;
  readonly state: string;
  readonly after: number;
  readonly limit: number;
};

export type JobWrites = {
  create: (args: CreateArgs) => void;
  resume: (args: ResumeArgs) => void;
  receive: (args: ReceiveArgs) => void;
  work: (args: { job: string; index: number }) => void;
  settle: (args: SettleArgs) => void;
  end: (args: EndArgs) => void;
  forget: (args: { space: string }) => void;
};
export type JobReads = {
  job: (args: { job: string }) => JobRow | undefined;
  jobs: (args: { space: string; state: string; limit: number }) => readonly JobRow[];
  sources: (args: SourcesArgs) => readonly SourceRow[];
  body: (args: { job: string; index: number }) => Uint8Array | undefined;
};

const JOB_FIELDS = `job, space, state, total, stored, failed, chunks, bytes, created_ms AS createdMs, ended_ms AS endedMs, resumes,
  resumed_by AS resumedBy`;
const NUMBER_OF = "(SELECT number FROM jobs WHERE job = ?)";

function writes(db: DatabaseSync): JobWrites {
  const insertJob = db.prepare(
    "INSERT INTO jobs (job, space, state, total, created_ms, resumes) VALUES (?, ?, 'running', ?, ?, ?) RETURNING number",
  );
  const insertSource = db.prepare("INSERT INTO job_sources VALUES (?, ?, ?, ?, ?, ?, ?, NULL)");
  const jobOf = db.prepare(
    "SELECT number, space, state, total - stored - failed AS open, resumed_by FROM jobs WHERE job = ?",
  );
  const moveOpen =
    db.prepare(`INSERT INTO job_sources SELECT ?, row_number() OVER (ORDER BY ix) - 1, kind, source, content_type,
    iif(state = 'working', 'queued', state), body, NULL FROM job_sources WHERE job = ? AND state NOT IN ('stored', 'failed')`);
  const dropBodies = db.prepare("UPDATE job_sources SET body = NULL WHERE job = ?");
  const setResumedBy = db.prepare("UPDATE jobs SET resumed_by = ? WHERE number = ?");
  const receive =
    db.prepare(`UPDATE job_sources SET state = 'queued', body = ?, content_type = coalesce(?, content_type)
    WHERE job = (SELECT number FROM jobs WHERE job = ? AND state = 'running') AND ix = ? AND state = 'waiting'`);
  const setWorking = db.prepare(`UPDATE job_sources SET state = 'working' WHERE job = ${NUMBER_OF} AND ix = ?`);
  const settleSource =
    db.prepare(`UPDATE job_sources SET state = ?, error = ?, body = NULL WHERE job = ${NUMBER_OF} AND ix = ?
    AND state NOT IN ('stored', 'failed')`);
  const settleJob = db.prepare(
    "UPDATE jobs SET stored = stored + ?, failed = failed + ?, chunks = chunks + ?, bytes = bytes + ? WHERE job = ?",
  );
  const end = db.prepare("UPDATE jobs SET state = ?, ended_ms = ? WHERE job = ? AND state = 'running'");
  const forget = db.prepare("DELETE FROM jobs WHERE space = ?");
  return {
    create({ job, space, createdMs, sources }) {
      const number = Number(insertJob.get(job, space, sources.length, createdMs, null)?.number);
      sources.forEach(({ kind, source, contentType, state, body }, at) => {
        insertSource.run(number, at, kind, source, contentType, state, body);
      });
    },
    resume({ job, resumes, createdMs }) {
      const before = rowOf<{ number: number; space: string; state: string; open: number; resumed_by: string | null }>(
        jobOf,
        resumes,
      );
      if (before?.state !== "interrupted")
        throw new MillraceError("conflict", `job ${resumes} is not interrupted; only an interrupted job is resumed`);
      if (before.resumed_by)
        throw new MillraceError("conflict", `job ${resumes} was resumed as ${before.resumed_by}; look there`);
      const number = Number(insertJob.get(job, before.space, before.open, createdMs, resumes)?.number);
      moveOpen.run(number, before.number);
      dropBodies.run(before.number);
      setResumedBy.run(job, before.number);
    },
    receive({ job, index, contentType, body }) {
      const { changes } = receive.run(body, contentType, job, index);
      if (changes === 0)
        throw new MillraceError("conflict", `source ${index} of job ${job} does not wait for an upload`);
    },
    work: ({ job, index }) => void setWorking.run(job, index),
    settle({ job, index, state, error, chunks, bytes }) {
      const { changes } = settleSource.run(state, error && JSON.stringify(error), job, index);
      if (changes === 0) throw new MillraceError("conflict", `source ${index} of job ${job} is settled already`);
      settleJob.run(state === "stored" ? 1 : 0, state === "failed" ? 1 : 0, chunks, bytes, job);
    },
    end({ job, state, endedMs }) {
      if (end.run(state, endedMs, job).changes === 0)
        throw new MillraceError("terminal", `job ${job} has ended already`);
    },
    forget: ({ space }) => void forget.run(space),
  };
}

function reads(db: DatabaseSync): JobReads {
  const job = db.prepare(`SELECT ${JOB_FIELDS} FROM jobs WHERE job = ?`);
  const jobs = db.prepare(
    `SELECT ${JOB_FIELDS} FROM jobs WHERE (?1 = '' OR space = ?1) AND (?2 = '' OR state = ?2) ORDER BY number DESC LIMIT ?3`,
  );
  const sources =
    db.prepare(`SELECT ix AS "index", kind, source, content_type AS contentType, state, error FROM job_sources
    WHERE job = (SELECT number FROM jobs WHERE job = ?1) AND (?2 = '' OR state = ?2) AND ix > ?3 ORDER BY ix LIMIT ?4`);
  const body = db.prepare(`SELECT body FROM job_sources WHERE job = ${NUMBER_OF} AND ix = ?`);
  return {
    job: (args) => rowOf<JobRow>(job, args.job),
    jobs: ({ space, state, limit }) => rowsOf<JobRow>(jobs, space, state, limit),
    sources: (args) => rowsOf<SourceRow>(sources, args.job, args.state, args.after, args.limit),
    body: (args) => rowOf<{ body: Uint8Array | null }>(body, args.job, args.index)?.body ?? undefined,
  };
}

export const storageModule: StorageModule = { name: "jobs", migrations: [SCHEMA], writes, reads };
