/** What happened to a source as events of the job's stream: a document that is larger than a frame comes in pieces. */
import type { ExtractDataOf, ExtractFrameType, StreamEvent } from "@millrace/protocol";
import { DATA_DEPTH_MAX, isDeeperThan } from "@millrace/stream";
import { PART_CHARS } from "../limits.ts";
import type { ReadEvent } from "./read-all.ts";

/** Levels of an event's data around the document. */
const ENVELOPE_DEPTH = 2;

/** An event of an extraction; its data is typed by its type. */
export function extractEvent<Type extends ExtractFrameType>(
  type: Type,
  id: string,
  data: ExtractDataOf[Type],
): StreamEvent {
  return { type, id, data };
}

/** The events for one thing that happened, in order. */
export function toEvents(job: string, event: ReadEvent): readonly StreamEvent[] {
  const { index, name: source } = event.task;
  const id = `${job}.${index}`;
  const about = { job, index, source };
  switch (event.kind) {
    case "progress": {
      const { phase, done, total } = event;
      const pages = done === undefined || total === undefined ? {} : { done, total };
      return [extractEvent("extract.progress", id, { ...about, phase, ...pages })];
    }
    case "error":
      return [extractEvent("extract.error", id, { ...about, error: event.error })];
    case "result": {
      const { document } = event;
      const pieces = cut(JSON.stringify(document));
      // A page's own JSON-LD may be nested deeper than a frame's data may be: as text it is no level at all.
      const isPlain = pieces.length === 1 && !isDeeperThan(DATA_DEPTH_MAX - ENVELOPE_DEPTH, document);
      if (isPlain) return [extractEvent("extract.result", id, { ...about, document })];
      const parts = pieces.length;
      const events = pieces.map((piece, part) =>
        extractEvent("extract.part", id, { job, index, part, parts, json: piece }),
      );
      return [...events, extractEvent("extract.result", id, { ...about, parts })];
    }
  }
}

/** Pieces of at most PART_CHARS; a surrogate pair stays together, since half of one has no bytes in UTF-8. */
function cut(json: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < json.length; ) {
    let end = Math.min(json.length, at + PART_CHARS);
    if (end < json.length && isHighSurrogate(json.charCodeAt(end - 1))) end--;
    pieces.push(json.slice(at, end));
    at = end;
  }
  return pieces;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
