import { type Clock, MillraceError } from "@millrace/core";
import { type SpaceId, type StreamEvent, spaceStream } from "@millrace/protocol";
import type { Call, Sequencer, Storage } from "@millrace/stream";
import { embeddedText } from "../embedded-text.ts";
import type { Embedder } from "../embedder.ts";
import type { SetPlace, VectorStore } from "../index-worker/vector-store.ts";
import { COMMIT_CHUNKS_MAX } from "../limits.ts";
import type { MemoryReads, MemoryWrites, SpaceRow } from "../store/memory-module.ts";
import type { AddVectorsArgs, PassageRow } from "../store/vector-set-table.ts";
import { CATCH_UP_ROUNDS_MAX, HELD_CHUNKS_MAX, LATE_CHUNKS_MAX, PROGRESS_FRAMES_MAX } from "./limits.ts";
import type { SpaceGate } from "./space-gate.ts";

export type RunParts = {
  readonly storage: Storage;
  readonly sequencer: Sequencer;
  readonly vectors: VectorStore;
  readonly gate: SpaceGate;
  readonly clock: Clock;
};

export type RunOptions = {
  readonly run: string;
  readonly name: SpaceId;
  /** The space as it was when the run began. */
  readonly row: SpaceRow;
  readonly embedder: Embedder;
  readonly set: number;
  /** Chunks of the space. */
  readonly total: number;
  /** The space answers from the new vectors; called before any write to the space goes on. */
  readonly onAdopted: (row: SpaceRow) => Promise<void>;
};

/**
 * Embeds the chunks of one space anew, into a set of vectors that nobody sees, while the space answers from its old ones and takes
 * documents: what is put meanwhile is told to `entered` and embedded too. At the end writes are held for a moment, the rest is embedded,
 * and one transaction makes the set the space's, with the frame that says so.
 */
export class ReembedRun {
  readonly abort = new AbortController();
  readonly startedMs: number;
  /** Chunks whose new vectors are stored. */
  embedded = 0;
  readonly #parts: RunParts;
  readonly #options: RunOptions;
  readonly #place: SetPlace;
  /** Chunks that were put since the run began. */
  #late: number[] = [];
  #isTooLate = false;
  #framesShown = 0;

  constructor(parts: RunParts, options: RunOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#place = { space: options.row.id, set: options.set, dims: options.embedder.dims };
    this.startedMs = parts.clock.now();
  }

  get total(): number {
    return Math.max(this.#options.total, this.embedded);
  }

  /** Chunks that were put under the old vectors. */
  entered(chunks: readonly number[]): void {
    if (this.#late.length + chunks.length > LATE_CHUNKS_MAX) this.#isTooLate = true;
    else for (const chunk of chunks) this.#late.push(chunk);
  }

  /** Settles once the space answers from its new vectors; rejects when it still answers from the old ones. */
  async work(): Promise<void> {
    await this.#parts.vectors.load(this.#place);
    await this.#embedThose();
    for (let round = 0; this.#late.length > HELD_CHUNKS_MAX && round < CATCH_UP_ROUNDS_MAX; round++) {
      await this.#catchUp();
    }
    await this.#parts.gate.alone(this.#place.space, async () => {
      await this.#catchUp();
      this.#check();
      await this.#options.onAdopted(await this.#adopt());
    });
  }

  /** The chunks there were when the run began; a slice is embedded while the one before is stored. */
  async #embedThose(): Promise<void> {
    const { space } = this.#place;
    let storing = Promise.resolve();
    for (let document = "", after = 0; ; ) {
      const args = { space, document, after, limit: COMMIT_CHUNKS_MAX };
      const passages = await this.#parts.storage.read<MemoryReads["passages"]>("memory.passages", args);
      const vectors = await this.#embed(passages);
      await storing;
      storing = this.#keep(passages, vectors);
      // Awaited above or below; a failure while the next slice is embedded must not end the process.
      storing.catch(() => {});
      const last = passages.at(-1);
      if (!last || passages.length < COMMIT_CHUNKS_MAX) return storing;
      document = last.document;
      after = last.id;
    }
  }

  /** What was put since it was looked at last. */
  async #catchUp(): Promise<void> {
    const late = this.#late;
    this.#late = [];
    for (let at = 0; at < late.length; at += COMMIT_CHUNKS_MAX) {
      const args = { space: this.#place.space, chunks: late.slice(at, at + COMMIT_CHUNKS_MAX) };
      const passages = await this.#parts.storage.read<MemoryReads["passagesOf"]>("memory.passagesOf", args);
      await this.#keep(passages, await this.#embed(passages));
    }
  }

  async #embed(passages: readonly PassageRow[]): Promise<Float32Array> {
    this.#check();
    const texts = passages.map(({ title, headings, text }) =>
      embeddedText(title, { headings: JSON.parse(headings) as string[], text }),
    );
    return this.#options.embedder.embed(texts, "passage", this.abort.signal);
  }

  async #keep(passages: readonly PassageRow[], vectors: Float32Array): Promise<void> {
    if (passages.length === 0) return;
    const { space, set, dims } = this.#place;
    const chunks = passages.map(({ id }) => id);
    const there = new Set(await this.#store({ space, set, chunks, vectors }));
    this.embedded += there.size;
    const added = chunks.filter((chunk) => there.has(chunk));
    const left = added.length === chunks.length ? vectors : rowsAt(vectors, dims, (at) => there.has(chunks[at] ?? -1));
    await this.#parts.vectors.put({ ...this.#place, removed: [], added, vectors: left });
  }

  /** In a commit, with a frame of progress when one is due. */
  async #store(args: AddVectorsArgs): Promise<readonly number[]> {
    const embedded = this.embedded + args.chunks.length;
    const chunks = Math.max(this.total, embedded);
    const frames = Math.floor((embedded / chunks) * PROGRESS_FRAMES_MAX);
    const isDue = frames > this.#framesShown && embedded < chunks;
    if (!isDue) return this.#parts.storage.write<MemoryWrites["addVectors"]>("memory.addVectors", args);
    this.#framesShown = frames;
    const call = { op: "memory.addVectors", args: { ...args, stream: spaceStream(this.#options.name) } };
    return (await this.#append("progress", { embedded, chunks }, call)) as readonly number[];
  }

  async #adopt(): Promise<SpaceRow> {
    const { row, name, embedder } = this.#options;
    const { space, set } = this.#place;
    const frame = {
      from: { provider: row.provider, model: row.model, dims: row.dims },
      to: { provider: embedder.provider, model: embedder.model, dims: embedder.dims },
      chunks: this.embedded,
      tookMs: this.#parts.clock.now() - this.startedMs,
    };
    const call = { op: "memory.adoptSet", args: { space, set, stream: spaceStream(name) } };
    return (await this.#append("done", frame, call)) as SpaceRow;
  }

  /** A frame in the space's stream, with what it is about in the same commit. */
  async #append(what: string, data: object, call: Call): Promise<unknown> {
    const { run, name } = this.#options;
    const event: StreamEvent = { type: `memory.reembed.${what}`, id: run, data };
    const { values } = await this.#parts.sequencer.append(spaceStream(name), [event], { alongside: [call] });
    return values[0];
  }

  #check(): void {
    this.abort.signal.throwIfAborted();
    if (!this.#isTooLate) return;
    const message = `${LATE_CHUNKS_MAX} chunks were put and wait to be embedded anew, which is the limit; put less meanwhile, or use a faster model`;
    throw new MillraceError("overloaded", message);
  }
}

/** The rows of `dims` numbers that are kept, in their order. */
function rowsAt(vectors: Float32Array, dims: number, isKept: (at: number) => boolean): Float32Array {
  const kept: number[] = [];
  for (let at = 0; at < vectors.length / dims; at++) if (isKept(at)) kept.push(at);
  const rows = new Float32Array(kept.length * dims);
  kept.forEach((from, at) => {
    rows.set(vectors.subarray(from * dims, (from + 1) * dims), at * dims);
  });
  return rows;
}
