/** A memory whose clock, disk and store a test can disturb. */
import { rmSync } from "node:fs";
import { type Clock, MillraceError, systemClock } from "@millrace/core";
import type { ObservationBatch, SpaceId } from "@millrace/protocol";
import { openStorage, Sequencer } from "@millrace/stream";
import {
  type IngestSession,
  Memory,
  memoryModuleUrl,
  observationsModuleUrl,
  type ProfileOverrides,
  resolveProfile,
} from "../../src/index.ts";
import type { ProviderSettings } from "../../src/space-registry.ts";
import { DIMS, type OpenedMemory, SPACE, temporaryDirectory, vectorOf } from "./fixture.ts";

const PROVIDERS: ProviderSettings = {
  default: { provider: "static" },
  resolve: ({ provider, model }) => (provider === "none" ? { provider, dims: Number(model) } : { provider: "static" }),
};

export type FaultOptions = {
  /** Left as it is at the end; default one of its own. */
  readonly directory?: string;
  readonly overrides?: ProfileOverrides;
  readonly clock?: Clock;
  /** Most bytes of the log. */
  readonly bytesMax?: number;
  /** Called before every write of the store; what it throws is what the store answers. */
  readonly onWrite?: (op: string) => void | Promise<void>;
};

export async function openFaulty(options: FaultOptions = {}): Promise<OpenedMemory> {
  const { directory = temporaryDirectory(), overrides, clock, bytesMax, onWrite } = options;
  const storage = await openStorage({ directory, modules: [memoryModuleUrl, observationsModuleUrl] });
  if (onWrite) {
    const write = storage.write.bind(storage);
    storage.write = (async (op: string, args: never) => {
      await onWrite(op);
      return write(op, args);
    }) as typeof storage.write;
  }
  const sequencer = new Sequencer({ storage });
  const profile = resolveProfile("production", { workers: 2, ...overrides });
  const memory = await Memory.open({
    ...{ storage, sequencer, directory, providers: PROVIDERS, profile },
    ...(clock ? { clock } : {}),
    ...(bytesMax === undefined ? {} : { observationBytesMax: bytesMax }),
  }).catch(async (error: unknown) => {
    await storage.close();
    throw error;
  });
  return {
    memory,
    directory,
    async [Symbol.asyncDispose]() {
      await memory[Symbol.asyncDispose]();
      await storage.close();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A directory that is removed at the end. */
export function scratch(): { readonly path: string } & Disposable {
  const path = temporaryDirectory();
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The system's clock with a wall clock that can be set. */
export class SkewedClock implements Clock {
  skewMs = 0;

  now(): number {
    return systemClock.now() + this.skewMs;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  after(delayMs: number, run: () => void): () => void {
    return systemClock.after(delayMs, run);
  }
}

export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Asks again, a turn of the event loop apart, until it holds; the test's own time limit ends it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await turn();
}

/** Sends a batch until it is accepted. */
export async function submitted(session: IngestSession, batch: ObservationBatch): Promise<void> {
  for (;;) {
    try {
      return session.submit(batch);
    } catch (error) {
      if (!(error instanceof MillraceError && error.retryable)) throw error;
      await turn();
    }
  }
}

/** Every observation there is: row, id and score for one question, in order of row. */
export async function allOf(memory: Memory, space: SpaceId = SPACE, k = 10_000) {
  const { results } = await memory.recallVectors(space, vectorOf(0, DIMS), { k, recall: "exact" });
  return [...results].sort((a, b) => a.row - b.row);
}

export async function idsOf(memory: Memory, space: SpaceId = SPACE): Promise<string[]> {
  return (await allOf(memory, space)).map(({ id }) => id);
}

/** How many there are. */
export async function liveOf(memory: Memory, space: SpaceId = SPACE): Promise<number> {
  return (await memory.recallVectors(space, vectorOf(0, DIMS), { k: 1 })).live;
}
