import { MillraceError } from "@millrace/core";
import { type Cursor, type Entity, formatCursor, type StreamEntry, type StreamId } from "@millrace/protocol";
import { READ_BYTES_MAX, TIMELINE_BYTES_MAX } from "./limits.ts";
import type { LogReads, Range, TimelinePage as StoredPage, StreamRow } from "./storage/log-module.ts";
import type { Storage } from "./storage/storage.ts";

/** Frames of one ranged read, as the JSON they were stored as. */
export type FramePage = {
  readonly epoch: string;
  readonly frames: readonly { seq: number; json: string }[];
  readonly last: number;
  readonly head: number;
};

/** A page of the timeline and the place in the log it stands for (I8). */
export type TimelinePage = {
  readonly stream: StreamId;
  readonly epoch: string;
  readonly asOfSeq: number;
  readonly entities: readonly Entity[];
  /** Give it as `after` to read on; absent on the last page. */
  readonly next?: number;
};

/** Reads of the log that follow nothing. Each sees one committed state. */
export class LogReader {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Frames after the cursor. A cursor of another epoch is `stale_epoch`, one past the head `invalid_argument`, one before the first frame kept `gone`; a stream without frames is `not_found`. */
  async frames(stream: StreamId, after: Cursor | undefined, limit: number): Promise<FramePage> {
    const from = after?.seq ?? 0;
    const args = { stream, after: from, limit, bytesMax: READ_BYTES_MAX };
    let range = await this.#storage.read<LogReads["range"]>("log.range", args);
    if (from > (range.row?.head ?? 0)) {
      // A reader may have seen a frame whose commit is under way: what was handed in before this call counts.
      await this.#storage.settled();
      range = await this.#storage.read<LogReads["range"]>("log.range", args);
    }
    const { epoch, first, head } = found(stream, range.row);
    if (after && from > 0 && !isOf(range, after)) {
      throw new MillraceError(
        "stale_epoch",
        `the cursor is of epoch ${after.epoch}; stream ${stream} is now ${epoch}: read it again from its start`,
      );
    }
    if (after && from > head) throw aheadOf(stream, after, head);
    if (after && from > 0 && from < first - 1) {
      const message = `stream ${stream} keeps frames from ${first} on; those after ${from} are past retention: read from ${epoch}:${first - 1}`;
      throw new MillraceError("gone", message);
    }
    return { epoch, frames: range.rows, last: range.rows.at(-1)?.seq ?? from, head };
  }

  async timeline(stream: StreamId, after: number, limit: number): Promise<TimelinePage> {
    const args = { stream, after, limit, bytesMax: TIMELINE_BYTES_MAX };
    const page = await this.#storage.read<LogReads["timeline"]>("log.timeline", args);
    return toTimelinePage(stream, found(stream, page.row), page);
  }

  async list(prefix: string, limit: number): Promise<StreamEntry[]> {
    const rows = await this.#storage.read<LogReads["list"]>("log.list", { prefix, limit });
    return rows.map(({ name, epoch, first, head, frames, bytes }) => ({
      stream: name,
      epoch,
      first,
      head,
      frames,
      bytes,
    }));
  }

  async stream(stream: StreamId): Promise<StreamEntry> {
    const { row } = await this.#storage.read<LogReads["range"]>("log.range", {
      stream,
      after: 0,
      limit: 0,
      bytesMax: 0,
    });
    const { epoch, first, head, frames, bytes } = found(stream, row);
    return { stream, epoch, first, head, frames, bytes };
  }

  count(): Promise<{ streams: number; frames: number }> {
    return this.#storage.read<LogReads["count"]>("log.count", null);
  }
}

/** The page as it is answered, with the place in the log it stands for. */
export function toTimelinePage(
  stream: StreamId,
  row: StreamRow,
  page: Pick<StoredPage, "entities" | "hasMore">,
): TimelinePage {
  const base = { stream, epoch: row.epoch, asOfSeq: row.head, entities: page.entities };
  const last = page.entities.at(-1);
  return page.hasMore && last ? { ...base, next: last.firstSeq } : base;
}

/** Whether the cursor is a place in this log: of its epoch, or of the part of an older one that was kept. */
function isOf({ row, lineage }: Range, { epoch, seq }: Cursor): boolean {
  return row?.epoch === epoch || lineage.some((kept) => kept.epoch === epoch && seq <= kept.upTo);
}

function found(stream: StreamId, row: StreamRow | undefined): StreamRow {
  if (row) return row;
  throw new MillraceError("not_found", `no stream is named ${stream}; GET /v1/streams lists them`);
}

export function aheadOf(stream: StreamId, after: Cursor, head: number): MillraceError {
  const message = `the cursor ${formatCursor(after)} is ahead of stream ${stream}, which is at ${head}`;
  return new MillraceError("invalid_argument", message);
}
