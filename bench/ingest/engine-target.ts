/** The engine in this process, by its own API. */
import { MillraceError } from "@millrace/core";
import type { IngestSession, ProfileName, ProfileOverrides } from "@millrace/memory";
import { type ObservationBatch, toSpaceId, type VectorEncoding } from "@millrace/protocol";
import { Engine } from "@millrace/server";
import type { EngineSetting } from "./ingest-options.ts";
import { CREDITS } from "./limits.ts";
import type { IngestTarget, TargetEvents, TargetSession } from "./target.ts";

export type TargetOptions = EngineSetting & {
  readonly directory: string;
  readonly dims: number;
  /** How vectors travel, where the target writes them itself. */
  readonly encoding: VectorEncoding;
};

/** An engine on a data directory. Rejects with `invalid_argument` for a profile that there is not, and as Engine.open does. */
export async function openEngineTarget(options: TargetOptions): Promise<IngestTarget> {
  const { directory, dims, lane, profile } = options;
  const engine = await Engine.open({
    directory,
    profileOverrides: overridesOf(options),
    // The engine says which names there are.
    ...(profile === undefined ? {} : { profile: profile as ProfileName }),
  });
  return new EngineTarget(engine, { dims, lane });
}

/** What the options change of a profile. */
export function overridesOf({ workers, lane, laneCapacity, isGraphForced }: EngineSetting): ProfileOverrides {
  return {
    ...(workers === undefined ? {} : { workers }),
    ...(laneCapacity === undefined ? {} : { lanes: { [lane]: { countMax: laneCapacity } } }),
    ...(isGraphForced ? { index: { graphRowsMin: 0 } } : {}),
  };
}

class EngineTarget implements IngestTarget {
  readonly #engine: Engine;
  readonly #options: Pick<TargetOptions, "dims" | "lane">;

  constructor(engine: Engine, options: Pick<TargetOptions, "dims" | "lane">) {
    this.#engine = engine;
    this.#options = options;
  }

  async open(space: string, events: TargetEvents): Promise<TargetSession> {
    const { dims, lane } = this.#options;
    const request = { space: toSpaceId(space), dims, lane, credits: CREDITS, ...events };
    return new EngineSession(await this.#engine.memory.ingest.open(request));
  }

  async recall(space: string, query: Float32Array, k: number): Promise<ArrayLike<number>> {
    const { results } = await this.#engine.memory.recallVectors(toSpaceId(space), query, { k, isFull: false });
    return results.map(({ row }) => row);
  }

  /** An observation without an id of its own is named by its row. */
  remove(space: string, rows: readonly number[]): Promise<number> {
    const ids = rows.map((row) => `~${row.toString(36)}`);
    return this.#engine.memory.ingest.remove(toSpaceId(space), ids);
  }

  /** As the worker that has them tells with an answer. */
  async rows(space: string): Promise<number> {
    const query = new Float32Array(this.#options.dims).fill(1);
    return (await this.#engine.memory.recallVectors(toSpaceId(space), query, { k: 1, isFull: false })).live;
  }

  removeSpace(space: string): Promise<void> {
    return this.#engine.memory.removeSpace(toSpaceId(space));
  }

  rssBytes(): number {
    return process.memoryUsage.rss();
  }

  cpuMicros(): number {
    const { user, system } = process.cpuUsage();
    return user + system;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { isComplete } = await this.#engine.close();
    if (!isComplete) throw new MillraceError("timeout", "the engine did not finish its work before it was closed");
  }
}

class EngineSession implements TargetSession {
  readonly #session: IngestSession;

  constructor(session: IngestSession) {
    this.#session = session;
  }

  get nextSeq(): number {
    return this.#session.nextSeq;
  }

  get watermarks() {
    return this.#session.watermarks;
  }

  submit(batch: ObservationBatch): void {
    this.#session.submit(batch);
  }

  indexed(): Promise<void> {
    return this.#session.reached("indexed");
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}
