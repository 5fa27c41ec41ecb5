import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng } from "@millrace/core";
import { type ObservationBatch, type ObservationMeta, toSpaceId } from "@millrace/protocol";
import { openStorage, Sequencer } from "@millrace/stream";
import {
  Memory,
  memoryModuleUrl,
  observationsModuleUrl,
  type ProfileOverrides,
  resolveProfile,
} from "../../src/index.ts";
import type { ProviderSettings } from "../../src/space-registry.ts";

export const DIMS = 16;
export const SPACE = toSpaceId("watched");

const PROVIDERS: ProviderSettings = {
  default: { provider: "static" },
  resolve: ({ provider, model }) => (provider === "none" ? { provider, dims: Number(model) } : { provider: "static" }),
};

export type OpenedMemory = AsyncDisposable & { readonly memory: Memory; readonly directory: string };

/** A memory over a directory of its own, or over `given`, which it leaves. */
export async function openMemory(given?: string, overrides: ProfileOverrides = {}): Promise<OpenedMemory> {
  const directory = given ?? temporaryDirectory();
  const storage = await openStorage({ directory, modules: [memoryModuleUrl, observationsModuleUrl] });
  const sequencer = new Sequencer({ storage });
  const profile = resolveProfile("production", { workers: 2, ...overrides });
  const memory = await Memory.open({ storage, sequencer, directory, providers: PROVIDERS, profile });
  return {
    memory,
    directory,
    async [Symbol.asyncDispose]() {
      await memory[Symbol.asyncDispose]();
      await storage.close();
      if (given === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), "millrace-observations-"));
}

/** The vector of number `n`: always the same, and near no other. */
export function vectorOf(n: number, dims = DIMS): Float32Array {
  const rng = createRng(n + 1);
  return Float32Array.from({ length: dims }, () => rng() * 2 - 1);
}

/** Observations `from` … `from + count − 1`, each with the vector of its number. */
export function batchOf(
  from: number,
  count: number,
  options: Partial<ObservationBatch> & { readonly metaOf?: (n: number) => ObservationMeta | null } = {},
): ObservationBatch {
  const { metaOf, ...others } = options;
  const dims = options.dims ?? DIMS;
  const vectors = new Float32Array(count * dims);
  for (let at = 0; at < count; at++) vectors.set(vectorOf(from + at, dims), at * dims);
  const metas = metaOf && Array.from({ length: count }, (_, at) => metaOf(from + at));
  return {
    firstSeq: from,
    count,
    lane: "normal",
    encoding: "f32",
    dims,
    vectors: new Uint8Array(vectors.buffer),
    meta: metas ? new TextEncoder().encode(JSON.stringify(metas)) : new Uint8Array(0),
    ...others,
  };
}

/** Ids found for the vector of number `n`, nearest first. */
export async function nearest(memory: Memory, n: number, k = 1, space = SPACE): Promise<string[]> {
  const { results } = await memory.recallVectors(space, vectorOf(n), { k, recall: "exact" });
  return results.map(({ id }) => id);
}
