import { MillraceError } from "@millrace/core";
import type { StreamEvent, TextDeltaInput } from "@millrace/protocol";
import {
  KEYFRAME_CHARS,
  KEYFRAME_TEXT_CHARS_MAX,
  LIFECYCLE_ENDED_MAX,
  LIFECYCLE_OPEN_MAX,
  LIFECYCLE_UNDO_MAX,
  STREAM_TEXT_CHARS_MAX,
} from "../limits.ts";
import { AppendCheck } from "./append-check.ts";
import { Entity, UNKNOWN_CHARS } from "./entity.ts";
import { EntityTable, fromRow, type LifecycleRow, toRow } from "./entity-table.ts";
import { Journal } from "./journal.ts";
import { LifecycleCounters } from "./lifecycle-counters.ts";
import {
  type Anomaly,
  type EndingType,
  isEndingType,
  isTerminalState,
  KINDS,
  LIFECYCLE,
  RULES,
  type Rule,
  type State,
} from "./table.ts";

/** Bounds of one stream's lifecycles; the defaults and their reasons are in `limits.ts`. */
export type LifecycleLimits = {
  readonly openMax: number;
  readonly endedMax: number;
  readonly undoMax: number;
  readonly keyframeChars: number;
  readonly keyframeTextCharsMax: number;
  readonly streamTextCharsMax: number;
};

const LIMITS: LifecycleLimits = {
  openMax: LIFECYCLE_OPEN_MAX,
  endedMax: LIFECYCLE_ENDED_MAX,
  undoMax: LIFECYCLE_UNDO_MAX,
  keyframeChars: KEYFRAME_CHARS,
  keyframeTextCharsMax: KEYFRAME_TEXT_CHARS_MAX,
  streamTextCharsMax: STREAM_TEXT_CHARS_MAX,
};

/**
 * What is open and what has ended in one stream (I7). Synchronous and without I/O. An append is first checked as a whole, which changes
 * nothing; then, once its frames have their numbers, each is applied:
 *
 *     const ready = lifecycles.check(events);     // throws, or fills in offsets and keyframes
 *     for (…) lifecycles.apply(ready[at], seq, rows);
 *     lifecycles.settle(durableSeq);              // when the write was kept
 *     lifecycles.undoAfter(durableSeq);           // when it was not
 *
 * `apply` passes over what the table refuses, so that it also rebuilds the state from a log. An event whose type has no lifecycle costs one
 * look-up in each.
 */
export class Lifecycles {
  readonly counters: LifecycleCounters;
  readonly #limits: LifecycleLimits;
  readonly #entities: EntityTable;
  readonly #check: AppendCheck;
  readonly #journal: Journal;
  #textChars = 0;

  /** `counters` are shared by the streams of one engine. */
  constructor(counters = new LifecycleCounters(), limits: Partial<LifecycleLimits> = {}) {
    this.counters = counters;
    this.#limits = { ...LIMITS, ...limits };
    this.#entities = new EntityTable(this.#limits.endedMax);
    this.#check = new AppendCheck(this.#entities, this.#limits);
    this.#journal = new Journal(this.#limits.undoMax);
  }

  /** Entities that are open now. */
  get openCount(): number {
    return this.#entities.openCount;
  }

  /** Characters kept for keyframes. */
  get textChars(): number {
    return this.#textChars;
  }

  /**
   * The events as they are to be framed: deltas with their offset, and with the whole text where a keyframe is due; the same array when
   * nothing had to be filled in. Throws `terminal`, `conflict`, `invalid_argument` or `overloaded` when one of them, applied in order after
   * those before it, is not allowed. Changes nothing but the counters.
   */
  check(events: readonly StreamEvent[]): readonly StreamEvent[] {
    try {
      return this.#check.run(events);
    } catch (error) {
      if (error instanceof MillraceError) this.counters.countRefusal(error.code);
      throw error;
    }
  }

  /** Takes note of a frame that has its number. Adds to `rows` what storage is to keep: one row when an entity opens, one when it ends. */
  apply(event: StreamEvent, seq: number, rows: LifecycleRow[]): void {
    const { type, id } = event;
    const rule = RULES.get(type);
    if (rule === undefined) {
      if (id === undefined || !isEndingType(type)) return;
      for (let kindAt = 0; kindAt < KINDS.length; kindAt++) {
        const ended = this.#applyEnding(type, this.#entities.find(kindAt, id), seq);
        if (ended) rows.push(toRow(ended, true));
      }
    } else if (id === undefined) this.counters.anomalies.withoutId++;
    else {
      const changed = this.#applyPart(event, rule, seq);
      if (changed) rows.push(toRow(changed, true));
    }
  }

  /** Frames up to `seq` are durable and will not be undone. */
  settle(seq: number): void {
    this.#journal.settle(seq);
  }

  /** Forgets what the frames after `seq` did: they were not kept. Settled frames stay. */
  undoAfter(seq: number): void {
    for (let entry = this.#journal.popAfter(seq); entry; entry = this.#journal.popAfter(seq)) {
      const { entity, state, chars } = entry;
      if (entity.state !== state) {
        this.#entities.move(entity, state);
        entity.endSeq = null;
      }
      this.#textChars -= entity.truncate(chars);
    }
    if (seq >= this.#journal.forgotten) return;
    for (const entity of this.#entities.opened()) {
      this.#textChars -= entity.dropText();
      entity.chars = UNKNOWN_CHARS;
    }
  }

  /** Everything that is remembered, with lengths: what `restore` takes when a stream leaves memory and comes back. */
  snapshot(): LifecycleRow[] {
    const rows: LifecycleRow[] = [];
    for (const entity of this.#entities.ended()) rows.push(toRow(entity, false));
    for (const entity of this.#entities.opened()) rows.push(toRow(entity, false));
    return rows;
  }

  /**
   * Takes over kept rows in place of what is remembered; of several rows of one entity, the last. Where `chars` is null the length is not
   * known, and the next delta must name its offset; after a restart `closeAll` ends such entities, so that it does not matter.
   */
  restore(rows: readonly LifecycleRow[]): void {
    this.#entities.clear();
    this.#journal.clear();
    this.#textChars = 0;
    for (const row of rows.toSorted((a, b) => (a.endSeq ?? a.startSeq) - (b.endSeq ?? b.startSeq))) {
      const before = this.#entities.find(KINDS.indexOf(row.kind), row.id);
      if (before) this.#entities.move(before, "absent");
      this.#entities.move(fromRow(row), row.state);
    }
  }

  /**
   * The events that end everything a restart left open, one for each id; to be appended like any other. Jobs are left out: their recovery
   * pass writes `job.interrupted` with what was done.
   */
  closeAll(reason: string): StreamEvent[] {
    const ids = new Set<string>();
    for (const { kind, id } of this.#entities.opened()) if (kind !== "job") ids.add(id);
    return Array.from(ids, (id) => ({ type: "interrupted", id, data: { reason } }));
  }

  /** The entity when it was opened or ended by the event. */
  #applyPart(event: StreamEvent, rule: Rule, seq: number): Entity | undefined {
    const id = event.id as string;
    const found = this.#entities.find(rule.kindAt, id);
    const state = found?.state ?? "absent";
    const step = rule.steps[state];
    if (step.to === undefined || step.to === "absent" || isTerminalState(state)) return undefined;
    if (step.anomaly !== undefined) this.#note(step.anomaly);
    const entity = found ?? this.#newEntity(rule, id);
    if (step.to !== state || rule.isText) this.#journal.push(seq, entity);
    if (rule.isText) this.#applyText(entity, event.data as TextDeltaInput);
    if (step.to === state) return undefined;
    this.#move(entity, step.to, seq);
    return entity;
  }

  #applyEnding(type: EndingType, entity: Entity | undefined, seq: number): Entity | undefined {
    if (entity?.state !== "open") return undefined;
    const { to } = LIFECYCLE[entity.kind][type][entity.state];
    if (to === undefined) return undefined;
    this.#journal.push(seq, entity);
    this.#move(entity, to, seq);
    return entity;
  }

  #move(entity: Entity, to: State, seq: number): void {
    if (entity.state === "absent") entity.startSeq = seq;
    if (isTerminalState(to)) {
      entity.endSeq = seq;
      this.#textChars -= entity.dropText();
    }
    this.#entities.move(entity, to);
  }

  #newEntity({ kind, kindAt }: Rule, id: string): Entity {
    if (this.#entities.isOtherKind(kindAt, id)) this.#note("otherKind");
    const entity = new Entity(kind, id);
    entity.keepText("");
    return entity;
  }

  #applyText(entity: Entity, { offset, append, text }: TextDeltaInput): void {
    entity.chars = (offset ?? Math.max(0, entity.chars)) + append.length;
    if (text !== undefined) {
      entity.keyframeChars = entity.chars;
      this.counters.keyframes++;
    }
    if (!entity.keepsText) return;
    const { keyframeTextCharsMax, streamTextCharsMax } = this.#limits;
    if (entity.chars > keyframeTextCharsMax || this.#textChars + append.length > streamTextCharsMax) {
      this.#textChars -= entity.dropText();
      this.counters.textsGivenUp++;
      return;
    }
    entity.append(append);
    this.#textChars += append.length;
  }

  #note(anomaly: Anomaly): void {
    this.counters.anomalies[anomaly]++;
  }
}
