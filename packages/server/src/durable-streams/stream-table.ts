import type { Sequencer, Storage } from "@millrace/stream";
import type { DurableReads, DurableWrites } from "./durable-module.ts";
import { DurableStream } from "./durable-stream.ts";
import { OPEN_MAX } from "./limits.ts";

type Entry = { readonly opening: Promise<DurableStream | undefined>; stream: DurableStream | undefined };

/** The durable streams in memory, least recently used first: one object for all who use a path at the same time. */
export class DurableTable {
  readonly #parts: { readonly sequencer: Sequencer; readonly storage: Storage };
  readonly #entries = new Map<string, Entry>();
  /** When streams were used that the store does not know of yet, by id. */
  readonly #accesses = new Map<number, number>();

  constructor(parts: { readonly sequencer: Sequencer; readonly storage: Storage }) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The stream, read on first use; undefined when there is none. Give it to `release` when done. */
  async hold(path: string): Promise<DurableStream | undefined> {
    for (;;) {
      const entry = this.#entries.get(path) ?? this.#open(path);
      const stream = await entry.opening;
      if (!stream) return undefined;
      if (!stream.isStale) {
        stream.holds++;
        this.#use(path, entry);
        return stream;
      }
      // Its last writes must have failed before the store tells what was kept.
      await stream.drained();
      this.#forget(path, entry);
    }
  }

  release(stream: DurableStream): void {
    stream.holds--;
    this.#evict();
  }

  /** Notes that the stream was used now. */
  touch(stream: DurableStream, nowMs: number): void {
    if (stream.record.ttlSeconds === undefined || nowMs <= stream.accessedMs) return;
    stream.accessedMs = nowMs;
    this.#accesses.set(stream.record.id, nowMs);
  }

  /** Tells the store when streams were used. Until it knows, a stream that is opened again is told from here. */
  async storeAccesses(): Promise<void> {
    const accesses = [...this.#accesses];
    if (accesses.length === 0) return;
    await this.#parts.storage.write<DurableWrites["touch"]>("durable.touch", { accesses });
    for (const [id, atMs] of accesses) if (this.#accesses.get(id) === atMs) this.#accesses.delete(id);
  }

  #open(path: string): Entry {
    const entry: Entry = { opening: this.#read(path), stream: undefined };
    this.#entries.set(path, entry);
    entry.opening.then(
      (stream) => {
        entry.stream = stream;
        if (!stream) this.#forget(path, entry);
      },
      () => this.#forget(path, entry),
    );
    return entry;
  }

  async #read(path: string): Promise<DurableStream | undefined> {
    const opened = await this.#parts.storage.read<DurableReads["open"]>("durable.open", { path });
    if (!opened) return undefined;
    const stream = new DurableStream(opened, this.#parts);
    stream.accessedMs = Math.max(stream.accessedMs, this.#accesses.get(stream.record.id) ?? 0);
    return stream;
  }

  #use(path: string, entry: Entry): void {
    if (this.#entries.get(path) !== entry) return;
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    this.#evict();
  }

  #forget(path: string, entry: Entry): void {
    if (this.#entries.get(path) === entry) this.#entries.delete(path);
  }

  #evict(): void {
    if (this.#entries.size <= OPEN_MAX) return;
    for (const [path, { stream }] of this.#entries) {
      if (this.#entries.size <= OPEN_MAX) return;
      if (stream && stream.holds === 0 && stream.pending === 0) this.#entries.delete(path);
    }
  }
}
