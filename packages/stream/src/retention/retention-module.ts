/**
 * Retention in SQLite: each stream's policy, and the deletion of old frames in bounded steps. What a step deletes is found out on the
 * reading connection; the writer only deletes that range and moves the counters, so that appends wait as little as can be. Runs inside
 * the storage threads.
 */
import type { DatabaseSync } from "node:sqlite";
import { MillraceError } from "@millrace/core";
import { isReservedStream, type StreamId } from "@millrace/protocol";
import { JOBS_REMOVED_MAX, LIFECYCLE_ENDED_MAX, SWEEP_STREAMS_MAX } from "../limits.ts";
import type { KeptEpoch } from "../storage/log-module.ts";
import { rowOf, rowsOf } from "../storage/rows.ts";
import type { StorageModule } from "../storage/storage-module.ts";
import { isUnbounded, type RetentionPolicy } from "./policy.ts";
import { createPlanner, type TrimmableRow, type TrimStep } from "./trim-step.ts";

const SCHEMA = `
CREATE TABLE retention (
  stream INTEGER PRIMARY KEY REFERENCES streams (id) ON DELETE CASCADE,
  max_age_ms INTEGER,
  max_bytes INTEGER,
  max_frames INTEGER
) STRICT;
`;

/** A stream with its own policy, if it has one, and the epochs before its own. */
export type RetainedStream = {
  readonly row: TrimmableRow;
  readonly policy: RetentionPolicy | undefined;
  /** Oldest first. */
  readonly lineage: readonly KeptEpoch[];
};

/** A stream that holds more than its policy keeps. Its id may be another stream's once it is deleted: `epoch` and name tell. */
export type DueStream = {
  readonly id: number;
  readonly stream: StreamId;
  readonly epoch: string;
  readonly policy: RetentionPolicy;
};

export type DueArgs = {
  /** Streams with a higher id are looked at. */
  readonly after: number;
  readonly nowMs: number;
  /** For streams without a policy of their own. */
  readonly fallback: RetentionPolicy;
};
/** `next` is the id to go on after; absent at the end. */
export type DuePage = { readonly due: readonly DueStream[]; readonly next?: number };
export type ChangedArgs = { readonly sinceMs: number; readonly nowMs: number; readonly fallback: RetentionPolicy };
export type StepArgs = DueStream & { readonly nowMs: number };
export type EndedJobsArgs = { readonly after: string; readonly beforeMs: number };
export type EndedJobsPage = { readonly streams: readonly StreamId[]; readonly next?: string };

export type RetentionWrites = {
  /** Whether there is such a stream. Without `policy` the stream's own is taken away. */
  set: (args: { stream: string; policy: RetentionPolicy | undefined }) => boolean;
  /** Whether the step was done; not when the stream changed its first frame or its epoch, or went, since it was planned. */
  trim: (step: TrimStep) => boolean;
};
export type RetentionReads = {
  stream: (args: { stream: string }) => RetainedStream | undefined;
  due: (args: DueArgs) => DuePage;
  changed: (args: ChangedArgs) => readonly DueStream[];
  step: (args: StepArgs) => TrimStep | undefined;
  endedJobs: (args: EndedJobsArgs) => EndedJobsPage;
};

type PolicyRow = { max_age_ms: number | null; max_bytes: number | null; max_frames: number | null };
type Candidate = TrimmableRow & PolicyRow & { readonly name: StreamId; readonly isOwn: number };

const ROW = "s.id, s.epoch, s.first, s.head, s.frames, s.bytes";
const CANDIDATE = `SELECT s.name, ${ROW}, r.max_age_ms, r.max_bytes, r.max_frames, r.stream IS NOT NULL AS isOwn`;

function writes(db: DatabaseSync): RetentionWrites {
  const find = db.prepare("SELECT id FROM streams WHERE name = ?");
  const setPolicy = db.prepare("INSERT OR REPLACE INTO retention VALUES (?, ?, ?, ?)");
  const dropPolicy = db.prepare("DELETE FROM retention WHERE stream = ?");
  // Whatever was planned, the newest frame stays, and a stream that is not as it was is left alone.
  const advance = db.prepare(`UPDATE streams SET first = ?1, frames = frames - ?2, bytes = bytes - ?3
    WHERE id = ?4 AND first = ?5 AND head >= ?1 AND epoch = ?6`);
  const drop = db.prepare("DELETE FROM frames WHERE stream = ? AND seq < ?");
  // What ended before the frames that are kept is remembered as far as the stream itself remembers it (I7).
  const dropEnded = db.prepare(`DELETE FROM lifecycles WHERE stream = ?1 AND end_seq < ?2 AND end_seq <= (
    SELECT end_seq FROM lifecycles WHERE stream = ?1 AND end_seq IS NOT NULL ORDER BY end_seq DESC LIMIT 1 OFFSET ${LIFECYCLE_ENDED_MAX})`);
  return {
    set({ stream, policy }) {
      const id = rowOf<{ id: number }>(find, stream)?.id;
      if (id === undefined) return false;
      if (!policy) dropPolicy.run(id);
      else setPolicy.run(id, policy.maxAgeMs ?? null, policy.maxBytes ?? null, policy.maxFrames ?? null);
      return true;
    },
    trim({ id, epoch, from, first, frames, bytes }) {
      if (advance.run(first, frames, bytes, id, from, epoch).changes === 0) return false;
      const { changes } = drop.run(id, first);
      // The call's savepoint takes all of it back: counters must never say anything else than the rows do.
      if (changes !== frames)
        throw new MillraceError("storage_failed", `trimming met ${changes} frames, not ${frames}`);
      dropEnded.run(id, first);
      return true;
    },
  };
}

function reads(db: DatabaseSync): RetentionReads {
  const find = db.prepare(`SELECT ${ROW} FROM streams s WHERE name = ?`);
  const findSame = db.prepare(`SELECT ${ROW} FROM streams s WHERE id = ? AND name = ? AND epoch = ?`);
  const policyOf = db.prepare("SELECT max_age_ms, max_bytes, max_frames FROM retention WHERE stream = ?");
  const lineage = db.prepare("SELECT epoch, up_to AS upTo FROM epochs WHERE stream = ? ORDER BY up_to");
  const own = db.prepare(
    `${CANDIDATE} FROM retention r JOIN streams s ON s.id = r.stream WHERE r.stream > ? ORDER BY r.stream LIMIT ?`,
  );
  const all = db.prepare(
    `${CANDIDATE} FROM streams s LEFT JOIN retention r ON r.stream = s.id WHERE s.id > ? ORDER BY s.id LIMIT ?`,
  );
  const changed = db.prepare(
    `${CANDIDATE} FROM streams s LEFT JOIN retention r ON r.stream = s.id WHERE s.changed_ms >= ? ORDER BY s.changed_ms DESC LIMIT ?`,
  );
  const jobs =
    db.prepare(`SELECT name, changed_ms < ?1 AND EXISTS (SELECT 1 FROM entities e WHERE e.stream = s.id AND e.kind = 'job'
    AND e.state IN ('done', 'error', 'interrupted')) AS isOver FROM streams s WHERE name > ?2 AND name < 'job;' ORDER BY name LIMIT ?3`);
  const planner = createPlanner(db);
  const dueOf = (candidates: readonly Candidate[], nowMs: number, fallback: RetentionPolicy): DueStream[] =>
    candidates.flatMap((candidate) => {
      const { id, name: stream, epoch } = candidate;
      const policy = candidate.isOwn ? toPolicy(candidate) : fallback;
      const isDue = !isReservedStream(stream) && !isUnbounded(policy) && planner.isOver(candidate, policy, nowMs);
      return isDue ? [{ id, stream, epoch, policy }] : [];
    });
  return {
    stream({ stream }) {
      const row = rowOf<TrimmableRow>(find, stream);
      if (!row) return undefined;
      const policy = rowOf<PolicyRow>(policyOf, row.id);
      return { row, policy: policy && toPolicy(policy), lineage: rowsOf<KeptEpoch>(lineage, row.id) };
    },
    due({ after, nowMs, fallback }) {
      const candidates = rowsOf<Candidate>(isUnbounded(fallback) ? own : all, after, SWEEP_STREAMS_MAX);
      const due = dueOf(candidates, nowMs, fallback);
      const last = candidates.at(-1);
      return candidates.length < SWEEP_STREAMS_MAX || !last ? { due } : { due, next: last.id };
    },
    changed: ({ sinceMs, nowMs, fallback }) =>
      dueOf(rowsOf<Candidate>(changed, sinceMs, SWEEP_STREAMS_MAX), nowMs, fallback),
    step({ id, stream, epoch, policy, nowMs }) {
      const row = rowOf<TrimmableRow>(findSame, id, stream, epoch);
      return row && planner.step(row, policy, nowMs);
    },
    endedJobs({ after, beforeMs }) {
      const rows = rowsOf<{ name: StreamId; isOver: number }>(jobs, beforeMs, after, JOBS_REMOVED_MAX);
      const streams = rows.flatMap(({ name, isOver }) => (isOver ? [name] : []));
      const last = rows.at(-1);
      return rows.length < JOBS_REMOVED_MAX || !last ? { streams } : { streams, next: last.name };
    },
  };
}

function toPolicy({ max_age_ms, max_bytes, max_frames }: PolicyRow): RetentionPolicy {
  return {
    ...(max_age_ms === null ? {} : { maxAgeMs: max_age_ms }),
    ...(max_bytes === null ? {} : { maxBytes: max_bytes }),
    ...(max_frames === null ? {} : { maxFrames: max_frames }),
  };
}

export const storageModule: StorageModule = { name: "retention", migrations: [SCHEMA], writes, reads };
