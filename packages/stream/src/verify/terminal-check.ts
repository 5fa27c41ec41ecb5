import { isEndingType, isTerminalState, KINDS, type Kind, LIFECYCLE, RULES, type State } from "../lifecycle/table.ts";
import { LIFECYCLE_ENDED_MAX, VERIFY_ENDED_MAX } from "../limits.ts";

/**
 * Whether entities of one stream end once (I7), by the table that the engine itself goes by. As the engine, it forgets ended ids past
 * LIFECYCLE_ENDED_MAX of a kind: a frame for such an id is one for a new entity.
 */
export class TerminalCheck {
  readonly #open = new Map<string, Kind>();
  readonly #ended = new Map<Kind, Map<string, State>>(KINDS.map((kind) => [kind, new Map()]));

  /** The state in which the entity had ended already; undefined when the frame is as it should be. */
  next(type: string, id: string): State | undefined {
    if (isEndingType(type)) {
      for (const kind of KINDS)
        if (this.#stateOf(kind, id) === "open") this.#enter(kind, id, LIFECYCLE[kind][type].open.to);
      return undefined;
    }
    const rule = RULES.get(type);
    if (!rule) return undefined;
    const state = this.#stateOf(rule.kind, id);
    const step = rule.steps[state];
    if ("refuse" in step) return step.refuse === "terminal" ? state : undefined;
    this.#enter(rule.kind, id, step.to);
    return undefined;
  }

  #stateOf(kind: Kind, id: string): State {
    if (this.#open.has(keyOf(kind, id))) return "open";
    return this.#ended.get(kind)?.get(id) ?? "absent";
  }

  #enter(kind: Kind, id: string, state: State | undefined): void {
    if (state === "open") {
      this.#open.set(keyOf(kind, id), kind);
      forgetOldest(this.#open, VERIFY_ENDED_MAX);
    } else if (state && isTerminalState(state)) {
      this.#open.delete(keyOf(kind, id));
      const ended = this.#ended.get(kind);
      if (!ended) return;
      ended.set(id, state);
      forgetOldest(ended, LIFECYCLE_ENDED_MAX);
    }
  }
}

function keyOf(kind: Kind, id: string): string {
  return `${kind}/${id}`;
}

function forgetOldest(map: Map<string, unknown>, sizeMax: number): void {
  if (map.size <= sizeMax) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
