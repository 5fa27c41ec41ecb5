import { Entity, UNKNOWN_CHARS } from "./entity.ts";
import { isTerminalState, KINDS, type Kind, type State } from "./table.ts";

/** The entities of one kind; made when the kind is first seen, since most streams see one or two. */
type OfKind = { readonly open: Map<string, Entity>; readonly ended: Map<string, Entity> };

/** The entities of one stream: all that are open and, of each kind, the newest that have ended. */
export class EntityTable {
  readonly #endedMax: number;
  readonly #kinds: (OfKind | undefined)[] = KINDS.map(() => undefined);
  #openCount = 0;

  constructor(endedMax: number) {
    this.#endedMax = endedMax;
  }

  get openCount(): number {
    return this.#openCount;
  }

  /** The entity, open or ended; undefined when it is not heard of or forgotten. */
  find(kindAt: number, id: string): Entity | undefined {
    const ofKind = this.#kinds[kindAt];
    return ofKind && (ofKind.open.get(id) ?? ofKind.ended.get(id));
  }

  /** Whether an entity of another kind has this id. */
  isOtherKind(kindAt: number, id: string): boolean {
    for (let at = 0; at < KINDS.length; at++) if (at !== kindAt && this.find(at, id)) return true;
    return false;
  }

  /** Leads the entity to another state and keeps it where it then belongs. */
  move(entity: Entity, to: State): void {
    const { open, ended } = this.#ofKind(entity.kind);
    if (entity.state === "open" && open.delete(entity.id)) this.#openCount--;
    if (isTerminalState(entity.state)) ended.delete(entity.id);
    entity.state = to;
    if (to === "open") {
      open.set(entity.id, entity);
      this.#openCount++;
    } else if (isTerminalState(to)) {
      ended.set(entity.id, entity);
      if (ended.size > this.#endedMax) forgetOldest(ended);
    }
  }

  /** Every open entity, in the order in which those of a kind were opened. */
  *opened(): Generator<Entity> {
    for (const ofKind of this.#kinds) if (ofKind) yield* ofKind.open.values();
  }

  /** Every ended entity that is remembered, those of a kind oldest first. */
  *ended(): Generator<Entity> {
    for (const ofKind of this.#kinds) if (ofKind) yield* ofKind.ended.values();
  }

  clear(): void {
    this.#kinds.fill(undefined);
    this.#openCount = 0;
  }

  #ofKind(kind: Kind): OfKind {
    const at = KINDS.indexOf(kind);
    const known = this.#kinds[at];
    if (known) return known;
    const made = { open: new Map<string, Entity>(), ended: new Map<string, Entity>() };
    this.#kinds[at] = made;
    return made;
  }
}

function forgetOldest(ended: Map<string, Entity>): void {
  for (const id of ended.keys()) {
    ended.delete(id);
    return;
  }
}

/** What the storage thread keeps of an entity: written when it opens and when it ends, never for a delta. */
export type LifecycleRow = {
  readonly kind: Kind;
  readonly id: string;
  readonly state: Exclude<State, "absent">;
  /** Length of its text; null while it is open in the log, where the deltas after this row are not counted. */
  readonly chars: number | null;
  readonly startSeq: number;
  readonly endSeq: number | null;
};

/** The row of an entity that is open or has ended; `chars` of an open one only when it stays in memory. */
export function toRow(entity: Entity, isForLog: boolean): LifecycleRow {
  const { kind, id, state, chars, startSeq, endSeq } = entity;
  const isUnknown = chars === UNKNOWN_CHARS || (isForLog && state === "open");
  return {
    kind,
    id,
    state: state === "absent" ? "open" : state,
    chars: isUnknown ? null : chars,
    startSeq,
    endSeq,
  };
}

/** The entity that a row was made of. */
export function fromRow({ kind, id, chars, startSeq, endSeq }: LifecycleRow): Entity {
  const entity = new Entity(kind, id);
  entity.chars = chars ?? UNKNOWN_CHARS;
  entity.startSeq = startSeq;
  entity.endSeq = endSeq;
  return entity;
}
