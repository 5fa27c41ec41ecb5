import { checkText } from "@millrace/core";
import type { SpaceId, StreamId } from "./frame.ts";

const STREAM = {
  pattern: /^(?!.{129})_?[a-zA-Z0-9][a-zA-Z0-9:._-]*$/,
  rule: "a stream is named by 1 to 128 letters, digits and : . _ - and begins with a letter or digit, one of the engine's own may with _",
};

const SPACE = {
  pattern: /^[a-z0-9][a-z0-9._-]{0,62}$/,
  rule: "a space is named by 1 to 63 lower-case letters, digits and . _ - and begins with a letter or digit",
};

/** The value as a StreamId, or `invalid_argument`. */
export function toStreamId(value: unknown): StreamId {
  return checkText("stream", value, STREAM) as StreamId;
}

/** The value as a SpaceId, or `invalid_argument`. */
export function toSpaceId(value: unknown): SpaceId {
  return checkText("space", value, SPACE) as SpaceId;
}

/** The stream that holds a space's documents in order: the log from which its index is rebuilt. */
export function spaceStream(space: SpaceId): StreamId {
  return `space:${space}` as StreamId;
}

/** The stream of one job's progress. */
export function jobStream(job: string): StreamId {
  return toStreamId(`job:${job}`);
}

/** The stream of one extraction of several sources. */
export function extractStream(job: string): StreamId {
  return toStreamId(`extract:${job}`);
}

/** The engine's own stream about itself: its alerts. */
export const SYSTEM_STREAM = "_system" as StreamId;

/** Streams of the engine itself: clients read them, only the engine appends. */
export function isReservedStream(stream: StreamId): boolean {
  return /^(job:|space:|extract:|_)/.test(stream);
}
