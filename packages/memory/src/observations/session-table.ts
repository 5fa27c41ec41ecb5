/** Open sessions, what is remembered of closed ones, and whom to tell of what has moved. */
import { randomUUID } from "node:crypto";
import { MillraceError } from "@millrace/core";
import { creditsFor, flowFor } from "./admission/credits.ts";
import type { PressureState } from "./admission/pressure.ts";
import { HeldSession, type SessionHost } from "./held-session.ts";
import { CREDITS_DEFAULT, CREDITS_MAX, SESSIONS_MAX } from "./limits.ts";
import { RememberedSessions } from "./remembered-sessions.ts";
import type { OpenSessionRequest } from "./session.ts";

type SpacePlace = { readonly id: number; readonly dims: number };

export class SessionTable {
  readonly #open = new Map<string, HeldSession>();
  readonly #remembered: RememberedSessions;
  readonly #submit: SessionHost["submit"];
  readonly #moved = new Set<HeldSession>();
  #isTellDue = false;

  constructor(recovered: ConstructorParameters<typeof RememberedSessions>[0], submit: SessionHost["submit"]) {
    this.#remembered = new RememberedSessions(recovered);
    this.#submit = submit;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A new session, one that goes on, or one taken over from who has it open. */
  open(request: OpenSessionRequest, space: SpacePlace, state: PressureState): HeldSession {
    const id = sessionId(request);
    const key = `${space.id}/${id}`;
    const held = this.#open.get(key);
    if (!held && this.#open.size >= SESSIONS_MAX) {
      const message = `${SESSIONS_MAX} sessions are open, which is the limit; close one, or try again later`;
      throw new MillraceError("overloaded", message, { retryAfterMs: 1_000 });
    }
    if (held) checkLane(held, request);
    held?.end(new MillraceError("conflict", `session ${id} was opened again elsewhere; one opener holds it at a time`));
    const lastSeq = held ? held.nextSeq - 1 : this.#remembered.take(space.id, id);
    const granted = Math.min(CREDITS_MAX, Math.max(1, request.credits ?? CREDITS_DEFAULT));
    const session = new HeldSession({ submit: this.#submit, closed: (one) => this.#closed(key, one) }, request, {
      ...{ id, granted, lastSeq },
      ...{ spaceId: space.id, dims: space.dims },
    });
    if (held) session.follow(held);
    this.#open.set(key, session);
    flow(session, state);
    return session;
  }

  /** The pressure changed, and credits with it. */
  pressed(state: PressureState): void {
    for (const session of this.#open.values()) flow(session, state);
  }

  /** The session's marks moved: it is told once this turn of the event loop is over. */
  toTell(session: HeldSession): void {
    this.#moved.add(session);
    if (this.#isTellDue) return;
    this.#isTellDue = true;
    setImmediate(() => {
      this.#isTellDue = false;
      const moved = [...this.#moved];
      this.#moved.clear();
      for (const one of moved) one.tell();
    });
  }

  /** Resolves when what the space's sessions had accepted before is searchable. */
  async searchable(space: number): Promise<void> {
    const held = [...this.#open.values()].filter(({ spaceId }) => spaceId === space);
    // One that another took over meanwhile is waited for there.
    const waits = await Promise.allSettled(held.map((session) => session.reached("searchable")));
    const isTakenOver = ({ status }: PromiseSettledResult<void>, at: number) => {
      const session = held[at];
      return status === "rejected" && session !== undefined && this.#holderOf(session) !== undefined;
    };
    if (waits.some(isTakenOver)) await this.searchable(space);
  }

  /** Ends the hold of all sessions, or of those of one space, which are forgotten. */
  end(error: MillraceError, space?: number): void {
    for (const [key, session] of this.#open) {
      if (space !== undefined && session.spaceId !== space) continue;
      session.end(error);
      this.#open.delete(key);
    }
    if (space !== undefined) this.#remembered.forget(space);
  }

  /** Who has the session now, if another took it over. */
  #holderOf({ spaceId, id }: HeldSession): HeldSession | undefined {
    return this.#open.get(`${spaceId}/${id}`);
  }

  #closed(key: string, session: HeldSession): void {
    if (this.#open.get(key) !== session) return;
    this.#open.delete(key);
    if (!session.isEphemeral) this.#remembered.put(session.spaceId, session.id, session.nextSeq - 1);
  }
}

/** Two lanes under way would overtake each other, and marks say that all up to them is there. */
function checkLane(held: HeldSession, { lane = "normal" }: OpenSessionRequest): void {
  if (lane === held.lane || held.isSettled) return;
  const message = `session ${held.id} has observations of lane ${held.lane} under way; open it with that lane, or with lane ${lane} once they are durable and searchable`;
  throw new MillraceError("conflict", message, { retryable: true, retryAfterMs: 100 });
}

/** The high lane goes on while it has room: of it a quarter is never taken back. */
function flow(session: HeldSession, state: PressureState): void {
  const felt = state === "overloaded" && session.lane === "high" ? "critical" : state;
  session.flow(flowFor(felt, session.state), creditsFor(felt, session.granted));
}

function sessionId({ session, isEphemeral }: OpenSessionRequest): string {
  if (session === undefined) return randomUUID().replaceAll("-", "").slice(0, 24);
  if (isEphemeral)
    throw new MillraceError("invalid_argument", "a session with a name is remembered; leave one of both out");
  if (/^[a-zA-Z0-9_-]{1,32}$/.test(session)) return session;
  const shown = JSON.stringify(session.slice(0, 40));
  throw new MillraceError("invalid_argument", `the session is ${shown}; use 1 to 32 letters, digits, - and _`);
}
