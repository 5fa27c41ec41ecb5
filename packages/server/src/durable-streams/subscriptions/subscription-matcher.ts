import { matchesGlob } from "./glob.ts";
import type { SubscriptionRecord } from "./subscription-record.ts";

/** Paths whose matches are remembered; past it all are forgotten and found anew. */
const PATHS_REMEMBERED_MAX = 10_000;

/** Which subscriptions a stream is of: those that name it and those whose pattern matches it. */
export class SubscriptionMatcher {
  readonly #records = new Map<string, SubscriptionRecord>();
  /** Subscriptions by the paths they name. */
  readonly #named = new Map<string, Set<string>>();
  /** Subscriptions whose pattern matches, by path. */
  readonly #matched = new Map<string, readonly string[]>();

  add(record: SubscriptionRecord, named: Iterable<string>): void {
    this.#records.set(record.id, record);
    this.#matched.clear();
    for (const path of named) this.name(record.id, path);
  }

  remove(id: string): void {
    this.#records.delete(id);
    this.#matched.clear();
    for (const path of [...this.#named.keys()]) this.unname(id, path);
  }

  name(id: string, path: string): void {
    const ids = this.#named.get(path);
    if (ids) ids.add(id);
    else this.#named.set(path, new Set([id]));
  }

  unname(id: string, path: string): void {
    const ids = this.#named.get(path);
    if (ids?.delete(id) && ids.size === 0) this.#named.delete(path);
  }

  /** How many streams the subscription names. */
  namedBy(id: string): number {
    let count = 0;
    for (const ids of this.#named.values()) if (ids.has(id)) count++;
    return count;
  }

  /** The stream was deleted: nobody names it any more. */
  forget(path: string): void {
    this.#named.delete(path);
  }

  /** Ids of the subscriptions whose pattern matches. Its own wake stream wakes no subscription. */
  matching(path: string): readonly string[] {
    const known = this.#matched.get(path);
    if (known) return known;
    const ids: string[] = [];
    for (const { id, config } of this.#records.values()) {
      const { pattern, wakeStream } = config;
      if (pattern !== undefined && path !== wakeStream && matchesGlob(pattern, path)) ids.push(id);
    }
    if (this.#matched.size >= PATHS_REMEMBERED_MAX) this.#matched.clear();
    this.#matched.set(path, ids);
    return ids;
  }

  /** Ids of all subscriptions that the stream is of. */
  all(path: string): ReadonlySet<string> {
    return new Set([...this.matching(path), ...(this.#named.get(path) ?? [])]);
  }
}
