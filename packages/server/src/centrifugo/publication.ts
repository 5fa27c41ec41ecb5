/** Frames as the protocol's publications: `offset` is the frame's seq, `data` its data, and its type and id travel as tags. */
import type { StreamId } from "@millrace/protocol";
import type { Batch, StoredFrame } from "@millrace/stream";
import { textFrame } from "../http/socket-frames.ts";

/** The name under which a batch keeps its bytes for all subscribers. */
const FORM = "centrifugo";

const TYPE_KEY = ',"type":';
const ID_KEY = ',"id":';
const DATA_KEY = ',"data":';
const CORRELATION_KEY = ',"correlation":';
/** The end of a correlation and the data behind it: inside a JSON string its quotes would be escaped. */
const CORRELATED_DATA_KEY = '},"data":';

/** The batch as one WebSocket message of pushes: built once, the same bytes for every subscriber of the channel. */
export function encodePushes(batch: Batch): Buffer {
  return batch.encoded(FORM, () => textFrame(toPushes(batch.stream, batch.frames)));
}

/** Pushes, one to a line. */
export function toPushes(channel: StreamId, frames: readonly StoredFrame[]): string {
  // A channel is a stream's name, which needs no escape.
  return frames.map((frame) => `{"push":{"channel":"${channel}","pub":${toPublication(frame)}}}`).join("\n");
}

/**
 * One frame as a publication. The parts are cut out of the frame's JSON, whose fields have a fixed order with the data last (encodeFrame).
 * Logs of the first version have the correlation behind the data; a frame that may be one of those is read properly.
 */
export function toPublication({ seq, json }: Pick<StoredFrame, "seq" | "json">): string {
  const type = json.indexOf(TYPE_KEY) + TYPE_KEY.length;
  const typeEnd = endOfString(json, type);
  const id = typeEnd + ID_KEY.length;
  const idEnd = endOfString(json, id);
  const isCorrelated = json.startsWith(CORRELATION_KEY, idEnd);
  const key = isCorrelated ? CORRELATED_DATA_KEY : DATA_KEY;
  const data = json.indexOf(key, idEnd) + key.length;
  if (!isCorrelated && json.includes(CORRELATION_KEY, data)) return parsePublication(seq, json);
  const tags = `{"type":${json.slice(type, typeEnd)},"id":${json.slice(id, idEnd)}}`;
  return `{"data":${json.slice(data, -1)},"offset":${seq},"tags":${tags}}`;
}

function parsePublication(offset: number, json: string): string {
  const { data, type, id } = JSON.parse(json) as { data: unknown; type: string; id: string };
  return JSON.stringify({ data, offset, tags: { type, id } });
}

/** Where the JSON string that begins at `start` ends: behind its closing quote. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at + 1;
}
