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
import { type About, recordOf, slicesOf, toChunkInput, withShortLabels } from "./document-slices.ts";
import { embeddedText } from "./embedded-text.ts";
import { placeOf, VectorStore } from "./index-worker/vector-store.ts";
import { DOCUMENT_CHUNKS_MAX, DOCUMENTS_PAGE_MAX, STORES_MAX, STORES_WAITING_MAX } from "./limits.ts";
import type { PressureState } from "./observations/admission/pressure.ts";
import type { Profile } from "./observations/admission/profiles.ts";
import { resolveProfile } from "./observations/admission/resolve-profile.ts";
import { Observations } from "./observations/observations.ts";
import { joined, withinBudget } from "./observations/recall/join-recalls.ts";
import { ObservationRecall } from "./observations/recall/observation-recall.ts";
import type { RecallAnswer, RecallQuestion } from "./observations/workers/recall-question.ts";
import { Recall } from "./recall.ts";
import { checkNoObservations, forgetDims } from "./reembed/observation-guard.ts";
import { Reembeds } from "./reembed/reembeds.ts";
import { SpaceGate } from "./reembed/space-gate.ts";
import {
  type EmbeddingChoice,
  type OpenSpace,
  type ProviderSettings,
  type RemovedWithSpace,
  SpaceRegistry,
} from "./space-registry.ts";
import type {
  ChunksArgs,
  DocumentRow,
  MemoryReads,
  MemoryWrites,
  PutDocumentArgs,
  PutResult,
  SpaceRow,
} from "./store/memory-module.ts";

export type MemoryOptions = {
  readonly storage: Storage;
  readonly sequencer: Sequencer;
  /** Where the store is; the index thread reads vectors from it. */
  readonly directory: string;
  readonly providers: ProviderSettings;
  /** How observations are taken in; default `production`. */
  readonly profile?: Profile;
  /** Most bytes of the log of observations; unlimited when absent. */
  readonly observationBytesMax?: number;
  readonly onPressure?: (state: PressureState, pressure: number) => void;
  readonly onWorkerDown?: (worker: number, error: MillraceError) => void;
  readonly clock?: Clock;
};

/** Weights that leave the order of the nearest as it is. */
const BY_SIMILARITY = { similarity: 1, confidence: 0, importance: 0, recency: 0 } as const;

/**
 * The spaces of an engine: puts documents in, answers recall. A document that was put is one frame in the space's stream (the truth), and
 * rows, full text and vectors made from it in the same commit (the views).
 */
export class Memory implements AsyncDisposable {
  readonly #options: MemoryOptions;
  readonly #clock: Clock;
  readonly #registry: SpaceRegistry;
  readonly #vectors: VectorStore;
  /** Observations: taken in, removed, recalled. */
  readonly ingest: Observations;
  readonly #recall: Recall;
  readonly #observed: ObservationRecall;
  /** Spaces being given another model. */
  readonly reembeds: Reembeds;
  readonly #gate = new SpaceGate();
  readonly #stores = new KeyedExecutor({ concurrencyMax: STORES_MAX, waitingMax: STORES_WAITING_MAX });
  #isClosing = false;

  private constructor(options: MemoryOptions, registry: SpaceRegistry, ingest: Observations) {
    this.#options = options;
    this.ingest = ingest;
    this.#clock = options.clock ?? systemClock;
    this.#registry = registry;
    this.#vectors = new VectorStore(options.directory);
    const { ingest: taken, texts } = ingest;
    this.#observed = new ObservationRecall({ ingest: taken, texts, clock: this.#clock });
    const parts = { storage: options.storage, vectors: this.#vectors, clock: this.#clock };
    this.#recall = new Recall({ ...parts, renewed: (space) => registry.renewed(space) });
    this.reembeds = new Reembeds({
      ...{ ...parts, registry, sequencer: options.sequencer, gate: this.#gate },
      check: (row) => checkNoObservations(row, ingest),
      onAdopted: (row) => forgetDims(row, ingest),
    });
  }

  static async open(options: MemoryOptions): Promise<Memory> {
    const { storage, sequencer, providers, directory, clock = systemClock } = options;
    const registry = await SpaceRegistry.open({ storage, sequencer, providers, clock });
    const { profile = resolveProfile("production"), observationBytesMax, onPressure, onWorkerDown } = options;
    const ingest = await Observations.open({
      ...{ directory, storage, sequencer, registry, profile, clock },
      ...(observationBytesMax === undefined ? {} : { bytesMax: observationBytesMax }),
      ...(onPressure ? { onState: onPressure } : {}),
      ...(onWorkerDown ? { onWorkerDown } : {}),
    });
    const memory = new Memory(options, registry, ingest);
    // Nobody sees what a crash left half-entered, so that a full disk may keep it until another start.
    await storage.write<MemoryWrites["abandonChunks"]>("memory.abandonChunks", {}).catch(() => {});
    memory.#sweepSoon();
    await memory.reembeds.recover();
    return memory;
  }

  /** Reads the vectors of every space into memory, so that no recall pays for it; safe to skip. */
  async warm(): Promise<void> {
    for (const row of this.#registry.rows()) await this.#vectors.load(placeOf(row));
    await this.ingest.warm();
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
    await this.reembeds.leave(name);
    await this.ingest.consolidations.leave(name);
    const row = await this.#registry.remove(name, also);
    await this.#vectors.drop(row.id);
    await this.ingest.dropSpace(row.id);
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
    return this.#stores.run(`${name}/${document}`, () => this.#put(space, document, withShortLabels(input), signal));
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
      await this.#gate.pass(space.id, async () => {
        const { values } = await this.#options.sequencer.append(stream, [event], { alongside });
        const { removed, isSweepDue } = values[0] as PutResult;
        if (isSweepDue) this.#sweepSoon();
        const place = placeOf(this.#registry.row(name));
        await this.#vectors.put({ ...place, removed, added: [], vectors: new Float32Array() });
      });
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

  /** Over documents and observations, whichever the space has, best first. See RecallRequest. */
  async recall(name: SpaceId, request: RecallRequest, signal?: AbortSignal): Promise<RecallResponse> {
    const space = await this.#registry.get(name);
    const { isOfDocuments, isOfObservations } = this.#kindsOf(space.row, request);
    if (!isOfObservations) return this.#recall.run(space, request, signal);
    const [observed, documents] = await Promise.all([
      withinBudget(this.#observed.stages(space, request, signal), request.budgetMs, this.#clock),
      isOfDocuments ? this.#recall.run(space, request, signal) : undefined,
    ]);
    return documents ? joined(observed, documents, request.k) : observed;
  }

  /** Answers over observations as they get better; of a space without observations the one of its documents. */
  async *recallStages(name: SpaceId, request: RecallRequest, signal?: AbortSignal): AsyncGenerator<RecallResponse> {
    const space = await this.#registry.get(name);
    const { isOfDocuments, isOfObservations } = this.#kindsOf(space.row, request);
    if (!isOfObservations) {
      yield { ...(await this.#recall.run(space, request, signal)), stage: "final" };
      return;
    }
    const documents = isOfDocuments ? this.#recall.run(space, request, signal) : undefined;
    documents?.catch(() => {});
    for await (const response of this.#observed.stages(space, request, signal)) {
      const isLast = response.stage === "final";
      yield isLast && documents ? joined(response, await documents, request.k) : response;
    }
  }

  /** What is nearest among a space's observations: by similarity alone unless `weights` say otherwise. */
  recallVectors(
    name: SpaceId,
    vector: Float32Array,
    options: { readonly k: number } & Partial<RecallQuestion>,
  ): Promise<RecallAnswer> {
    const { id, dims } = this.#registry.row(name);
    if (vector.length !== dims) throw wrongQuery(vector.length, dims);
    const question = { nowMs: this.#clock.now(), isFull: true, weights: BY_SIMILARITY, ...options, vector };
    return this.ingest.ingest.ask(id, question);
  }

  #kindsOf({ id, provider }: SpaceRow, { kinds, query }: RecallRequest) {
    const wants = (kind: "document" | "observation") => kinds === undefined || kinds.includes(kind);
    const isOfObservations =
      wants("observation") && (this.ingest.ingest.has(id) || provider === "none" || query === undefined);
    return { isOfObservations, isOfDocuments: wants("document") && provider !== "none" && (query ?? "").trim() !== "" };
  }

  /** The number by which threads and files know a space. */
  spaceId(name: SpaceId): number {
    return this.#registry.row(name).id;
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
    await this.reembeds[Symbol.asyncDispose]();
    await this.#stores.idle();
    await this.ingest[Symbol.asyncDispose]();
    await this.#vectors[Symbol.asyncDispose]();
    await this.#registry[Symbol.asyncDispose]();
  }

  /** A space that was given another model meanwhile has its document embedded by that. */
  async #put(space: OpenSpace, document: string, input: DocumentInput, signal?: AbortSignal): Promise<PutOutcome> {
    try {
      return await this.#store(space, document, input, signal);
    } catch (error) {
      const renewed = await this.#registry.renewed(space);
      if (!renewed) throw error;
      return this.#put(renewed, document, input, signal);
    }
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
    const about = this.#about(row, name, document, input, content);
    const [last, ...first] = slicesOf(about, chunks, vectors).reverse();
    assert(last, "a document has a chunk");
    const staged = await this.#stage(first.reverse(), signal);
    const event = { type: "document.stored", id: document, data: recordOf(about, chunks.length) };
    const put: PutDocumentArgs = { ...about, ...last, staged };
    const alongside = [{ op: "memory.putDocument", args: put }];
    const append = async () => {
      // A refusal by the store would fail other appends of the stream that are under way.
      this.#registry.checkCurrent(row);
      return this.#options.sequencer.append(spaceStream(name), [event], { alongside });
    };
    await this.#gate.pass(row.id, async () => {
      const { values } = await append().catch((error: unknown) => this.#abandon(staged, error));
      const { removed, added, isSweepDue } = values[0] as PutResult;
      if (isSweepDue) this.#sweepSoon();
      this.reembeds.entered(name, added);
      await this.#vectors.put({ ...placeOf(row), removed, added, vectors });
    });
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

  #about(
    { id: space, vectorSet }: SpaceRow,
    name: SpaceId,
    document: string,
    input: DocumentInput,
    content: string,
  ): About {
    const { source, title, contentType, language, sourceHash, bytes, text } = input;
    const place = {
      space,
      vectorSet,
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

function wrongQuery(length: number, dims: number): MillraceError {
  const message = `the question has ${length} numbers; the space holds vectors of ${dims}`;
  return new MillraceError("dimension_mismatch", message);
}
