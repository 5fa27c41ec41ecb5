/** The words with which a lifecycle refuses an append: which event, why, and what to do. */
import { MillraceError } from "@millrace/core";
import { ENTITY_ID_CHARS_MAX } from "../limits.ts";
import type { Kind, State } from "./table.ts";

/** Characters of an id that a message repeats. */
const SHOWN_CHARS = 80;

const NOUN: Readonly<Record<Kind, string>> = {
  message: "message",
  thinking: "thinking",
  tool: "tool call",
  mode: "mode",
  job: "job",
};

/** What the event is about: an entity, or what would become one. */
type Subject = { readonly kind: Kind; readonly id: string };
type EndedSubject = Subject & { readonly draftState: State; readonly endSeq: number | null };
type TextSubject = Subject & { readonly draftChars: number };

export function hasEnded(type: string, { kind, id, draftState, endSeq }: EndedSubject): MillraceError {
  const where = endSeq === null ? "by an event before it" : `by frame ${endSeq}`;
  const message = `${type} came for ${NOUN[kind]} ${shown(id)}, which has ended as ${draftState} ${where}; use a new id`;
  return new MillraceError("terminal", message);
}

export function isOpenAlready(type: string, { kind, id }: Subject): MillraceError {
  const message = `${type} came for ${NOUN[kind]} ${shown(id)}, which is open; end it first, or use a new id`;
  return new MillraceError("conflict", message);
}

export function wrongOffset(type: string, { id, draftChars }: TextSubject, given: number): MillraceError {
  const message = `${type} for ${shown(id)} has offset ${given}, but ${draftChars} is next; send from ${draftChars} on, or leave offset out`;
  return new MillraceError("conflict", message);
}

export function unknownOffset(type: string, { id }: Subject): MillraceError {
  const message = `${type} for ${shown(id)} has no offset, and the length of the text is not known after a restart; send the offset once`;
  return new MillraceError("conflict", message);
}

export function badDelta(type: string, { id }: Subject, fault: string): MillraceError {
  const message = `the data of ${type} for ${shown(id)} ${fault}; send {"append": text} or {"offset": number, "append": text}`;
  return new MillraceError("invalid_argument", message);
}

export function tooLongId(type: string, id: string): MillraceError {
  const message = `${type} has an id of ${id.length} characters; an id has at most ${ENTITY_ID_CHARS_MAX}`;
  return new MillraceError("invalid_argument", message);
}

export function tooManyOpen(openMax: number): MillraceError {
  const message = `the stream has ${openMax} messages, tool calls and the like open, the limit; end some of them first`;
  return new MillraceError("overloaded", message, { retryAfterMs: 1_000 });
}

function shown(id: string): string {
  return id.length > SHOWN_CHARS ? `${id.slice(0, SHOWN_CHARS)}…` : id;
}
