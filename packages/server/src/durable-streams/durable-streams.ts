import { createHash } from "node:crypto";
import { type Clock, createIdFactory, KeyedExecutor, MillraceError } from "@millrace/core";
import type { StreamId } from "@millrace/protocol";
import type { Call, LiveStream, Sequencer, Storage } from "@millrace/stream";
import type { CreateRequest } from "./create-request.ts";
import { type Created, createStream } from "./create-stream.ts";
import type { ChainLink, DurableReads, DurableWrites } from "./durable-module.ts";
import { DurableStream, StaleStream, type Write, type Written } from "./durable-stream.ts";
import { CHANGES_WAITING_MAX, RELOADS_MAX, SWEEP_MS, SWEEP_STREAMS_MAX } from "./limits.ts";
import { NativeWrites } from "./native-writes.ts";
import type { OpenedStream } from "./record.ts";
import { toLogName } from "./stream-path.ts";
import { StreamReader } from "./stream-reader.ts";
import { DurableTable } from "./stream-table.ts";

export type DurableStreamsOptions = { readonly storage: Storage; readonly sequencer: Sequencer; readonly clock: Clock };

/** Who hears of appends, and may add writes that are kept exactly when they are: the subscriptions. */
export interface AppendWatcher {
  alongside(path: string): readonly Call[];
  appended(path: string): void;
  /** Writes that go with the deletion of a stream, and the word that it is deleted. */
  removing(path: string): readonly Call[];
  removed(path: string): void;
}

/** Forks and deletions of all streams are one queue: each looks at counts that the others change. */
const LINEAGE = "";
/** Creations side by side: each waits for a commit, and they share it. */
const CHANGES_AT_ONCE = 256;

/**
 * Streams of the Durable Streams protocol over the log: a message is a frame of the log's stream of that name, and what the log does not
 * know of (content type, lifetime, producers, forks) changes in the same transaction as the frames.
 */
export class DurableStreams implements AsyncDisposable {
  readonly storage: Storage;
  readonly sequencer: Sequencer;
  readonly clock: Clock;
  readonly newId: () => string;
  /** What a native append to a stream of the log has to heed. */
  readonly nativeWrites: NativeWrites;
  readonly #table: DurableTable;
  readonly #paths = new KeyedExecutor({ concurrencyMax: CHANGES_AT_ONCE, waitingMax: CHANGES_WAITING_MAX });
  readonly #lineages = new KeyedExecutor({ concurrencyMax: 1, waitingMax: CHANGES_WAITING_MAX });
  #watcher: AppendWatcher | undefined;
  #lastId: number;
  /** Whether any stream may end by itself. */
  #mayExpire = true;
  #cancelSweep = () => {};
  #sweeping: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor({ storage, sequencer, clock }: DurableStreamsOptions, lastId: number) {
    this.storage = storage;
    this.sequencer = sequencer;
    this.clock = clock;
    this.newId = createIdFactory(clock);
    this.nativeWrites = new NativeWrites(storage);
    this.#table = new DurableTable({ storage, sequencer });
    this.#lastId = lastId;
  }

  static async open(options: DurableStreamsOptions): Promise<DurableStreams> {
    const { lastId } = await options.storage.read<DurableReads["start"]>("durable.start", null);
    const streams = new DurableStreams(options, lastId);
    streams.#sweepSoon();
    return streams;
  }

  /** Streams in memory. */
  get active(): number {
    return this.#table.size;
  }

  watch(watcher: AppendWatcher): void {
    this.#watcher = watcher;
  }

  /** Runs `use` with the stream at the path. `not_found` when there is none, `gone` when it is kept only for its forks. */
  async with<T>(path: string, use: (stream: DurableStream) => Promise<T>): Promise<T> {
    const stream = (await this.find(path)) ?? (await this.#native(path));
    if (!stream) throw notFound(path);
    try {
      if (stream.isHidden) throw hidden(path);
      return await use(stream);
    } finally {
      if (stream.record.id !== 0) this.#table.release(stream);
    }
  }

  /** The stream made at the path, held; one that has outlived its time is ended first. */
  async find(path: string): Promise<DurableStream | undefined> {
    for (;;) {
      const stream = await this.#table.hold(path);
      if (!stream || stream.isHidden || !this.isDue(stream)) return stream;
      this.#table.release(stream);
      await this.#change(path, () => this.#expire(path));
    }
  }

  /** As `find`, for who has the path to itself: nothing is ended. */
  hold(path: string): Promise<DurableStream | undefined> {
    return this.#table.hold(path);
  }

  isDue(stream: DurableStream): boolean {
    return stream.dueMs !== undefined && stream.dueMs <= this.clock.now();
  }

  release(stream: DurableStream): void {
    this.#table.release(stream);
  }

  read(stream: DurableStream): Promise<StreamReader> {
    return StreamReader.open(stream, this);
  }

  /** Notes that the stream was read. */
  touch(stream: DurableStream): void {
    this.#table.touch(stream, this.clock.now());
  }

  /** Makes the stream, or confirms it. `conflict` when another is there. */
  async create(request: CreateRequest): Promise<Created> {
    const { path, fork } = request;
    for (;;) {
      const before = await this.find(path);
      if (before) this.release(before);
      const make = () => createStream(this, request);
      const created = await (fork ? this.#change(path, make) : this.#paths.run(path, make));
      // It came due since it was looked at: it is ended first.
      if (created === "due") continue;
      if (created.isNew) this.#mayExpire = true;
      if (created.hasMessages) this.#watcher?.appended(path);
      return created;
    }
  }

  /** Appends, closes, or both. The stream may have to be read again when a write before this one failed. */
  async write(path: string, write: Write): Promise<Written & { readonly stream: DurableStream }> {
    const alongside = [...(this.#watcher?.alongside(path) ?? []), ...(write.alongside ?? [])];
    for (let tries = 1; ; tries++) {
      try {
        return await this.with(path, async (stream) => {
          if (stream.record.id === 0) throw notAppendable(path);
          const written = await stream.write({ ...write, alongside }, this.clock.now());
          if (written.tail !== undefined) this.#watcher?.appended(path);
          return { ...written, stream };
        });
      } catch (error) {
        if (!(error instanceof StaleStream)) throw await this.#reasonOf(error, path);
        if (tries === RELOADS_MAX)
          throw new MillraceError("storage_failed", `writes to ${path} keep failing; try again later`, {
            retryable: true,
          });
      }
    }
  }

  /** Deletes the stream; one that forks read through is hidden until the last of them is gone. */
  async remove(path: string): Promise<void> {
    const check = (stream: DurableStream) => {
      if (stream.record.id === 0) throw notAppendable(path);
      return Promise.resolve();
    };
    await this.with(path, check);
    await this.#change(path, async () => {
      const stream = await this.#table.hold(path);
      if (!stream) throw notFound(path);
      try {
        if (stream.isHidden) throw hidden(path);
        await this.#end(stream);
      } finally {
        this.#table.release(stream);
      }
    });
  }

  /** `conflict` when the log's stream holds the messages of a stream made here, which is deleted by its path or not at all. */
  async checkUnowned(name: StreamId): Promise<void> {
    const path = await this.storage.read<DurableReads["owner"]>("durable.owner", { name });
    if (path === undefined) return;
    throw new MillraceError(
      "conflict",
      `stream ${name} is a durable stream; delete it with DELETE /v1/stream/${encodeURI(path)}`,
    );
  }

  /** A number that no stream ever had, which grows with time. */
  takeId(): number {
    this.#lastId = Math.max(this.clock.now(), this.#lastId + 1);
    return this.#lastId;
  }

  alongside(path: string): readonly Call[] {
    return this.#watcher?.alongside(path) ?? [];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelSweep();
    await this.#sweeping;
    await this.#table.storeAccesses().catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Why a write was not kept: the stream may have been deleted under it. */
  async #reasonOf(error: unknown, path: string): Promise<unknown> {
    if (!(error instanceof MillraceError) || error.code !== "storage_failed") return error;
    const stream = await this.find(path);
    if (!stream) return notFound(path);
    this.release(stream);
    return stream.isHidden ? hidden(path) : error;
  }

  /** A stream of the log that was not made here: read as JSON, its messages are its frames. */
  async #native(path: string): Promise<DurableStream | undefined> {
    const name = toLogName(path);
    if (name !== path) return undefined;
    const live = await this.sequencer.follow(name);
    try {
      return live.head === 0 ? undefined : new DurableStream(nativeOf(live), this);
    } finally {
      this.sequencer.release(live);
    }
  }

  /** Runs `task` with the path and all lineages to itself. Always in this order: a task must not ask for another change. */
  #change<T>(path: string, task: () => Promise<T>): Promise<T> {
    return this.#lineages.run(LINEAGE, () => this.#paths.run(path, task));
  }

  /** Ends the stream at the path if its time is over, which may have moved while this waited. */
  async #expire(path: string): Promise<void> {
    const stream = await this.#table.hold(path);
    if (!stream) return;
    try {
      if (!stream.isHidden && this.isDue(stream)) await this.#end(stream);
    } finally {
      this.#table.release(stream);
    }
  }

  /** Called with the path and all lineages to itself. */
  async #end(stream: DurableStream): Promise<void> {
    const { id, path } = stream.record;
    const [self, ...sources] = await this.storage.read<DurableReads["chain"]>("durable.chain", { id });
    if (!self) {
      stream.end({ isHidden: false });
      return;
    }
    const unlink = this.#watcher?.removing(path) ?? [];
    if (self.forks > 0) {
      await this.storage.writeAll([{ op: "durable.hide", args: { id } }, ...unlink]);
      stream.end({ isHidden: true });
      this.#watcher?.removed(path);
      return;
    }
    const { removed, releases } = whatGoes(self, sources);
    const args: Parameters<DurableWrites["remove"]>[0] = { ids: removed.map((link) => link.id), releases };
    const names = removed.map(({ name }) => name);
    await this.sequencer.remove(names, [{ op: "durable.remove", args }, ...unlink]);
    stream.end({ isHidden: false });
    this.#watcher?.removed(path);
    // Its sources, and whatever was opened at its own path while its rows were still there.
    for (const link of removed) await this.#forget(link.path);
  }

  async #forget(path: string): Promise<void> {
    const stream = await this.#table.hold(path);
    if (!stream) return;
    stream.end({ isHidden: false });
    this.#table.release(stream);
  }

  #sweepSoon(): void {
    if (this.#isClosed) return;
    this.#cancelSweep = this.clock.after(SWEEP_MS, () => {
      this.#sweeping = this.#sweep()
        // What could not be looked at now is due in the next sweep too.
        .catch(() => {})
        .finally(() => this.#sweepSoon());
    });
  }

  async #sweep(): Promise<void> {
    await this.#table.storeAccesses();
    if (!this.#mayExpire) return;
    this.#mayExpire = false;
    const args = { nowMs: this.clock.now(), limit: SWEEP_STREAMS_MAX };
    const { paths, isAnyLeft } = await this.storage.read<DurableReads["due"]>("durable.due", args);
    this.#mayExpire ||= isAnyLeft;
    for (const path of paths) await this.#change(path, () => this.#expire(path));
  }
}

/** A stream without forks goes, and with it each hidden source whose last fork it was. The first source that stays has one fork less. */
function whatGoes(self: ChainLink, sources: readonly ChainLink[]): { removed: ChainLink[]; releases: number | null } {
  const removed = [self];
  for (const source of sources) {
    if (source.forks > 1 || !source.isHidden) return { removed, releases: source.id };
    removed.push(source);
  }
  return { removed, releases: null };
}

function nativeOf({ name, epoch, lineage }: LiveStream): OpenedStream {
  return {
    record: {
      id: 0,
      path: name,
      name,
      generation: generationOf(lineage[0]?.epoch ?? epoch),
      contentType: "application/json",
      config: {},
      ttlSeconds: undefined,
      expiresAt: undefined,
      expiresMs: undefined,
      accessedMs: 0,
      isClosed: false,
      closedBy: undefined,
      lastSeq: undefined,
      source: undefined,
      base: 0,
      forks: 0,
      isHidden: false,
      version: 0,
    },
    producers: [],
    segments: [{ name, from: 0, to: Number.MAX_SAFE_INTEGER }],
  };
}

/** A stream that begins anew under its name has another first epoch, so that offsets and entity tags of the old one are not read as its own. */
function generationOf(epoch: string): number {
  return createHash("sha256").update(epoch).digest().readUIntBE(0, 6) || 1;
}

function notFound(path: string): MillraceError {
  return new MillraceError("not_found", `no stream is at ${path}; make it with PUT`);
}

function hidden(path: string): MillraceError {
  return new MillraceError("gone", `the stream ${path} was deleted; forks of it go on`);
}

function notAppendable(path: string): MillraceError {
  return new MillraceError(
    "method_not_allowed",
    `the stream ${path} was not made with PUT: it is read here, and written to at /v1/streams/${path}/events`,
  );
}
