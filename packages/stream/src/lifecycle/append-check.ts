import type { StreamEvent, TextDeltaInput } from "@millrace/protocol";
import { ENTITY_ID_CHARS_MAX, FRAME_BYTES_MAX } from "../limits.ts";
import { Entity, UNKNOWN_CHARS } from "./entity.ts";
import type { EntityTable } from "./entity-table.ts";
import { badDelta, hasEnded, isOpenAlready, tooLongId, tooManyOpen, unknownOffset, wrongOffset } from "./refusals.ts";
import { isEndingType, KINDS, LIFECYCLE, RULES, type Rule, type State } from "./table.ts";

/** Room a frame needs beside its data: cursor fields, id, correlation. A keyframe that leaves less is not made. */
const ENVELOPE_CHARS = 16 * 1024;

const NO_EVENTS: readonly StreamEvent[] = [];

export type CheckLimits = {
  readonly openMax: number;
  readonly keyframeChars: number;
  readonly keyframeTextCharsMax: number;
};

/**
 * Plays the events of one append on drafts of the entities they name, in order, without changing the entities: a draft is a few fields
 * that count only during one check, so a refused append leaves nothing to take back and a plain one allocates nothing.
 */
export class AppendCheck {
  readonly #entities: EntityTable;
  readonly #limits: CheckLimits;
  /** Entities that the append would open, by kind and id. */
  readonly #drafts = new Map<string, Entity>();
  #events = NO_EVENTS;
  #stamp = 0;
  #at = 0;
  /** By how many the append would change the number of open entities. */
  #opens = 0;

  constructor(entities: EntityTable, limits: CheckLimits) {
    this.#entities = entities;
    this.#limits = limits;
  }

  /** The events with offsets and keyframes filled in; the same array when there was nothing to fill in. Throws what refuses the append. */
  run(events: readonly StreamEvent[]): readonly StreamEvent[] {
    this.#stamp++;
    this.#opens = 0;
    this.#events = events;
    if (this.#drafts.size > 0) this.#drafts.clear();
    let filled: StreamEvent[] | undefined;
    for (this.#at = 0; this.#at < events.length; this.#at++) {
      const event = events[this.#at] as StreamEvent;
      const ready = this.#checkEvent(event);
      if (ready !== event) filled ??= events.slice(0, this.#at);
      filled?.push(ready);
    }
    this.#events = NO_EVENTS;
    return filled ?? events;
  }

  #checkEvent(event: StreamEvent): StreamEvent {
    const { type, id } = event;
    if (id === undefined) return event;
    const rule = RULES.get(type);
    if (rule !== undefined) return this.#checkPart(event, rule, id);
    if (isEndingType(type)) this.#checkEnding(type, id);
    return event;
  }

  #checkPart(event: StreamEvent, rule: Rule, id: string): StreamEvent {
    const draft = this.#existingDraft(rule.kindAt, id) ?? this.#newDraft(rule, id);
    const step = rule.steps[draft.draftState];
    if (step.to === undefined)
      throw step.refuse === "conflict" ? isOpenAlready(rule.type, draft) : hasEnded(rule.type, draft);
    const ready = rule.isText ? this.#fill(event, draft) : event;
    this.#move(draft, step.to);
    return ready;
  }

  /** `error` and `interrupted` end every open entity of their id; when all there are have ended before, they are refused. */
  #checkEnding(type: "error" | "interrupted", id: string): void {
    let ended: Entity | undefined;
    let isAnyOpen = false;
    for (let kindAt = 0; kindAt < KINDS.length; kindAt++) {
      const draft = this.#existingDraft(kindAt, id);
      if (draft === undefined || draft.draftState === "absent") continue;
      const { to } = LIFECYCLE[draft.kind][type][draft.draftState];
      if (to === undefined) ended ??= draft;
      else this.#move(draft, to);
      isAnyOpen ||= to !== undefined;
    }
    if (ended && !isAnyOpen) throw hasEnded(type, ended);
  }

  #move(draft: Entity, to: State): void {
    if (draft.draftState === to) return;
    if (draft.draftState === "open") this.#opens--;
    draft.draftState = to;
    if (to !== "open") return;
    this.#opens++;
    if (this.#entities.openCount + this.#opens > this.#limits.openMax) throw tooManyOpen(this.#limits.openMax);
  }

  /** The entity with what the events before this one would make of it, when it is heard of. */
  #existingDraft(kindAt: number, id: string): Entity | undefined {
    const entity = this.#entities.find(kindAt, id);
    if (entity === undefined) return this.#drafts.size === 0 ? undefined : this.#drafts.get(`${kindAt}/${id}`);
    if (entity.draftStamp !== this.#stamp) entity.beginDraft(this.#stamp);
    return entity;
  }

  #newDraft({ kind, kindAt, type }: Rule, id: string): Entity {
    if (id.length > ENTITY_ID_CHARS_MAX) throw tooLongId(type, id);
    const draft = new Entity(kind, id);
    draft.beginDraft(this.#stamp);
    this.#drafts.set(`${kindAt}/${id}`, draft);
    return draft;
  }

  /** The delta with its offset, and with the whole text when that is due. */
  #fill(event: StreamEvent, draft: Entity): StreamEvent {
    const data = readDelta(event, draft);
    const { offset, append, text } = data;
    const expected = draft.draftChars;
    if (offset === undefined) {
      if (expected === UNKNOWN_CHARS) throw unknownOffset(event.type, draft);
    } else if (expected !== UNKNOWN_CHARS && offset !== expected) throw wrongOffset(event.type, draft, offset);
    const from = offset ?? expected;
    draft.draftChars = from + append.length;
    if (text !== undefined) checkOwnText(event.type, draft, text);
    else if (draft.draftChars - draft.draftKeyframeChars >= this.#limits.keyframeChars) {
      const keyframe = this.#keyframe(event, draft, from);
      if (keyframe) return keyframe;
    }
    return offset === undefined ? withData(event, { offset: from, ...data }) : event;
  }

  /** The delta with the whole text; undefined when the text is not kept or too long for a frame. */
  #keyframe(event: StreamEvent, draft: Entity, offset: number): StreamEvent | undefined {
    if (!draft.keepsText && draft.state !== "absent") return undefined;
    if (draft.draftChars > this.#limits.keyframeTextCharsMax) return undefined;
    let text = draft.text ?? "";
    for (let at = 0; at <= this.#at; at++) {
      const earlier = this.#events[at] as StreamEvent;
      if (earlier.id === draft.id && earlier.type === event.type) text += (earlier.data as TextDeltaInput).append;
    }
    draft.draftKeyframeChars = draft.draftChars;
    const data = { offset, ...(event.data as TextDeltaInput), text };
    if (JSON.stringify(data).length <= FRAME_BYTES_MAX - ENVELOPE_CHARS) return withData(event, data);
    // Only when the next keyframe is tried, so that a text which does not fit is not measured again for every delta.
    draft.keyframeChars = draft.draftChars;
    return undefined;
  }
}

/** The event with other data; its JSON was that of the data before. */
function withData({ json: _before, ...event }: StreamEvent, data: unknown): StreamEvent {
  return { ...event, data };
}

function readDelta({ type, data }: StreamEvent, draft: Entity): TextDeltaInput {
  if (typeof data !== "object" || data === null) throw badDelta(type, draft, "is no object");
  const { offset, append } = data as TextDeltaInput;
  if (typeof append !== "string") throw badDelta(type, draft, "has no text in append");
  if (offset !== undefined && (!Number.isSafeInteger(offset) || offset < 0))
    throw badDelta(type, draft, `has the offset ${JSON.stringify(offset)?.slice(0, 40)}`);
  return data as TextDeltaInput;
}

/** A producer may send the whole text itself; then it has to be as long as the text is. */
function checkOwnText(type: string, draft: Entity, text: unknown): void {
  const { draftChars } = draft;
  if (typeof text !== "string" || text.length !== draftChars)
    throw badDelta(type, draft, `has a text that is not the ${draftChars} characters so far`);
  draft.draftKeyframeChars = draftChars;
}
