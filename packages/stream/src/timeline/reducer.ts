import { type Entity, type Frame, isReservedStream, type StreamId } from "@millrace/protocol";
import { ENTITY_BYTES_MAX } from "../limits.ts";

/** How a frame type changes the entity it names: the state it leads to, and whether that state ends the entity (I7). */
type Transition = { readonly kind: "job" | "document"; readonly state: string; readonly isTerminal: boolean };

/** Every frame type that makes or changes an entity in the engine's own streams. Other types, and other streams, leave the timeline alone. */
const TRANSITIONS: Readonly<Record<string, Transition>> = {
  "job.started": { kind: "job", state: "running", isTerminal: false },
  "job.progress": { kind: "job", state: "running", isTerminal: false },
  "job.done": { kind: "job", state: "done", isTerminal: true },
  "job.error": { kind: "job", state: "error", isTerminal: true },
  "job.interrupted": { kind: "job", state: "interrupted", isTerminal: true },
  "document.started": { kind: "document", state: "working", isTerminal: false },
  "document.progress": { kind: "document", state: "working", isTerminal: false },
  "document.stored": { kind: "document", state: "stored", isTerminal: false },
  "document.failed": { kind: "document", state: "failed", isTerminal: false },
  "document.removed": { kind: "document", state: "removed", isTerminal: false },
};

const TERMINAL_STATES: ReadonlySet<string> = new Set(
  Object.values(TRANSITIONS).flatMap(({ kind, state, isTerminal }) => (isTerminal ? [`${kind}/${state}`] : [])),
);

/**
 * The timeline as a pure reducer (I9): the entity that `frame` leads to, or undefined when it changes none. `find` gives the entity as the
 * frames before left it. A frame for an entity that has ended changes nothing; props of later frames cover those of earlier ones.
 */
export function reduceFrame(frame: Frame, find: (kind: string, id: string) => Entity | undefined): Entity | undefined {
  const transition = transitionOf(frame);
  if (!transition) return undefined;
  const { kind, state } = transition;
  const before = find(kind, frame.id);
  if (before && TERMINAL_STATES.has(`${kind}/${before.state}`)) return undefined;
  const props = merge(before?.props, asProps(frame.data));
  return { kind, id: frame.id, version: frame.seq, firstSeq: before?.firstSeq ?? frame.seq, state, props };
}

/** Whether the frame can change an entity: only the engine's own streams make any, so that what clients append costs no timeline. */
export function makesEntity(stream: StreamId, type: string): boolean {
  return transitionOf({ stream, type }) !== undefined;
}

function transitionOf({ stream, type }: Pick<Frame, "stream" | "type">): Transition | undefined {
  return isReservedStream(stream) && Object.hasOwn(TRANSITIONS, type) ? TRANSITIONS[type] : undefined;
}

/** Whether the frame type ends a job: what the job runner must emit exactly once. */
export function isTerminalType(type: string): boolean {
  return Object.hasOwn(TRANSITIONS, type) && TRANSITIONS[type]?.isTerminal === true;
}

function asProps(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : { value };
}

/** Later properties over earlier ones; the later ones alone when both together are too many. */
function merge(before: Entity["props"] | undefined, later: Entity["props"]): Entity["props"] {
  const both = { ...before, ...later };
  return JSON.stringify(both).length > ENTITY_BYTES_MAX ? later : both;
}
