import { assert, MillraceError } from "@millrace/core";
import { IdTable } from "../id-table.ts";
import type { EngineBuild } from "../kernels/engine-module.ts";
import { SEGMENT_ROWS_MAX, SEGMENTS_MAX } from "../limits.ts";
import { RecallSampler } from "../recall-sampler.ts";
import type { OpenSegment } from "../search.ts";
import type { Segment } from "../segment/segment.ts";

/** Scratch space of the owner in every segment. */
const OWNER_SLOT = 0;
/** Rows between two times that the garbage collector is told; a power of two. */
const WEIGHED_EVERY = 256;

/**
 * A segment of the index, as its owner holds it. `place`, which slots name, and `age`, which grows from one segment made to the
 * next, stay when its rows get other memory; `serial` is that memory's alone.
 */
export type Held = OpenSegment & HeldNames;

/** What a segment goes by among those of its index. */
export type HeldNames = { readonly place: number; readonly age: number; readonly serial: number };

/**
 * The segments of an index, oldest first, and where each id is. A row is added to the last segment before its old version is
 * removed, and searches go from old to new: so they find one of the two or both, never neither.
 */
export class SegmentSet {
  readonly #build: EngineBuild | undefined;
  #held: Held[] = [];
  readonly #ids = new IdTable();
  #nextSerial = 0;
  /** Counts changes of which segments there are. */
  version = 0;

  constructor(build: EngineBuild | undefined) {
    this.#build = build;
  }

  get list(): readonly Held[] {
    return this.#held;
  }

  /** The segment that takes new rows. */
  get open(): Held {
    const open = this.#held[this.#held.length - 1];
    assert(open, "an index has a segment");
    return open;
  }

  /** Ids that a search can return. */
  get size(): number {
    return this.#ids.size;
  }

  get dead(): number {
    return this.#held.reduce((sum, { segment }) => sum + segment.dead, 0);
  }

  get bytes(): number {
    return this.#held.reduce((sum, { segment }) => sum + segment.bytes, this.#ids.bytes);
  }

  push(segment: Segment): Held {
    return this.#push(segment, { place: this.#freePlace(), age: this.#nextSerial, serial: this.#nextSerial });
  }

  /** Takes a segment whose rows are not known yet: one read from a file, or, with its `names`, another owner's. */
  adopt(segment: Segment, names?: HeldNames): Held {
    const held = names ? this.#push(segment, names) : this.push(segment);
    for (let row = 0; row < segment.rows; row++) {
      if (segment.isAlive(row)) this.#ids.set(segment.idOf(row), slotOf(held, row));
    }
    return held;
  }

  /** Puts the same rows in other memory in the place of `held`. */
  replace(held: Held, segment: Segment): Held {
    const next = this.#hold(segment, { ...held, serial: this.#nextSerial });
    this.#held = this.#held.map((one) => (one === held ? next : one));
    this.version++;
    return next;
  }

  /** Drops a segment none of whose rows is alive. Its memory goes when the last reader lets go of it. */
  drop(held: Held): void {
    this.#held = this.#held.filter((one) => one !== held);
    this.version++;
  }

  has(id: number): boolean {
    return this.#ids.get(id) !== undefined;
  }

  /** Where the id is. */
  find(id: number): { readonly held: Held; readonly row: number } | undefined {
    const slot = this.#ids.get(id);
    if (slot === undefined) return undefined;
    return { held: this.#at(Math.floor(slot / SEGMENT_ROWS_MAX)), row: slot % SEGMENT_ROWS_MAX };
  }

  /** Appends the vector in the open segment's input under `id`; the row it replaces is removed, and returned. */
  append(id: number): Held | undefined {
    const { open } = this;
    assert(!open.segment.isFull, "a full segment takes no rows");
    const row = open.engine.exports.append(id);
    if ((row & (WEIGHED_EVERY - 1)) === 0) open.segment.weigh();
    const before = this.find(id);
    this.#ids.set(id, slotOf(open, row));
    if (!before) return undefined;
    before.held.segment.kill(before.row);
    return before.held;
  }

  /** Removes an id; returns the segment it was in. */
  remove(id: number): Held | undefined {
    const found = this.find(id);
    if (!found) return undefined;
    this.#ids.delete(id);
    found.held.segment.kill(found.row);
    return found.held;
  }

  #push(segment: Segment, names: HeldNames): Held {
    const held = this.#hold(segment, names);
    this.#held = [...this.#held, held];
    this.version++;
    return held;
  }

  #hold(segment: Segment, { place, age, serial }: HeldNames): Held {
    const engine = segment.engine(OWNER_SLOT, this.#build);
    this.#nextSerial = Math.max(this.#nextSerial, serial + 1);
    return { segment, engine, sampler: new RecallSampler(segment, engine), place, age, serial };
  }

  #at(place: number): Held {
    const held = this.#held.find((one) => one.place === place);
    assert(held, `there is no segment at place ${place}`);
    return held;
  }

  /** The lowest place that no segment has. O(segments). */
  #freePlace(): number {
    const taken = new Set(this.#held.map(({ place }) => place));
    for (let place = 0; place < SEGMENTS_MAX; place++) if (!taken.has(place)) return place;
    const message = `the index has ${SEGMENTS_MAX} segments, which is the limit; raise segmentRows or remove rows`;
    throw new MillraceError("too_large", message);
  }
}

function slotOf({ place }: Held, row: number): number {
  return place * SEGMENT_ROWS_MAX + row;
}
