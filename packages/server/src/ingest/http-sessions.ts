import { type Clock, type Code, MillraceError } from "@millrace/core";
import type { IngestSession } from "@millrace/memory";
import type { Lane, SpaceId } from "@millrace/protocol";
import { HTTP_SESSION_IDLE_MS, HTTP_SESSIONS_MAX } from "./limits.ts";
import type { ObservationIngest } from "./observation-ingest.ts";

export type HttpSessionKey = {
  readonly space: SpaceId;
  /** Undefined: the one that all requests without a session share in their lane. It is not remembered. */
  readonly session: string | undefined;
  readonly lane: Lane;
  readonly dims: number | undefined;
};

/** Codes after which a session cannot be used any more, or could not be opened: the next request opens it again. */
const ENDED: ReadonlySet<Code> = new Set(["conflict", "stale_epoch", "gone", "not_found", "unavailable", "internal"]);

export type SessionWork<T> = {
  readonly submit: (session: IngestSession) => Promise<T>;
  /** Waits for what was submitted. */
  readonly settle: (session: IngestSession) => Promise<void>;
};

/** Submitting failed, so that it can be tried again. */
class NotSubmitted extends Error {}

type Held = { readonly opening: Promise<IngestSession>; users: number; cancelIdle: () => void };

/**
 * The sessions of requests, kept open from one request to the next: opening one again would end the hold of a request that still waits for
 * its mark. One that nobody uses is given up after a while, or when another needs its place.
 */
export class HttpSessions {
  readonly #ingest: ObservationIngest;
  readonly #clock: Clock;
  /** Those used least recently come first. */
  readonly #held = new Map<string, Held>();

  constructor(ingest: ObservationIngest, clock: Clock) {
    this.#ingest = ingest;
    this.#clock = clock;
  }

  get count(): number {
    return this.#held.size;
  }

  /**
   * Submits to the session, and settles. A session kept that turns out to have ended (its space was deleted, say) is opened again, where it is
   * nobody's own. `overloaded` when too many are in use; what opening one throws.
   */
  async use<T>(key: HttpSessionKey, work: SessionWork<T>): Promise<T> {
    const isKept = this.#held.has(nameOf(key));
    try {
      return await this.#try(key, work);
    } catch (error) {
      if (!isKept || !(error instanceof NotSubmitted)) throw causeOf(error);
      if (key.session !== undefined || !hasEnded(error.cause)) throw error.cause;
    }
    return this.#try(key, work).catch((error: unknown) => {
      throw causeOf(error);
    });
  }

  /** Gives all of them up. */
  async close(): Promise<void> {
    const held = [...this.#held];
    for (const [name, one] of held) this.#drop(name, one);
    await Promise.allSettled(held.map(async ([, { opening }]) => (await opening).close()));
  }

  async #try<T>(key: HttpSessionKey, { submit, settle }: SessionWork<T>): Promise<T> {
    const name = nameOf(key);
    const held = this.#hold(name, key);
    try {
      const session = await held.opening;
      const taken = await submit(session).catch((cause: unknown) => {
        throw new NotSubmitted("nothing was taken", { cause });
      });
      await settle(session);
      return taken;
    } catch (error) {
      if (hasEnded(causeOf(error))) this.#drop(name, held);
      throw error;
    } finally {
      held.users--;
      if (held.users === 0) this.#unused(name, held);
    }
  }

  #hold(name: string, { space, session, lane, dims }: HttpSessionKey): Held {
    const before = this.#held.get(name);
    if (!before) this.#makeRoom();
    const held = before ?? {
      opening: this.#ingest.open({
        ...{ space, lane },
        ...(session === undefined ? { isEphemeral: true } : { session }),
        ...(dims === undefined ? {} : { dims }),
      }),
      users: 0,
      cancelIdle: () => {},
    };
    held.cancelIdle();
    held.users++;
    this.#held.delete(name);
    this.#held.set(name, held);
    return held;
  }

  #makeRoom(): void {
    if (this.#held.size < HTTP_SESSIONS_MAX) return;
    for (const [name, held] of this.#held) {
      if (held.users > 0) continue;
      this.#giveUp(name, held);
      return;
    }
    const text = `${HTTP_SESSIONS_MAX} sessions have requests under way; send the batches of one producer one after the other`;
    throw new MillraceError("overloaded", text, { retryAfterMs: 1_000 });
  }

  #unused(name: string, held: Held): void {
    if (this.#held.get(name) !== held) this.#giveUp(name, held);
    else held.cancelIdle = this.#clock.after(HTTP_SESSION_IDLE_MS, () => this.#giveUp(name, held));
  }

  #giveUp(name: string, held: Held): void {
    this.#drop(name, held);
    held.opening.then((session) => session.close()).catch(() => {});
  }

  #drop(name: string, held: Held): void {
    held.cancelIdle();
    if (this.#held.get(name) === held) this.#held.delete(name);
  }
}

function nameOf({ space, session, lane }: HttpSessionKey): string {
  return `${space}/${session ?? `~${lane}`}`;
}

function causeOf(error: unknown): unknown {
  return error instanceof NotSubmitted ? error.cause : error;
}

function hasEnded(error: unknown): boolean {
  return ENDED.has(MillraceError.from(error).code);
}
