import { MillraceError } from "@millrace/core";
import { type Cursor, type Entity, formatCursor, type StreamEntry, type StreamId } from "@millrace/protocol";
import { READ_BYTES_MAX } from "./limits.ts";
import type { LogReads, StreamRow } from "./storage/log-module.ts";
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

  /** Frames after the cursor. A cursor of another epoch is `stale_epoch`, one past the head `invalid_argument`; a stream without frames is `not_found`. */
  async frames(stream: StreamId, after: Cursor | undefined, limit: number): Promise<FramePage> {
    const from = after?.seq ?? 0;
    const { row, rows } = await this.#storage.read<LogReads["range"]>("log.range", {
      stream,
      after: from,
      limit,
      bytesMax: READ_BYTES_MAX,
    });
    const { epoch, head } = found(stream, row);
    if (after && after.seq > 0 && after.epoch !== epoch) {
      throw new MillraceError(
        "stale_epoch",
        `the cursor is of epoch ${after.epoch}; stream ${stream} is now ${epoch}: read it again from its start`,
      );
    }
    if (after && after.seq > head) throw aheadOf(stream, after, head);
    return { epoch, frames: rows, last: rows.at(-1)?.seq ?? from, head };
  }

  async timeline(stream: StreamId, after: number, limit: number): Promise<TimelinePage> {
    const { row, entities } = await this.#storage.read<LogReads["timeline"]>("log.timeline", {
      stream,
      after,
      limit: limit + 1,
    });
    const { epoch, head } = found(stream, row);
    const page = entities.slice(0, limit);
    const base = { stream, epoch, asOfSeq: head, entities: page };
    const last = page.at(-1);
    return entities.length > limit && last ? { ...base, next: last.firstSeq } : base;
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

function found(stream: StreamId, row: StreamRow | undefined): StreamRow {
  if (row) return row;
  throw new MillraceError("not_found", `no stream is named ${stream}; GET /v1/streams lists them`);
}

export function aheadOf(stream: StreamId, after: Cursor, head: number): MillraceError {
  const message = `the cursor ${formatCursor(after)} is ahead of stream ${stream}, which is at ${head}`;
  return new MillraceError("invalid_argument", message);
}
