/** Observations of all spaces: the log, the indexes, the words; opened, watched and closed together. */
import { mkdirSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, MillraceError } from "@millrace/core";
import { LANES, type SpaceId, VECTOR_ENCODINGS } from "@millrace/protocol";
import type { Sequencer, Storage } from "@millrace/stream";
import { DIMS_MAX } from "@millrace/vector";
import type { SpaceRegistry } from "../space-registry.ts";
import type { PressureState } from "./admission/pressure.ts";
import type { Profile } from "./admission/profiles.ts";
import { parseMeta } from "./check-batch.ts";
import { Consolidations } from "./consolidation/consolidations.ts";
import { Ingest, type IngestDrain } from "./ingest.ts";
import {
  BATCH_BYTES_MAX,
  BATCH_META_BYTES_MAX,
  BATCH_OBSERVATIONS_MAX,
  EXPIRE_LOOK_MS,
  FULL_LOOK_MS,
  INGEST_DRAIN_MS,
  LOG_BYTES_MIN,
  MEMORY_LOOK_MS,
  RECLAIM_LOOK_MS,
  RECLAIM_ROWS,
  SAVE_LOOK_MS,
} from "./limits.ts";
import { LogReader } from "./log/log-reader.ts";
import { ObservationLog } from "./log/observation-log.ts";
import type { IngestSession, OpenSessionRequest } from "./session.ts";
import { ObservationTexts, textsOf } from "./text/observation-texts.ts";
import type { ListedRecord } from "./workers/record-list.ts";

const NO_META = new TextEncoder().encode("[]");

export type ObservationsOptions = {
  /** The engine's data directory. */
  readonly directory: string;
  readonly storage: Storage;
  readonly sequencer: Sequencer;
  readonly registry: SpaceRegistry;
  readonly profile: Profile;
  readonly clock: Clock;
  /** Most bytes of the log; unlimited when absent. */
  readonly bytesMax?: number;
  readonly onState?: (state: PressureState, pressure: number) => void;
  readonly onWorkerDown?: (worker: number, error: MillraceError) => void;
};

export class Observations implements AsyncDisposable {
  readonly ingest: Ingest;
  readonly log: ObservationLog;
  readonly texts: ObservationTexts;
  /** What says the same, and what is of one kind. */
  readonly consolidations: Consolidations;
  readonly profile: Profile;
  readonly #options: ObservationsOptions;
  readonly #indexDirectory: string;
  readonly #cancels: (() => void)[] = [];
  /** Rows that were gone when the log was last looked through. */
  #reclaimedAt = 0;
  #isReclaiming = false;

  private constructor(options: ObservationsOptions, log: ObservationLog) {
    const { storage, registry, profile, clock, onState, onWorkerDown } = options;
    this.#options = options;
    this.profile = profile;
    this.log = log;
    this.texts = new ObservationTexts(storage);
    this.#indexDirectory = join(options.directory, "observations", "index");
    this.ingest = new Ingest({
      log,
      logDirectory: logDirectoryOf(options.directory),
      indexDirectory: this.#indexDirectory,
      profile,
      // Much is written that is never searched: a graph is built when searches have paid for it.
      index: { graphs: "demanded", ...profile.index },
      clock,
      texts: this.texts,
      resolve: async (name, dims) => {
        const row = await registry.ensureForVectors(name, dims);
        return { id: row.id, dims: row.dims };
      },
      dimsOf: (space) => registry.rows().find(({ id }) => id === space)?.dims,
      ...(onState ? { onState } : {}),
      ...(onWorkerDown ? { onWorkerDown } : {}),
    });
    this.consolidations = new Consolidations({ ...options, ingest: this.ingest });
  }

  /** Opens the log, ends what a crash left half-made in the views, and opens the indexes of spaces that have observations. */
  static async open(options: ObservationsOptions): Promise<Observations> {
    const { directory, bytesMax, clock, registry } = options;
    mkdirSync(join(directory, "observations", "index"), { recursive: true });
    const log = await ObservationLog.open({
      directory: logDirectoryOf(directory),
      clock,
      ...(bytesMax === undefined ? {} : { bytesMax: Math.max(LOG_BYTES_MIN, bytesMax) }),
    });
    const opened = new Observations(options, log);
    for (const { id, dims } of registry.rows()) if (opened.ingest.has(id)) opened.ingest.spaceState(id, dims);
    try {
      await opened.#dropStrangers();
      await opened.#catchUpTexts();
      opened.#look();
      return opened;
    } catch (error) {
      await opened[Symbol.asyncDispose]();
      throw error;
    }
  }

  open(request: OpenSessionRequest): Promise<IngestSession> {
    return this.ingest.open(request);
  }

  /** How many of the ids there were; settles when no recall finds them and that is durable. */
  remove(name: SpaceId, ids: readonly string[]): Promise<number> {
    return this.ingest.remove(this.#options.registry.row(name).id, ids);
  }

  capabilities(_space: SpaceId) {
    return {
      encodings: VECTOR_ENCODINGS,
      lanes: LANES,
      dimsMax: DIMS_MAX,
      batchObservationsMax: BATCH_OBSERVATIONS_MAX,
      batchBytesMax: BATCH_BYTES_MAX,
      metaBytesMax: BATCH_META_BYTES_MAX,
      isDurable: true,
    };
  }

  /** texts × the space's dimensions numbers, in order. */
  async embedTexts(name: SpaceId, texts: readonly string[], signal?: AbortSignal): Promise<Float32Array> {
    const { embedder } = await this.#options.registry.get(name);
    return embedder.embed(texts, "passage", signal);
  }

  /** Opens every index, so that no recall waits for it. */
  warm(): Promise<void> {
    return this.ingest.warm();
  }

  async dropSpace(space: number): Promise<void> {
    await this.ingest.dropSpace(space);
    // A save may be writing there until the worker has heard of it.
    await rm(join(this.#indexDirectory, String(space)), {
      recursive: true,
      force: true,
      maxRetries: 20,
      retryDelay: 50,
    });
  }

  async drain(): Promise<IngestDrain> {
    return this.ingest.drain(INGEST_DRAIN_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cancel of this.#cancels) cancel();
    await this.consolidations[Symbol.asyncDispose]();
    await this.ingest[Symbol.asyncDispose]();
    await this.log.close();
  }

  /** The log may have spaces that were deleted just before a crash. */
  async #dropStrangers(): Promise<void> {
    const known = new Set(this.#options.registry.rows().map(({ id }) => id));
    const entered = await this.texts.rowsOf();
    const saved = readdirSync(this.#indexDirectory).map(Number).filter(Number.isInteger);
    const strangers = new Set([...this.ingest.spaces(), ...entered.keys(), ...saved]).difference(known);
    // Nobody sees what is left of them, so that a full disk may keep it until another start.
    for (const space of strangers) await this.dropSpace(space).catch(() => {});
  }

  /** Words follow the log: what it has more of is entered, what a crash kept too much of is taken out. */
  async #catchUpTexts(): Promise<void> {
    const entered = await this.texts.rowsOf();
    using reader = LogReader.open(logDirectoryOf(this.#options.directory));
    for (const space of this.ingest.spaces()) {
      const state = this.ingest.spaceState(space);
      const from = entered.get(space) ?? 0;
      if (from > state.rows) await this.texts.trim(space, state.rows);
      for (let place = state.records.placeAfter(from); place < state.records.length; place++) {
        const record = state.records.record(place);
        if (record.metaBytes === 0) continue;
        const texts = textsOf(record.firstRow, parseMeta(readableMeta(reader, record)));
        if (texts.length > 0) await this.texts.put(space, texts, record.firstRow + record.count);
      }
    }
  }

  /** Looks at memory, at indexes to save, and at what the log can give back, each at its own pace. */
  #look(): void {
    const { clock } = this.#options;
    const every = (ms: number, look: () => unknown) => {
      let cancel = () => {};
      const again = () => {
        look();
        cancel = clock.after(ms, again);
      };
      cancel = clock.after(ms, again);
      this.#cancels.push(() => cancel());
    };
    every(MEMORY_LOOK_MS, () => this.ingest.setMemory(process.memoryUsage.rss()));
    every(EXPIRE_LOOK_MS, () => this.ingest.workers.expire(clock.now()));
    every(SAVE_LOOK_MS, () => this.ingest.upkeep.saveQuiet().catch(() => {}));
    every(RECLAIM_LOOK_MS, () => this.#reclaimIfDue(RECLAIM_ROWS).catch(() => {}));
    every(FULL_LOOK_MS, () => this.ingest.upkeep.isLogFull && this.#reclaimIfDue(1).catch(() => {}));
  }

  async #reclaimIfDue(rowsMin: number): Promise<void> {
    const { rowsGone } = this.ingest.upkeep;
    if (this.#isReclaiming || rowsGone - this.#reclaimedAt < rowsMin) return;
    this.#isReclaiming = true;
    try {
      await this.ingest.upkeep.reclaim();
      this.#reclaimedAt = rowsGone;
    } finally {
      this.#isReclaiming = false;
    }
  }
}

/** The JSON of a record; nothing where it is damaged, which the space's index tells of when it is opened. */
function readableMeta(reader: LogReader, record: ListedRecord): Uint8Array {
  try {
    return reader.readMeta(record);
  } catch (error) {
    if (error instanceof MillraceError && error.code === "storage_failed") return NO_META;
    throw error;
  }
}

function logDirectoryOf(directory: string): string {
  return join(directory, "observations", "log");
}
