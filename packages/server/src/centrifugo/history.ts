/** The history command: publications of a channel read from the log, with the place the channel is at. */
import { MillraceError } from "@millrace/core";
import type { Seq, StreamId } from "@millrace/protocol";
import type { FramePage, LiveStream } from "@millrace/stream";
import type { Engine } from "../engine.ts";
import { CENTRIFUGO_HISTORY_MAX } from "../limits.ts";
import type { HistoryRequest, Position } from "./command.ts";
import { toPublication } from "./publication.ts";

type Stored = FramePage["frames"][number];
type Extent = { readonly epoch: string; readonly first: number; readonly head: number };
/** Frames from `low` to `high`, both included. */
type Span = { readonly low: number; readonly high: number };

/**
 * The result as JSON. At most CENTRIFUGO_HISTORY_MAX publications and about 1 MB; a client that wants more asks on from the last offset.
 * Rejects with `stale_epoch` or `gone` when the log no longer holds what follows `since`.
 */
export async function readHistory(engine: Engine, request: HistoryRequest): Promise<string> {
  const { sequencer } = engine;
  const live = await sequencer.follow(request.channel);
  try {
    const { frames, head } = await readFrames(engine, request, live);
    const publications = frames.map(toPublication).join(",");
    return `{"publications":[${publications}],"epoch":${JSON.stringify(live.epoch)},"offset":${head}}`;
  } finally {
    sequencer.release(live);
  }
}

async function readFrames(
  engine: Engine,
  { channel, limit, since, reverse }: HistoryRequest,
  live: LiveStream,
): Promise<{ readonly frames: readonly Stored[]; readonly head: number }> {
  const place = since && placeOf(live, since);
  const extent = await extentOf(engine, channel, live);
  const count = limit < 0 ? CENTRIFUGO_HISTORY_MAX : Math.min(limit, CENTRIFUGO_HISTORY_MAX);
  const span = reverse ? spanBefore(place, extent, count) : spanAfter(place, extent, count);
  const read = reverse ? readBack : readOn;
  const frames = span.low > span.high ? [] : await read(engine, channel, extent.epoch, span);
  return { frames, head: extent.head };
}

/** The epoch that cursors are given out under may be newer than the log's, which learns of it with the next frame. */
function placeOf(live: LiveStream, { epoch, offset }: Position): number {
  const place = epoch === "" ? offset : live.placeOf({ epoch, seq: offset as Seq });
  if (place !== undefined) return place;
  throw new MillraceError("stale_epoch", `the channel's epoch is ${live.epoch} now; read its state again`);
}

/** A stream without frames has an epoch already: the one it will begin with. */
async function extentOf({ reader }: Engine, channel: StreamId, { epoch }: LiveStream): Promise<Extent> {
  try {
    return await reader.stream(channel);
  } catch (error) {
    if (MillraceError.from(error).code === "not_found") return { epoch, first: 1, head: 0 };
    throw error;
  }
}

function spanAfter(since: number | undefined, { first, head }: Extent, count: number): Span {
  const low = since === undefined ? first : since + 1;
  if (low < first)
    throw new MillraceError("gone", `publications after ${low - 1} are past retention; the first kept is ${first}`);
  return { low, high: Math.min(head, low + count - 1) };
}

function spanBefore(since: number | undefined, { first, head }: Extent, count: number): Span {
  const high = since === undefined ? head : Math.min(head, since - 1);
  return { low: Math.max(first, high - count + 1), high };
}

/** One read: it may end early at its bound of bytes. */
async function readOn(
  engine: Engine,
  channel: StreamId,
  epoch: string,
  { low, high }: Span,
): Promise<readonly Stored[]> {
  const after = { epoch, seq: (low - 1) as Seq };
  const { frames } = await engine.reader.frames(channel, after, high - low + 1);
  return frames;
}

/**
 * Newest first. The log is read upwards and a read ends early at its bound of bytes, so a span that does not fit is tried again by
 * its upper half: the newest are what is wanted.
 */
async function readBack(engine: Engine, channel: StreamId, epoch: string, { low, high }: Span): Promise<Stored[]> {
  let from = low;
  for (;;) {
    const frames = await readOn(engine, channel, epoch, { low: from, high });
    const last = frames.at(-1)?.seq ?? high;
    if (last >= high) return frames.toReversed();
    from = high - Math.floor((high - from) / 2);
  }
}
