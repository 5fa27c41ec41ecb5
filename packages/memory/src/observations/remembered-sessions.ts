import { SESSIONS_REMEMBERED_MAX } from "./limits.ts";

/** How far sessions came that nobody holds now: what makes sending again a no-op. */
export class RememberedSessions {
  readonly #lastSeq = new Map<string, number>();

  constructor(recovered: Iterable<{ readonly space: number; readonly session: string; readonly lastSeq: number }>) {
    for (const { space, session, lastSeq } of recovered) if (session !== "") this.put(space, session, lastSeq);
  }

  put(space: number, session: string, lastSeq: number): void {
    const key = `${space}/${session}`;
    this.#lastSeq.delete(key);
    this.#lastSeq.set(key, lastSeq);
    for (const oldest of this.#lastSeq.keys()) {
      if (this.#lastSeq.size <= SESSIONS_REMEMBERED_MAX) return;
      this.#lastSeq.delete(oldest);
    }
  }

  /** The last number of the session, 0 when it is new; it is held again from now on. */
  take(space: number, session: string): number {
    const key = `${space}/${session}`;
    const lastSeq = this.#lastSeq.get(key) ?? 0;
    this.#lastSeq.delete(key);
    return lastSeq;
  }

  /** The space was deleted; its number is never used again. */
  forget(space: number): void {
    for (const key of this.#lastSeq.keys()) if (key.startsWith(`${space}/`)) this.#lastSeq.delete(key);
  }
}
