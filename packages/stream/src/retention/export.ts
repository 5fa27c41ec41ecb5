import { MillraceError } from "@millrace/core";
import { type Cursor, formatCursor, type Seq, type StreamId } from "@millrace/protocol";
import { READ_BYTES_MAX, READ_FRAMES_MAX } from "../limits.ts";
import type { LogReads } from "../storage/log-module.ts";
import type { Storage } from "../storage/storage.ts";
import type { RetainedStream, RetentionReads } from "./retention-module.ts";

export type ExportRange = {
  /** Default: from the first frame kept. */
  readonly after?: Cursor | undefined;
  /** The last frame wanted; default the newest that is durable when the export begins. */
  readonly until?: Cursor | undefined;
};

/** Frames `after.seq` + 1 to `until.seq`, all of them or a rejection on the way. */
export type FrameExport = {
  readonly after: Cursor;
  readonly until: Cursor;
  /** Pages of whole lines, one frame's JSON each as it was stored. One page is in memory at a time: take the next when there is room. */
  readonly pages: AsyncIterable<string>;
};

/**
 * The frames of a stream as JSON lines, at one consistent end. Rejects with `not_found`, `stale_epoch`, `invalid_argument` for a cursor
 * past the end, `gone` for one past retention. The pages reject with `gone` when frames not read yet were trimmed or the stream deleted.
 */
export async function exportFrames(storage: Storage, stream: StreamId, range: ExportRange): Promise<FrameExport> {
  // A reader may have seen frames whose commit is under way: what was handed in before this call counts.
  await storage.settled();
  const found = await readStream(storage, stream);
  if (!found) throw new MillraceError("not_found", `no stream is named ${stream}; GET /v1/streams lists them`);
  const { epoch, first, head } = found.row;
  const wanted = range.after && range.after.seq > 0 ? placeOf(stream, found, range.after) : first - 1;
  const until = range.until ? placeOf(stream, found, range.until) : head;
  if (wanted < first - 1) {
    const message = `stream ${stream} is kept from ${epoch}:${first} on; export it without after, or after ${epoch}:${first - 1}`;
    throw new MillraceError("gone", message);
  }
  if (until < wanted) {
    const message = `until is frame ${until} of stream ${stream}, which is before after, ${wanted}; give one that is not`;
    throw new MillraceError("invalid_argument", message);
  }
  const place = { stream, epoch, after: wanted, until };
  const cursor = (seq: number): Cursor => ({ epoch, seq: seq as Seq });
  return { after: cursor(wanted), until: cursor(until), pages: readPages(storage, place) };
}

type Place = {
  readonly stream: StreamId;
  readonly epoch: string;
  readonly after: number;
  readonly until: number;
};

async function* readPages(storage: Storage, place: Place): AsyncGenerator<string> {
  const { stream, until } = place;
  for (let after = place.after; after < until; ) {
    const { row, rows } = await storage.read<LogReads["range"]>("log.range", {
      stream,
      after,
      limit: Math.min(READ_FRAMES_MAX, until - after),
      bytesMax: READ_BYTES_MAX,
    });
    const isSame = row?.epoch === place.epoch || (await isContinued(storage, place));
    if (!isSame || rows[0]?.seq !== after + 1) {
      throw new MillraceError(
        "gone",
        `frame ${after + 1} of stream ${stream} was trimmed or deleted during its export`,
      );
    }
    yield rows.map(({ json }) => `${json}\n`).join("");
    after = rows.at(-1)?.seq ?? until;
  }
}

/** Whether the stream is still the one the export began with: its epoch may have been replaced, but not from before its end. */
async function isContinued(storage: Storage, { stream, epoch, until }: Place): Promise<boolean> {
  const found = await readStream(storage, stream);
  return found?.lineage.some((kept) => kept.epoch === epoch && kept.upTo >= until) === true;
}

function placeOf(stream: StreamId, { row, lineage }: RetainedStream, cursor: Cursor): number {
  const kept = cursor.epoch === row.epoch ? row.head : lineage.find(({ epoch }) => epoch === cursor.epoch)?.upTo;
  if (kept !== undefined && cursor.seq <= kept) return cursor.seq;
  const place = `stream ${stream} is at ${row.epoch}:${row.head}`;
  if (cursor.epoch === row.epoch) {
    throw new MillraceError("invalid_argument", `the cursor ${formatCursor(cursor)} is ahead: ${place}`);
  }
  throw new MillraceError(
    "stale_epoch",
    `the cursor ${formatCursor(cursor)} is of an epoch that was replaced: ${place}`,
  );
}

function readStream(storage: Storage, stream: StreamId): Promise<RetainedStream | undefined> {
  return storage.read<RetentionReads["stream"]>("retention.stream", { stream });
}
