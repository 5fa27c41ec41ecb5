/** A session as the engine holds it: its numbers, its credits, who waits for what. */
import { MillraceError } from "@millrace/core";
import type { Lane, ObservationBatch, SpaceId } from "@millrace/protocol";
import type { Task } from "./ingest.ts";
import type { FlowState, IngestSession, OpenSessionRequest, Watermarks } from "./session.ts";

type Mark = keyof Watermarks;
type Waiter = {
  readonly mark: Mark;
  readonly seq: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

export type SessionHost = {
  readonly submit: (session: HeldSession, batch: ObservationBatch) => void;
  readonly closed: (session: HeldSession) => void;
};

export class HeldSession implements IngestSession {
  readonly id: string;
  readonly space: SpaceId;
  readonly spaceId: number;
  readonly dims: number;
  readonly lane: Lane;
  readonly isEphemeral: boolean;
  /** Credits it has while nothing presses. */
  readonly granted: number;
  credits: number;
  state: FlowState = "resume";
  /** Handed over and not searchable, in order. */
  underWay: Task[] = [];
  readonly #host: SessionHost;
  readonly #request: OpenSessionRequest;
  #marks: { -readonly [mark in Mark]: number };
  #successor: HeldSession | undefined;
  #waiters: Waiter[] = [];
  /** Why it takes no more. */
  #ended: MillraceError | undefined;
  /** Its marks are another's, or nobody's. */
  #isHeldNoMore = false;

  constructor(
    host: SessionHost,
    request: OpenSessionRequest,
    about: {
      readonly id: string;
      readonly spaceId: number;
      readonly dims: number;
      readonly granted: number;
      readonly lastSeq: number;
    },
  ) {
    const { lastSeq } = about;
    this.#host = host;
    this.#request = request;
    this.id = about.id;
    this.space = request.space;
    this.spaceId = about.spaceId;
    this.dims = about.dims;
    this.lane = request.lane ?? "normal";
    this.isEphemeral = request.isEphemeral ?? false;
    this.granted = about.granted;
    this.credits = about.granted;
    this.#marks = { accepted: lastSeq, durable: lastSeq, searchable: lastSeq, indexed: lastSeq };
  }

  get nextSeq(): number {
    return this.#marks.accepted + 1;
  }

  get watermarks(): Watermarks {
    return { ...this.#marks };
  }

  /** Whether all that was accepted is durable and searchable. */
  get isSettled(): boolean {
    const { accepted, durable, searchable } = this.#marks;
    return Math.min(durable, searchable) === accepted;
  }

  /** Observations accepted and not durable. */
  get outstanding(): number {
    return this.#marks.accepted - this.#marks.durable;
  }

  /** With nothing under way one batch may be as large as was granted, or a producer of such batches would wait for ever. */
  checkCredits(count: number): void {
    const { outstanding, credits, granted, id } = this;
    if (count > granted) {
      const message = `the batch has ${count} observations and session ${id} ${granted} credits: send smaller batches, or open it with more`;
      throw new MillraceError("too_large", message);
    }
    if ((outstanding === 0 && credits > 0) || outstanding + count <= credits) return;
    const message = `${outstanding} observations of session ${id} are under way; with ${count} more they would pass its ${credits} credits: wait for acknowledgements`;
    throw new MillraceError("rate_limited", message, { retryAfterMs: 10 });
  }

  submit(batch: ObservationBatch): void {
    if (this.#ended) throw this.#ended;
    this.#host.submit(this, batch);
  }

  /** Goes on where another holder of the session was; what it has under way counts for this one. */
  follow(before: HeldSession): void {
    this.#marks = before.#marks;
    this.underWay = before.underWay;
    before.#successor = this;
  }

  /** Moves a mark over so many observations. */
  advance(mark: Mark, count: number): void {
    this.#marks[mark] += count;
  }

  /** Tells what has moved. */
  tell(): void {
    if (this.#successor) {
      this.#successor.tell();
      return;
    }
    if (this.#waiters.length > 0) {
      const met = this.#waiters.filter(({ mark, seq }) => this.#marks[mark] >= seq);
      this.#waiters = this.#waiters.filter(({ mark, seq }) => this.#marks[mark] < seq);
      for (const { resolve } of met) resolve();
    }
    this.#request.onProgress?.(this.watermarks);
  }

  flow(state: FlowState, credits: number): void {
    if (this.credits === credits && this.state === state) return;
    this.credits = credits;
    this.state = state;
    this.#request.onFlow?.({ credits, state });
  }

  letter(letter: { readonly seq: number; readonly code: string; readonly message: string }): void {
    if (this.#successor) this.#successor.letter(letter);
    else this.#request.onDeadLetter?.(letter);
  }

  reached(mark: Mark, signal?: AbortSignal): Promise<void> {
    const seq = this.#marks.accepted;
    if (this.#marks[mark] >= seq) return Promise.resolve();
    if (this.#isHeldNoMore) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const give = (settle: () => void) => () => {
        signal?.removeEventListener("abort", leave);
        settle();
      };
      const waiter: Waiter = { mark, seq, resolve: give(resolve), reject: (error) => give(() => reject(error))() };
      const leave = () => {
        this.#waiters = this.#waiters.filter((one) => one !== waiter);
        reject(new MillraceError("cancelled", `nobody waits any more for ${mark} ${seq}`, { cause: signal?.reason }));
      };
      if (signal?.aborted) return leave();
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiters.push(waiter);
    });
  }

  async close(): Promise<Watermarks> {
    this.#ended ??= new MillraceError("conflict", `session ${this.id} is closed; open it again to go on`);
    try {
      if (this.#isHeldNoMore) return this.watermarks;
      await this.reached("searchable");
      await this.reached("durable");
    } finally {
      this.#host.closed(this);
    }
    return this.watermarks;
  }

  /** Takes the hold away: another opened the session, or the space or the engine goes. */
  end(error: MillraceError): void {
    this.#ended ??= error;
    this.#isHeldNoMore = true;
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}
