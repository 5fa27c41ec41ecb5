import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { type StreamId, spaceStream, toSpaceId } from "@millrace/protocol";
import { DATABASE_FILE, openStorage, Sequencer } from "@millrace/stream";
import { type DocumentInput, hashOf, Memory, memoryModuleUrl, observationsModuleUrl } from "../src/index.ts";
import { VectorStore } from "../src/index-worker/vector-store.ts";
import { COMMIT_CHUNKS_MAX, LABEL_CHARS_MAX } from "../src/limits.ts";

const SPACE = toSpaceId("s");
const STATIC = { default: { provider: "static" as const }, resolve: () => ({ provider: "static" as const }) };

async function openMemory(given?: string) {
  const directory = given ?? mkdtempSync(join(tmpdir(), "millrace-memory-"));
  const storage = await openStorage({ directory, modules: [memoryModuleUrl, observationsModuleUrl] });
  const sequencer = new Sequencer({ storage });
  const memory = await Memory.open({ storage, sequencer, directory, providers: STATIC });
  const db = new DatabaseSync(join(directory, DATABASE_FILE), { readOnly: true });
  const count = (sql: string) => Number(db.prepare(sql).get()?.n);
  return {
    directory,
    storage,
    sequencer,
    memory,
    /** Rows of chunks, those hidden from readers included. */
    chunkRows: () => count("SELECT count(*) AS n FROM chunks"),
    hiddenRows: () => count("SELECT count(*) AS n FROM hidden_chunks"),
    spaceId: () => count("SELECT id AS n FROM spaces"),
    found: async (query: string) => (await memory.recall(SPACE, { query, mode: "text", k: 100 })).results.length,
    async [Symbol.asyncDispose]() {
      db.close();
      await memory[Symbol.asyncDispose]();
      await storage.close();
      if (given === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A document of `count` chunks, each with the word in it. */
function documentOf(source: string, word: string, count: number): DocumentInput {
  const line = `The ${word} is here. `;
  const text = line.repeat(count);
  const chunks = Array.from({ length: count }, (_, at) => ({
    start: at * line.length,
    end: (at + 1) * line.length,
    headings: ["Part"],
  }));
  const about = { source, title: "Title", contentType: "text/plain", language: "en", links: [] };
  return { ...about, text, chunks, bytes: text.length, sourceHash: hashOf(text) };
}

const LARGE = COMMIT_CHUNKS_MAX * 2 + 10;
const swept = async ({ hiddenRows }: { hiddenRows: () => number }) => {
  while (hiddenRows() > 0) await new Promise<void>((resolve) => setImmediate(resolve));
};

test("a large document is entered a slice a commit, is unseen until its frame, and replaces the one before whole", async () => {
  await using open = await openMemory();
  const { memory, sequencer, storage } = open;
  await memory.putDocument(SPACE, documentOf("a.txt", "heron", LARGE));
  const slices: number[] = [];
  const write = storage.write.bind(storage);
  storage.write = (op, args) => {
    if (op === "memory.stageChunks") slices.push((args as { chunks: unknown[] }).chunks.length);
    return write(op, args);
  };
  const seen: number[] = [];
  const append = sequencer.append.bind(sequencer);
  sequencer.append = async (stream, events, options) => {
    const [call] = options?.alongside ?? [];
    const put = call?.args as { chunks: unknown[] } | undefined;
    slices.push(put?.chunks.length ?? 0);
    seen.push(await open.found("heron"), await open.found("egret"));
    return append(stream, events, options);
  };
  await memory.putDocument(SPACE, documentOf("a.txt", "egret", LARGE));
  assert.deepEqual(slices, [COMMIT_CHUNKS_MAX, COMMIT_CHUNKS_MAX, 10]);
  assert.deepEqual(seen, [100, 0], "until the frame the document is what it was");
  assert.deepEqual([await open.found("heron"), await open.found("egret")], [0, 100]);
  const { results } = await memory.recall(SPACE, { query: "egret", mode: "vector", k: 100 });
  assert.ok(results.every(({ text }) => text.includes("egret")));
  await swept(open);
  assert.equal(open.chunkRows(), LARGE);
});

test("a large document that is given up leaves nothing behind, be it refused, cancelled or cut off by a crash", async () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-memory-"));
  try {
    {
      await using open = await openMemory(directory);
      const { memory, sequencer, storage } = open;
      const append = sequencer.append.bind(sequencer);
      sequencer.append = () => Promise.reject(new Error("refused"));
      await assert.rejects(memory.putDocument(SPACE, documentOf("a.txt", "heron", LARGE)), /refused/);
      sequencer.append = append;
      const abort = new AbortController();
      const write = storage.write.bind(storage);
      storage.write = (op, args) => {
        if (op === "memory.stageChunks") abort.abort(new Error("given up"));
        return write(op, args);
      };
      await assert.rejects(memory.putDocument(SPACE, documentOf("a.txt", "heron", LARGE), abort.signal), /given up/);
      assert.equal(await open.found("heron"), 0);
      await swept(open);
      assert.equal(open.chunkRows(), 0);
      storage.write = write;
      // What a crash leaves: chunks entered, and their document never.
      const chunks = [{ number: 0, start: 0, end: 5, headings: [], page: null, text: "heron" }];
      const staged = {
        space: open.spaceId(),
        vectorSet: 0,
        document: "d",
        title: "T",
        chunks,
        vectors: new Float32Array(256),
      };
      await write("memory.stageChunks", staged);
      assert.equal(open.hiddenRows(), 1);
    }
    await using open = await openMemory(directory);
    assert.equal(await open.found("heron"), 0);
    await swept(open);
    assert.equal(open.chunkRows(), 0);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("the counts of a space follow what is put, replaced and removed", async () => {
  await using open = await openMemory();
  const { memory } = open;
  const counts = async () => {
    const { documents, chunks, bytes } = await memory.space(SPACE);
    assert.deepEqual(await memory.totals(), { documents, chunks, bytes });
    return [documents, chunks, bytes];
  };
  const first = documentOf("a.txt", "heron", 3);
  const second = documentOf("b.txt", "egret", 2);
  await memory.putDocument(SPACE, first);
  const { document } = await memory.putDocument(SPACE, second);
  assert.deepEqual(await counts(), [2, 5, first.bytes + second.bytes]);
  const third = documentOf("a.txt", "bittern", 1);
  await memory.putDocument(SPACE, third);
  assert.deepEqual(await counts(), [2, 3, third.bytes + second.bytes]);
  await memory.removeDocument(SPACE, document);
  assert.deepEqual(await counts(), [1, 1, third.bytes]);
});

test("I10: what is under way when its space is deleted never reaches the next space, nor brings the old one back", async () => {
  await using open = await openMemory();
  const { memory, sequencer, directory } = open;
  await memory.ensureSpace(SPACE);
  const before = open.spaceId();
  const append = sequencer.append.bind(sequencer);
  sequencer.append = async (...call) => {
    sequencer.append = append;
    await memory.removeSpace(SPACE);
    await memory.ensureSpace(SPACE);
    return append(...call);
  };
  await assert.rejects(memory.putDocument(SPACE, documentOf("a.txt", "heron", 2)), { code: "not_found" });
  assert.notEqual(open.spaceId(), before);
  assert.equal(await open.found("heron"), 0);
  assert.equal(open.chunkRows(), 0);
  await using vectors = new VectorStore(directory);
  const late = { space: before, set: 0, dims: 256, removed: [], added: [1], vectors: new Float32Array(256) };
  await assert.rejects(vectors.put(late), { code: "not_found" });
});

test("a space is deleted with what is named beside it, or not at all", async () => {
  await using open = await openMemory();
  const { memory, sequencer, storage } = open;
  await memory.putDocument(SPACE, documentOf("a.txt", "heron", 2));
  const beside = "beside" as StreamId;
  await sequencer.append(beside, [{ type: "log", data: 1 }]);
  const broken = [{ op: "memory.stageChunks", args: { space: -1, document: "", title: "", chunks: [] } }];
  await assert.rejects(memory.removeSpace(SPACE, { streams: [beside], alongside: broken }));
  assert.equal(await open.found("heron"), 2);
  await memory.removeSpace(SPACE, { streams: [beside] });
  assert.equal(open.chunkRows(), 0);
  for (const stream of [beside, spaceStream(SPACE)]) {
    const { row } = (await storage.read("log.load", { stream })) as { row: unknown };
    assert.equal(row, undefined);
  }
});

test("a long title or heading is cut: it would be stored and answered with every chunk", async () => {
  await using open = await openMemory();
  const long = "long title words ".repeat(6_000);
  const plain = documentOf("a.txt", "heron", 2);
  const chunks = plain.chunks.map((chunk) => ({ ...chunk, headings: [long] }));
  const { title } = await open.memory.putDocument(SPACE, { ...plain, title: long, chunks });
  assert.ok(title.length <= LABEL_CHARS_MAX);
  const { results } = await open.memory.recall(SPACE, { query: "heron" });
  assert.ok(
    results.length === 2 && results.every(({ headings }) => headings.every((h) => h.length <= LABEL_CHARS_MAX)),
  );
  assert.ok(results.every((result) => result.title.length <= LABEL_CHARS_MAX));
});
