import { MillraceError } from "@millrace/core";
import type { StreamEvent } from "@millrace/protocol";
import type { Call, Sequencer, Storage } from "@millrace/stream";
import { type ContentMode, mediaTypeOf, modeOf } from "./content.ts";
import type { AdvanceArgs } from "./durable-module.ts";
import { judge, type Verdict, type WriteIntent } from "./judge.ts";
import { PRODUCERS_MAX } from "./limits.ts";
import { formatOffset } from "./offset.ts";
import type { OpenedStream, ProducerState, Segment, StreamRecord } from "./record.ts";

/** One write: messages, or the end of the stream, or both. */
export type Write = WriteIntent & {
  readonly closes: boolean;
  /** The messages as events; called once the write is taken. Throws for a body that is not what the stream holds. */
  readonly events: (mode: ContentMode) => readonly StreamEvent[];
  /** Writes kept exactly when this one is. */
  readonly alongside?: readonly Call[];
};

/** What became of a write; `accepted` comes once it is durable. */
export type Written = { readonly verdict: Verdict; readonly tail: number | undefined };

/** The write before failed, so that what this one was decided upon is void: the stream must be read again. */
export class StaleStream extends Error {}

/**
 * One durable stream in memory: what decides whether a write is taken, ahead of the disk, so that writes follow one another without
 * waiting for each other's commit. Each is handed over in the order in which it was taken, with the version it was decided upon; when one
 * fails, those behind it fail with it, and the stream is read again. Nothing is answered from what is not durable yet.
 */
export class DurableStream {
  readonly record: StreamRecord;
  readonly segments: readonly Segment[];
  readonly mode: ContentMode;
  /** Requests that use it: it stays in memory while there are any. */
  holds = 0;
  /** When it was last read or written, for its time to live. */
  accessedMs: number;
  /** Deleted and not kept for forks, or void after a failed write: whoever holds it opens the path again. */
  isStale = false;
  isHidden: boolean;
  /** Closed and durable: what readers are told. */
  isClosed: boolean;
  readonly #parts: { readonly sequencer: Sequencer; readonly storage: Storage };
  readonly #producers = new Map<string, ProducerState>();
  readonly #wakes = new Set<() => void>();
  #closing: Pick<StreamRecord, "isClosed" | "closedBy">;
  #lastSeq: string | undefined;
  #version: number;
  #pending = 0;
  /** Settles when the last write taken has been handed over. */
  #handedOver: Promise<unknown> = Promise.resolve();
  /** Who waits for a write under way to end. */
  #waiting: (() => void)[] = [];

  constructor(opened: OpenedStream, parts: { readonly sequencer: Sequencer; readonly storage: Storage }) {
    const { record, producers, segments } = opened;
    this.record = record;
    this.segments = segments;
    this.mode = modeOf(record.contentType);
    this.accessedMs = record.accessedMs;
    this.isHidden = record.isHidden;
    this.isClosed = record.isClosed;
    this.#closing = record;
    this.#lastSeq = record.lastSeq;
    this.#version = record.version;
    this.#parts = parts;
    for (const producer of producers) this.#producers.set(producer.id, producer);
  }

  /** Writes under way. */
  get pending(): number {
    return this.#pending;
  }

  /** Settles when no write is under way. */
  async drained(): Promise<void> {
    while (this.#pending > 0) await this.#nextEnd();
  }

  offset(position: number): string {
    return formatOffset({ generation: this.record.generation, position });
  }

  /** When it ends by itself; undefined when it does not. */
  get dueMs(): number | undefined {
    const { expiresMs, ttlSeconds } = this.record;
    return expiresMs ?? (ttlSeconds === undefined ? undefined : this.accessedMs + ttlSeconds * 1_000);
  }

  /**
   * Takes the write or says why not. Rejects with `StaleStream` when it was not taken and the stream must be opened again, and with the
   * store's error when it was taken and not kept.
   */
  async write(write: Write, nowMs: number): Promise<Written> {
    for (;;) {
      if (this.isStale) throw new StaleStream(this.record.path);
      const verdict = this.#judge(write);
      if (verdict.kind === "accepted") return { verdict, tail: await this.#take(write, nowMs) };
      // Decided upon writes that are not durable: were they lost, the answer would be wrong.
      if (this.#pending === 0) return { verdict, tail: undefined };
      await this.#nextEnd();
    }
  }

  /** Calls `wake` when the stream was closed or has ended; the result stops it. */
  onChange(wake: () => void): () => void {
    this.#wakes.add(wake);
    return () => this.#wakes.delete(wake);
  }

  /** It was deleted: what readers find from here on. */
  end({ isHidden }: { isHidden: boolean }): void {
    this.isHidden = isHidden;
    this.isStale = !isHidden;
    this.#wakeAll();
  }

  #judge(write: Write): Verdict {
    const { isClosed, closedBy } = this.#closing;
    const known = write.producer && this.#producers.get(write.producer.id);
    const mediaType = mediaTypeOf(this.record.contentType);
    return judge({ isClosed, closedBy, lastSeq: this.#lastSeq, mediaType, known }, write);
  }

  async #take(write: Write, nowMs: number): Promise<number | undefined> {
    const events = write.events(this.mode);
    const call = { op: "durable.advance", args: this.#advance(write, nowMs) };
    const handing = this.#handedOver.then(() => this.#hand(events, [call, ...(write.alongside ?? [])]));
    this.#handedOver = handing.catch(() => {});
    this.#pending++;
    try {
      const { durable } = await handing;
      const lastSeq = await durable;
      if (write.closes) this.#showClosed();
      return lastSeq === undefined ? undefined : this.record.base + lastSeq;
    } catch (error) {
      this.isStale = true;
      this.#wakeAll();
      throw error;
    } finally {
      this.#pending--;
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  /** Settles when the next of the writes under way has ended, of which there must be one. Writes may end in another order than they came. */
  #nextEnd(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Moves what the next write is decided upon, and says what to keep of it. */
  #advance({ producer, seq, closes }: Write, nowMs: number): AdvanceArgs {
    const forgets = producer ? this.#remember(producer) : undefined;
    if (seq !== undefined) this.#lastSeq = seq;
    if (closes) this.#closing = { isClosed: true, closedBy: producer };
    this.accessedMs = Math.max(this.accessedMs, nowMs);
    return {
      id: this.record.id,
      version: this.#version++,
      accessedMs: this.accessedMs,
      lastSeq: seq ?? null,
      closes,
      closedBy: (closes && producer) || null,
      producer: producer ?? null,
      forgets: forgets ?? null,
    };
  }

  #remember(producer: ProducerState): string | undefined {
    this.#producers.delete(producer.id);
    this.#producers.set(producer.id, producer);
    if (this.#producers.size <= PRODUCERS_MAX) return undefined;
    const [oldest] = this.#producers.keys();
    if (oldest !== undefined) this.#producers.delete(oldest);
    return oldest;
  }

  /** Gives the write to the store behind all that were taken before it. The seq of its last frame comes once it is durable. */
  async #hand(
    events: readonly StreamEvent[],
    calls: readonly Call[],
  ): Promise<{ durable: Promise<number | undefined> }> {
    if (this.isStale) throw lost(this.record.path);
    const { sequencer, storage } = this.#parts;
    if (events.length === 0) return { durable: storage.writeAll(calls).then(() => undefined) };
    const { durable, lastSeq } = await sequencer.submit(this.record.name, events, { alongside: calls, mode: "strict" });
    return { durable: durable.then(() => lastSeq) };
  }

  #showClosed(): void {
    this.isClosed = true;
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wakes) wake();
  }
}

function lost(path: string): MillraceError {
  return new MillraceError("storage_failed", `a write before this one on ${path} was not kept; send this one again`, {
    retryable: true,
  });
}
