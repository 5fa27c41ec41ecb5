import { MillraceError } from "@millrace/core";
import type { StreamEvent } from "@millrace/protocol";
import { appendIdOf, MESSAGE_TYPE, mediaTypeOf, modeOf, toBytes } from "./content.ts";
import type { CreateRequest, ForkRequest } from "./create-request.ts";
import type { CreateArgs } from "./durable-module.ts";
import type { DurableStream } from "./durable-stream.ts";
import type { DurableStreams } from "./durable-streams.ts";
import { FORK_DEPTH_MAX } from "./limits.ts";
import { formatOffset, positionOf } from "./offset.ts";
import type { StreamConfig, StreamRecord } from "./record.ts";
import { toLogName } from "./stream-path.ts";
import type { StreamReader } from "./stream-reader.ts";

/** What came of a request to make a stream. */
export type Created = {
  readonly isNew: boolean;
  readonly hasMessages: boolean;
  readonly contentType: string;
  readonly isClosed: boolean;
  /** Its tail, as an offset. */
  readonly tail: string;
};

const DEFAULT_CONTENT_TYPE = "application/octet-stream";

/** What a new stream takes from the stream it is a fork of. */
type Origin = {
  readonly source: StreamRecord;
  /** Where the fork was asked to begin, and how much it shares: sub-offsets of JSON name whole messages. */
  readonly at: number;
  readonly base: number;
  /** What the fork has of the message that a sub-offset cuts. */
  readonly prefix: readonly StreamEvent[];
};

/** Makes the stream or confirms it; for who has its path (and for a fork all lineages) to itself. "due" when one is there that must be ended first. */
export async function createStream(streams: DurableStreams, request: CreateRequest): Promise<Created | "due"> {
  const existing = await streams.hold(request.path);
  if (!existing) return makeStream(streams, request);
  try {
    if (existing.isHidden)
      throw new MillraceError("conflict", `${request.path} was deleted but forks of it go on; use another path`);
    return streams.isDue(existing) ? "due" : await confirm(streams, existing, request);
  } finally {
    streams.release(existing);
  }
}

async function confirm(streams: DurableStreams, stream: DurableStream, request: CreateRequest): Promise<Created> {
  await stream.drained();
  const { record } = stream;
  const difference = differenceOf(stream, request);
  if (difference !== undefined)
    throw new MillraceError(
      "conflict",
      `the stream ${request.path} exists with another ${difference}; use another path, or ask for what it is`,
    );
  using reader = await streams.read(stream);
  const tail = stream.offset(reader.tail);
  return { isNew: false, hasMessages: false, contentType: record.contentType, isClosed: stream.isClosed, tail };
}

function differenceOf({ record, isClosed }: DurableStream, request: CreateRequest): string | undefined {
  const { config, contentType } = record;
  const { fork } = request;
  const asked = request.contentType ?? (fork ? contentType : DEFAULT_CONTENT_TYPE);
  if (mediaTypeOf(asked) !== mediaTypeOf(contentType)) return "content type";
  if (config.ttlSeconds !== request.ttlSeconds) return "Stream-TTL";
  if (config.expiresAt !== request.expires?.at) return "Stream-Expires-At";
  if (isClosed !== request.closes) return "Stream-Closed";
  if (config.forkedFrom !== fork?.from) return "Stream-Forked-From";
  if (fork?.at && fork.at.position !== config.forkAt) return "Stream-Fork-Offset";
  return (config.subOffset ?? 0) === (fork?.subOffset ?? 0) ? undefined : "Stream-Fork-Sub-Offset";
}

async function makeStream(streams: DurableStreams, request: CreateRequest): Promise<Created> {
  const { path, fork } = request;
  const name = toLogName(path);
  await checkFree(streams, path);
  const origin = fork && (await findOrigin(streams, fork, request.contentType));
  const contentType = origin?.source.contentType ?? request.contentType ?? DEFAULT_CONTENT_TYPE;
  const events = [...(origin?.prefix ?? []), ...request.events(modeOf(contentType))];
  const id = streams.takeId();
  const generation = origin?.source.generation ?? id;
  const base = origin?.base ?? 0;
  const row: CreateArgs = {
    ...{ id, path, name, generation, contentType, base },
    ...lifetimeOf(request, origin?.source),
    config: configOf(request, origin),
    accessedMs: streams.clock.now(),
    isClosed: request.closes,
    source: origin?.source.id ?? null,
  };
  const create = { op: "durable.create", args: row };
  const alongside = events.length > 0 ? [create, ...streams.alongside(path)] : [create];
  streams.nativeWrites.made(name);
  if (events.length === 0) await streams.storage.writeAll(alongside);
  else await streams.sequencer.append(name, events, { alongside, mode: "strict" });
  streams.nativeWrites.made(name);
  const tail = formatOffset({ generation, position: base + events.length });
  return { isNew: true, hasMessages: events.length > 0, contentType, isClosed: request.closes, tail };
}

/** `conflict` when a native producer has a stream of this name in the log. */
async function checkFree(streams: DurableStreams, path: string): Promise<void> {
  const live = await streams.sequencer.follow(toLogName(path));
  const { head } = live;
  streams.sequencer.release(live);
  if (head > 0)
    throw new MillraceError("conflict", `the log has a stream ${path} that was not made with PUT; use another path`);
}

function configOf({ ttlSeconds, expires, fork }: CreateRequest, origin: Origin | undefined): StreamConfig {
  return {
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    ...(expires ? { expiresAt: expires.at } : {}),
    ...(fork && origin ? { forkedFrom: fork.from, forkAt: origin.at, subOffset: fork.subOffset } : {}),
  };
}

/** A fork that asks for no lifetime has that of its source. */
function lifetimeOf(
  { ttlSeconds, expires }: CreateRequest,
  source: StreamRecord | undefined,
): Pick<CreateArgs, "ttlSeconds" | "expiresAt" | "expiresMs"> {
  if (ttlSeconds !== undefined) return { ttlSeconds, expiresAt: null, expiresMs: null };
  if (expires) return { ttlSeconds: null, expiresAt: expires.at, expiresMs: expires.ms };
  const { ttlSeconds: ttl = null, expiresAt = null, expiresMs = null } = source ?? {};
  return { ttlSeconds: ttl, expiresAt, expiresMs };
}

async function findOrigin(
  streams: DurableStreams,
  fork: ForkRequest,
  contentType: string | undefined,
): Promise<Origin> {
  const source = await streams.hold(fork.from);
  if (!source || streams.isDue(source)) {
    if (source) streams.release(source);
    throw new MillraceError("not_found", `no stream is at ${fork.from}, which Stream-Forked-From names`);
  }
  try {
    checkSource(source, contentType);
    await source.drained();
    using reader = await streams.read(source);
    return await cut(reader, fork, streams.newId);
  } finally {
    streams.release(source);
  }
}

function checkSource({ isHidden, segments, record }: DurableStream, contentType: string | undefined): void {
  if (isHidden) throw new MillraceError("conflict", `the source ${record.path} was deleted; fork another stream`);
  if (contentType !== undefined && mediaTypeOf(contentType) !== mediaTypeOf(record.contentType))
    throw new MillraceError("conflict", `the source ${record.path} is ${record.contentType}, not ${contentType}`);
  if (segments.length > FORK_DEPTH_MAX)
    throw new MillraceError(
      "conflict",
      `${record.path} is the ${FORK_DEPTH_MAX}th fork upon a fork, which is the limit`,
    );
}

/** Where the source is cut. A sub-offset counts within the one append that follows: messages of JSON, bytes of everything else. */
async function cut(reader: StreamReader, { at: asked, subOffset }: ForkRequest, newId: () => string): Promise<Origin> {
  const { record, mode } = reader.stream;
  const at = asked ? positionOf(asked, record.generation, reader.tail) : reader.tail;
  // A fork shares what is kept; one that began where nothing is kept any more would be emptier than who made it knows.
  if (asked && at > 0) reader.positionOf(asked);
  if (subOffset === 0) return { source: record, at, base: at, prefix: [] };
  let left = subOffset;
  let position = at;
  let append: string | undefined;
  for (;;) {
    const { frames } = await reader.page(position);
    for (const frame of frames) {
      const id = appendIdOf(frame);
      append ??= id;
      if (id === undefined || id !== append) throw overshoots(subOffset);
      const bytes = mode === "json" ? undefined : toBytes([frame]);
      const size = bytes?.length ?? 1;
      if (bytes && left < size) return { source: record, at, base: position, prefix: prefixOf(bytes, left, newId()) };
      position++;
      left -= size;
      if (left === 0) return { source: record, at, base: position, prefix: [] };
    }
    if (frames.length === 0) throw overshoots(subOffset);
  }
}

/** The beginning of a message is the one thing a fork copies. */
function prefixOf(bytes: Buffer, length: number, id: string): readonly StreamEvent[] {
  return [{ type: MESSAGE_TYPE, id, data: { base64: bytes.subarray(0, length).toString("base64") } }];
}

function overshoots(subOffset: number): MillraceError {
  return new MillraceError(
    "invalid_argument",
    `Stream-Fork-Sub-Offset is ${subOffset}, which is more than the append after Stream-Fork-Offset has`,
  );
}
