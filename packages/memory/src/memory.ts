import { createHash } from "node:crypto";
import { assert, type Clock, KeyedExecutor, MillraceError, systemClock } from "@millrace/core";
import {
  type RecallRequest,
  type RecallResponse,
  type Space,
  type SpaceId,
  type StoredDocument,
  spaceStream,
} from "@millrace/protocol";
import type { Sequencer, Storage } from "@millrace/stream";
import type { DocumentContent, DocumentInput, PutOutcome } from "./document.ts";
import { VectorStore } from "./index-worker/vector-store.ts";
import {
  COMMIT_CHUNKS_MAX,
  DOCUMENT_CHUNKS_MAX,
  DOCUMENTS_PAGE_MAX,
  LABEL_CHARS_MAX,
  STORES_MAX,
  STORES_WAITING_MAX,
} from "./limits.ts";
import { Recall } from "./recall.ts";
import {
  type EmbeddingChoice,
  type OpenSpace,
  type ProviderSettings,
  type RemovedWithSpace,
  SpaceRegistry,
} from "./space-registry.ts";
import type {
  ChunkInput,
  ChunksArgs,
  DocumentRow,
  MemoryReads,
  MemoryWrites,
  PutDocumentArgs,
  PutResult,
} from "./store/memory-module.ts";

export type MemoryOptions = {
  readonly storage: Storage;
  readonly sequencer: Sequencer;
  /** Where the store is; the index thread reads vectors from it. */
  readonly directory: string;
  readonly providers: ProviderSettings;
  readonly clock?: Clock;
};

/** All of a document but its chunks. */
type About = Omit<PutDocumentArgs, "chunks" | "vectors" | "staged">;

/**
 * The spaces of an engine: puts documents in, answers recall. A document that was put is one frame in the space's stream (the truth), and
 * rows, full text and vectors made from it in the same commit (the views).
 */
export class Memory implements AsyncDisposable {
  readonly #options: MemoryOptions;
  readonly #clock: Clock;
  readonly #registry: SpaceRegistry;
  readonly #vectors: VectorStore;
  readonly #recall: Recall;
  readonly #stores = new KeyedExecutor({ concurrencyMax: STORES_MAX, waitingMax: STORES_WAITING_MAX });
  #isClosing = false;

  private constructor(options: MemoryOptions, registry: SpaceRegistry) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#registry = registry;
    this.#vectors = new VectorStore(options.directory);
    this.#recall = new Recall({ storage: options.storage, vectors: this.#vectors, clock: this.#clock });
  }

  static async open(options: MemoryOptions): Promise<Memory> {
    const { storage, sequencer, providers, clock = systemClock } = options;
    const memory = new Memory(options, await SpaceRegistry.open({ storage, sequencer, providers, clock }));
    // Nobody sees what a crash left half-entered, so that a full disk may keep it until another start.
    await storage.write<MemoryWrites["abandonChunks"]>("memory.abandonChunks", {}).catch(() => {});
    memory.#sweepSoon();
    return memory;
  }

  /** Reads the vectors of every space into memory, so that no recall pays for it; safe to skip. */
  async warm(): Promise<void> {
    for (const row of this.#registry.rows()) await this.#vectors.load({ space: row.id, dims: row.dims });
  }

  async spaces(): Promise<Space[]> {
    return Promise.all(this.#registry.rows().map(({ name }) => this.space(name as SpaceId)));
  }

  /** `not_found` when there is no such space. */
  async space(name: SpaceId): Promise<Space> {
    const row = this.#registry.row(name);
    const stream = spaceStream(name);
    const counts = await this.#options.storage.read<MemoryReads["counts"]>("memory.counts", { space: row.id, stream });
    const { provider, model, dims } = row;
    return { name, createdMs: row.createdMs, embedding: { provider, model, dims }, ...counts };
  }

  /** Makes the space if need be. `conflict` when it exists with another embedding. */
  async ensureSpace(name: SpaceId, choice?: EmbeddingChoice): Promise<{ space: Space; isNew: boolean }> {
    const { isNew } = await this.#registry.ensure(name, choice);
    return { space: await this.space(name), isNew };
  }

  /** What `also` names goes in the same transaction. */
  async removeSpace(name: SpaceId, also?: RemovedWithSpace): Promise<void> {
    const row = await this.#registry.remove(name, also);
    await this.#vectors.drop(row.id);
  }

  /** Whether the same bytes of that source are stored already. */
  async isUnchanged(name: SpaceId, source: string, sourceHash: string): Promise<PutOutcome | undefined> {
    if (!this.#registry.has(name)) return undefined;
    const row = await this.#documentRow(name, documentId(name, source));
    return row?.sourceHash === sourceHash ? outcomeOf(row, true) : undefined;
  }

  /**
   * Puts a document, replacing the one of the same source. Settles when it is durable and searchable; rejects with nothing kept:
   * `no_text`, `too_large`, `provider_failed`, `storage_full` …
   */
  async putDocument(name: SpaceId, input: DocumentInput, signal?: AbortSignal): Promise<PutOutcome> {
    if (input.chunks.length === 0) throw new MillraceError("no_text", `${input.source} holds no text to remember`);
    if (input.chunks.length > DOCUMENT_CHUNKS_MAX) throw tooManyChunks(input);
    const { space } = await this.#registry.ensure(name);
    const document = documentId(name, input.source);
    return this.#stores.run(`${name}/${document}`, () => this.#store(space, document, withShortLabels(input), signal));
  }

  /** `not_found` when the space has no such document. */
  async removeDocument(name: SpaceId, document: string): Promise<void> {
    const { row: space } = await this.#registry.get(name);
    await this.#stores.run(`${name}/${document}`, async () => {
      const row = await this.#documentRow(name, document);
      if (!row) throw noDocument(name, document);
      const stream = spaceStream(name);
      const event = { type: "document.removed", id: document, data: { document, source: row.source } };
      const alongside = [{ op: "memory.removeDocument", args: { space: space.id, stream, document } }];
      const { values } = await this.#options.sequencer.append(stream, [event], { alongside });
      const { removed, isSweepDue } = values[0] as PutResult;
      if (isSweepDue) this.#sweepSoon();
      await this.#vectors.put({ space: space.id, dims: space.dims, removed, added: [], vectors: new Float32Array() });
    });
  }

  async documents(
    name: SpaceId,
    after: string,
    limit: number,
  ): Promise<{ documents: StoredDocument[]; next?: string }> {
    const { id } = this.#registry.row(name);
    const size = Math.min(limit, DOCUMENTS_PAGE_MAX);
    const rows = await this.#options.storage.read<MemoryReads["documents"]>("memory.documents", {
      space: id,
      after,
      limit: size + 1,
    });
    const documents = rows.slice(0, size).map((row) => toStoredDocument(row, []));
    const last = documents.at(-1);
    return rows.length > size && last ? { documents, next: last.source } : { documents };
  }

  /** The document with its text and links. */
  async document(name: SpaceId, document: string): Promise<StoredDocument & { text: string }> {
    const row = await this.#documentRow(name, document);
    const json =
      row && (await this.#options.storage.read<MemoryReads["content"]>("memory.content", { hash: row.content }));
    if (!row || json === undefined) throw noDocument(name, document);
    const { text, links } = JSON.parse(json) as DocumentContent;
    return { ...toStoredDocument(row, links), text };
  }

  async recall(name: SpaceId, request: RecallRequest, signal?: AbortSignal): Promise<RecallResponse> {
    return this.#recall.run(await this.#registry.get(name), request, signal);
  }

  totals(): Promise<{ documents: number; chunks: number; bytes: number }> {
    return this.#options.storage.read<MemoryReads["totals"]>("memory.totals", null);
  }

  /** What the engine's metrics show of this part. */
  async stats() {
    const embedders = await this.#registry.embedders();
    return {
      spaces: this.#registry.rows().length,
      indexBytes: await this.#vectors.size(),
      embedDepth: embedders.reduce((sum, { depth }) => sum + depth, 0),
      embedMicros: embedders.map(({ micros }) => micros),
      recallMicros: this.#recall.micros,
      recalls: this.#recall.count,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await this.#stores.idle();
    await this.#vectors[Symbol.asyncDispose]();
    await this.#registry[Symbol.asyncDispose]();
  }

  async #store(
    { row, name, embedder }: OpenSpace,
    document: string,
    input: DocumentInput,
    signal?: AbortSignal,
  ): Promise<PutOutcome> {
    const chunks = input.chunks.map((chunk, number) => toChunkInput(input.text, chunk, number));
    const texts = chunks.map((chunk) => embeddedText(input.title, chunk));
    const vectors = await embedder.embed(texts, "passage", signal);
    assert(vectors.length === chunks.length * row.dims, "one vector a chunk");
    signal?.throwIfAborted();
    const content = JSON.stringify({
      text: input.text,
      links: input.links,
      chunks: input.chunks,
    } satisfies DocumentContent);
    const about = this.#about(row.id, name, document, input, content);
    const [last, ...first] = slicesOf(about, chunks, vectors).reverse();
    assert(last, "a document has a chunk");
    const staged = await this.#stage(first.reverse(), signal);
    const event = { type: "document.stored", id: document, data: recordOf(about, chunks.length) };
    const put: PutDocumentArgs = { ...about, ...last, staged };
    const alongside = [{ op: "memory.putDocument", args: put }];
    const { values } = await this.#options.sequencer
      .append(spaceStream(name), [event], { alongside })
      .catch((error: unknown) => this.#abandon(staged, error));
    const { removed, added, isSweepDue } = values[0] as PutResult;
    if (isSweepDue) this.#sweepSoon();
    await this.#vectors.put({ space: row.id, dims: row.dims, removed, added, vectors });
    const { title, bytes } = input;
    return { document, title, chunks: chunks.length, bytes, chars: input.text.length, unchanged: false };
  }

  /** Enters all but the last chunks of a large document, a commit at a time, unseen: others' writes take their turn between. */
  async #stage(slices: readonly ChunksArgs[], signal?: AbortSignal): Promise<number[]> {
    const staged: number[] = [];
    try {
      for (const slice of slices) {
        signal?.throwIfAborted();
        staged.push(...(await this.#options.storage.write<MemoryWrites["stageChunks"]>("memory.stageChunks", slice)));
      }
      signal?.throwIfAborted();
      return staged;
    } catch (error) {
      return this.#abandon(staged, error);
    }
  }

  async #abandon(staged: readonly number[], error: unknown): Promise<never> {
    if (staged.length > 0) {
      // What cannot be marked now stays unseen, and is taken out after the next start.
      await this.#options.storage
        .write<MemoryWrites["abandonChunks"]>("memory.abandonChunks", { ids: staged })
        .catch(() => {});
      this.#sweepSoon();
    }
    throw error;
  }

  /** Takes out what is removed, a commit at a time; what a failure leaves is taken out by the next sweep. */
  #sweepSoon(): void {
    const sweep = async () => {
      let isMore = true;
      while (isMore && !this.#isClosing) {
        isMore = await this.#options.storage.write<MemoryWrites["sweep"]>("memory.sweep", null);
      }
    };
    this.#stores.run("sweep", sweep).catch(() => {});
  }

  #about(space: number, name: SpaceId, document: string, input: DocumentInput, content: string): About {
    const { source, title, contentType, language, sourceHash, bytes, text } = input;
    const place = {
      space,
      stream: spaceStream(name),
      document,
      source,
      title,
      contentType,
      language: language ?? null,
    };
    const contentHash = hashOf(content);
    return {
      ...place,
      sourceHash,
      contentHash,
      content,
      bytes,
      chars: text.length,
      addedMs: this.#clock.now(),
    };
  }

  async #documentRow(name: SpaceId, document: string): Promise<DocumentRow | undefined> {
    const { id } = this.#registry.row(name);
    return this.#options.storage.read<MemoryReads["document"]>("memory.document", { space: id, document });
  }
}

/** Stable and the same on every machine: a source in a space is one document however often it is added. */
export function documentId(space: SpaceId, source: string): string {
  return hashOf(`${space}\n${source}`).slice(0, 16);
}

export function hashOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The durable record of a document: everything its views are rebuilt from, the text by the name of its blob. */
function recordOf(about: About, chunks: number): Record<string, unknown> {
  const { document, source, title, contentType, language, sourceHash, contentHash, bytes, chars } = about;
  return {
    document,
    source,
    title,
    contentType,
    language,
    sourceHash,
    text: contentHash,
    bytes,
    chars,
    chunks,
  };
}

/** A title and a heading are stored and indexed with every chunk under them, so that a long one would multiply. */
function withShortLabels(input: DocumentInput): DocumentInput {
  const short = (label: string) => (label.length > LABEL_CHARS_MAX ? label.slice(0, LABEL_CHARS_MAX).trimEnd() : label);
  const chunks = input.chunks.map((chunk) => ({ ...chunk, headings: chunk.headings.map(short) }));
  return { ...input, title: short(input.title), chunks };
}

/** The chunks in the commits that enter them. Vectors are copied apart: a view would travel with the whole array behind it. */
function slicesOf(
  { space, document, title }: About,
  chunks: readonly ChunkInput[],
  vectors: Float32Array,
): ChunksArgs[] {
  const dims = vectors.length / chunks.length;
  const slices: ChunksArgs[] = [];
  for (let at = 0; at < chunks.length; at += COMMIT_CHUNKS_MAX) {
    const slice = chunks.slice(at, at + COMMIT_CHUNKS_MAX);
    const sliceVectors = vectors.slice(at * dims, (at + slice.length) * dims);
    slices.push({ space, document, title, chunks: slice, vectors: sliceVectors });
  }
  return slices;
}

function toChunkInput(
  text: string,
  { start, end, headings, page }: DocumentInput["chunks"][number],
  number: number,
): ChunkInput {
  return { number, start, end, headings, page: page ?? null, text: text.slice(start, end) };
}

/** A chunk is embedded under its title and headings: a paragraph rarely repeats what its section is about. */
function embeddedText(title: string, { headings, text }: ChunkInput): string {
  return [title, ...headings.filter((heading) => heading !== title), text].join("\n");
}

function toStoredDocument(row: DocumentRow, links: DocumentContent["links"]): StoredDocument {
  const { document, source, title, contentType, language, chunks, chars, bytes, addedMs } = row;
  const base = { document, source, title, contentType, chunks, chars, bytes, addedMs, links: [...links] };
  return language === null ? base : { ...base, language };
}

function outcomeOf({ document, title, chunks, bytes, chars }: DocumentRow, unchanged: boolean): PutOutcome {
  return { document, title, chunks, bytes, chars, unchanged };
}

function noDocument(space: SpaceId, document: string): MillraceError {
  return new MillraceError(
    "not_found",
    `space ${space} has no document ${document}; GET /v1/spaces/${space}/documents lists them`,
  );
}

function tooManyChunks({ source, chunks }: DocumentInput): MillraceError {
  const message = `${source} makes ${chunks.length} chunks; at most ${DOCUMENT_CHUNKS_MAX} are taken from one document: split the file`;
  return new MillraceError("too_large", message);
}
