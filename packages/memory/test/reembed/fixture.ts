import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type SpaceId, spaceStream, toSpaceId } from "@millrace/protocol";
import { DATABASE_FILE, openStorage, Sequencer } from "@millrace/stream";
import { until } from "../../../../test/support/until.ts";
import {
  type DocumentInput,
  hashOf,
  Memory,
  memoryModuleUrl,
  observationsModuleUrl,
  type ProviderSettings,
} from "../../src/index.ts";

export const SPACE = toSpaceId("s");
/** The model of `startEmbeddingServer`. */
export const LAST_WORD = { provider: "openai", model: "last-word" } as const;
export const STATIC = { provider: "static" } as const;

export type OpenedMemory = Awaited<ReturnType<typeof openMemory>>;

/** A memory over the directory, whose models are the built-in one and those of the server at `url`. */
export async function openMemory(directory: string, url: string) {
  const storage = await openStorage({ directory, modules: [memoryModuleUrl, observationsModuleUrl] });
  const sequencer = new Sequencer({ storage });
  const providers: ProviderSettings = {
    default: STATIC,
    resolve: ({ provider, model = "" }) => {
      if (provider === "openai") return { provider, url, model };
      return provider === "none" ? { provider, dims: Number(model) } : { provider: "static" };
    },
  };
  const memory = await Memory.open({ storage, sequencer, directory, providers });
  const db = new DatabaseSync(join(directory, DATABASE_FILE), { readOnly: true });
  return {
    memory,
    storage,
    count: (sql: string) => Number(db.prepare(sql).get()?.n),
    /** Types of the frames about re-embedding. */
    frames: (): string[] =>
      db
        .prepare(
          "SELECT json ->> '$.type' AS type FROM frames JOIN streams ON streams.id = stream WHERE name = ? ORDER BY seq",
        )
        .all(spaceStream(SPACE))
        .map(({ type }) => String(type))
        .filter((type) => type.startsWith("memory.")),
    async [Symbol.asyncDispose]() {
      db.close();
      await memory[Symbol.asyncDispose]();
      await storage.close();
    },
  };
}

export function temporaryDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "millrace-reembed-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A document with these chunks. */
export function documentOf(source: string, ...parts: readonly string[]): DocumentInput {
  let at = 0;
  const chunks = parts.map((part) => {
    const start = at;
    at += part.length;
    return { start, end: at, headings: [] };
  });
  const text = parts.join("");
  const about = { source, title: "T", contentType: "text/plain", links: [] };
  return { ...about, text, chunks, bytes: text.length, sourceHash: hashOf(text) };
}

/** Sources of what vectors alone find, best first. */
export async function nearest(memory: Memory, query: string, k = 1, space: SpaceId = SPACE): Promise<string[]> {
  const { results } = await memory.recall(space, { query, mode: "vector", k });
  return results.map(({ source }) => source);
}

/** Settles when the run in the space has ended. */
export async function ended({ reembeds }: Memory, space: SpaceId = SPACE) {
  await reembeds.ended(space, new AbortController().signal);
  return reembeds.state(space);
}

/** A promise and its settling, for steps of a test that wait for each other. */
export function signalled(): { readonly done: Promise<void>; readonly signal: () => void } {
  let signal = () => {};
  const done = new Promise<void>((resolve) => {
    signal = resolve;
  });
  return { done, signal };
}

/** One is about zebras, the other ends with one. */
export const ABOUT = documentOf(
  "about.txt",
  "The zebra is a striped horse; a zebra runs, a zebra eats grass, near the quarry",
);
export const ENDS = documentOf(
  "ends.txt",
  "Granite and basalt are rocks of the mountain, hard and old, as grey as a zebra",
);
export const FILLER = Array.from({ length: 600 }, (_, n) => `Brick number ${n} of the wall is marked with word${n} `);

/** Three documents, one of them of 600 chunks. */
export async function fill({ memory }: OpenedMemory): Promise<void> {
  await memory.putDocument(SPACE, ABOUT);
  await memory.putDocument(SPACE, ENDS);
  await memory.putDocument(SPACE, documentOf("wall.txt", ...FILLER));
}

/** Nothing is left of other vectors, and each chunk has the one its space answers from. */
export async function checkTidy({ count }: OpenedMemory, isBesideChunks: boolean): Promise<void> {
  await until(
    () => count("SELECT count(*) AS n FROM vector_sets") === 0,
    () => "unused vectors",
  );
  await until(
    () => count("SELECT count(*) AS n FROM hidden_chunks") === 0,
    () => "removed chunks",
  );
  const chunks = count("SELECT count(*) AS n FROM chunks");
  assert.equal(count("SELECT sum(chunks) AS n FROM spaces"), chunks);
  assert.equal(count("SELECT count(*) AS n FROM chunks WHERE length(vector) > 0"), isBesideChunks ? chunks : 0);
  const live = count("SELECT count(*) AS n FROM vectors v JOIN spaces s ON s.vector_set = v.vector_set");
  assert.deepEqual([live, count("SELECT count(*) AS n FROM vectors")], isBesideChunks ? [0, 0] : [chunks, chunks]);
}
