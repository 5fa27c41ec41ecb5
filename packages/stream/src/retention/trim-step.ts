import type { DatabaseSync } from "node:sqlite";
import { TRIM_BYTES_MAX, TRIM_FRAMES_MAX } from "../limits.ts";
import { rowOf } from "../storage/rows.ts";
import type { RetentionPolicy } from "./policy.ts";

/** What trimming needs to know of a stream. */
export type TrimmableRow = {
  readonly id: number;
  readonly epoch: string;
  readonly first: number;
  readonly head: number;
  readonly frames: number;
  readonly bytes: number;
};

/** One deletion: the frames from `from` to `first` - 1, after which `first` is the stream's first. */
export type TrimStep = {
  readonly id: number;
  /** Epochs are never given out twice, ids of deleted streams are. */
  readonly epoch: string;
  readonly from: number;
  readonly first: number;
  readonly frames: number;
  readonly bytes: number;
};

export type Planner = {
  /** Whether the policy lets anything of the stream go. */
  isOver(row: TrimmableRow, policy: RetentionPolicy, nowMs: number): boolean;
  /** What to delete next, at most TRIM_FRAMES_MAX frames and about TRIM_BYTES_MAX bytes; undefined when the stream is within its policy. */
  step(row: TrimmableRow, policy: RetentionPolicy, nowMs: number): TrimStep | undefined;
};

/** More characters than the cursor fields of any frame take, `ts` included (encode-frame.ts writes them first). */
const HEAD_CHARS = 320;
/** Names and epochs hold no quote, so the first match is the field. */
const TS = /"ts":(\d+)/;

/** Plans trimming from what the connection sees, which is what is durable. */
export function createPlanner(db: DatabaseSync): Planner {
  const headOf = db.prepare(
    `SELECT seq, substr(json, 1, ${HEAD_CHARS}) AS head FROM frames WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT 1`,
  );
  const scan = db.prepare("SELECT seq, json FROM frames WHERE stream = ? AND seq BETWEEN ? AND ? ORDER BY seq");

  /** A frame whose time cannot be read is not known to be old. */
  const tsOf = (id: number, seq: number): number => {
    const ts = TS.exec(rowOf<{ head: string }>(headOf, id, seq)?.head ?? "")?.[1];
    return ts === undefined ? Number.POSITIVE_INFINITY : Number(ts);
  };

  /** The last frame up to `last` that is older than `beforeMs`, or the one before the first. Times never step back within a stream. */
  const lastBefore = ({ id, first }: TrimmableRow, last: number, beforeMs: number): number => {
    let low = first - 1;
    let high = last;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (tsOf(id, middle) < beforeMs) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  /** The last frame that is let go for its age or for the count of those after it. */
  const cutOf = (row: TrimmableRow, { maxAgeMs, maxFrames }: RetentionPolicy, last: number, nowMs: number): number => {
    const byCount = maxFrames === undefined ? 0 : row.first + (row.frames - maxFrames) - 1;
    const byAge = maxAgeMs === undefined ? 0 : lastBefore(row, last, nowMs - maxAgeMs);
    return Math.max(byCount, byAge);
  };

  return {
    isOver(row, { maxAgeMs, maxBytes, maxFrames }, nowMs) {
      if (row.frames <= 1 || row.first >= row.head) return false;
      if (maxFrames !== undefined && row.frames > maxFrames) return true;
      if (maxBytes !== undefined && row.bytes > maxBytes) return true;
      return maxAgeMs !== undefined && tsOf(row.id, row.first) < nowMs - maxAgeMs;
    },
    step(row, policy, nowMs) {
      const { id, epoch, first: from, head } = row;
      const last = Math.min(head - 1, from + TRIM_FRAMES_MAX - 1);
      const cut = cutOf(row, policy, last, nowMs);
      const excess = policy.maxBytes === undefined ? 0 : row.bytes - policy.maxBytes;
      let first = from;
      let frames = 0;
      let bytes = 0;
      for (const item of scan.iterate(id, from, last)) {
        const { seq, json } = item as { seq: number; json: string };
        if (seq > cut && bytes >= excess) break;
        if (frames > 0 && bytes + json.length > TRIM_BYTES_MAX) break;
        first = seq + 1;
        frames++;
        bytes += json.length;
      }
      return frames === 0 ? undefined : { id, epoch, from, first, frames, bytes };
    },
  };
}
