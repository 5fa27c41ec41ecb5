import type {
  ConceptPage,
  ConsolidateRequest,
  Consolidation,
  CreateSpace,
  Job,
  RecallRequest,
  RecallResponse,
  Reembed,
  ReembedRequest,
  Source,
  Space,
  StoredDocument,
} from "@millrace/protocol";
import type { ClientContext } from "./client.ts";
import { REEMBED_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from "./limits.ts";
import type { Observation } from "./observe/encode-observations.ts";
import type { ObservationWriter, ObserverOptions } from "./observe/observation-writer.ts";
import type { ObserveOptions } from "./observe/space-writers.ts";
import type { PageOptions } from "./stream.ts";
import { type UploadEvent, type UploadFile, type UploadOptions, upload } from "./upload.ts";

type Signal = { readonly signal?: AbortSignal | undefined };
export type AddOptions = Signal & {
  /** Wait up to this long (at most 60,000) for the job to end; default 0, do not wait. */
  readonly waitMs?: number;
};
export type DocumentPage = { readonly documents: StoredDocument[]; readonly next?: string };

/** One space, by name; it need not exist before something is added. */
export class SpaceHandle {
  readonly space: string;
  readonly #context: ClientContext;
  readonly #path: string;

  constructor(context: ClientContext, space: string) {
    this.space = space;
    this.#context = context;
    this.#path = `/v1/spaces/${encodeURIComponent(space)}`;
  }

  /** Finds passages: by meaning and by words (`hybrid`, the default), or by one of them. */
  recall(request: string | RecallRequest, { signal }: Signal = {}): Promise<RecallResponse> {
    const json: RecallRequest = typeof request === "string" ? { query: request } : request;
    return this.#context.http.call("POST", `${this.#path}/recall`, { json, signal });
  }

  /** Adds 1 to 10,000 pages and texts as one job. */
  add(sources: readonly Source[], { signal, waitMs }: AddOptions = {}): Promise<Job> {
    const timeoutMs = REQUEST_TIMEOUT_MS + (waitMs ?? 0);
    const call = { json: { sources }, query: { waitMs }, signal, timeoutMs };
    return this.#context.http.call("POST", `${this.#path}/documents`, call);
  }

  /**
   * Adds many files: announces a job, sends their bytes a few at a time, and sends one again while the engine says to try later.
   * Yields each job as it is announced, then each file as it is durable or given up. A file that cannot be read or is refused fails
   * alone. Nothing is sent before the first `next()`. More than 10,000 files become several jobs.
   */
  upload(
    files: Iterable<UploadFile> | AsyncIterable<UploadFile>,
    options: UploadOptions = {},
  ): AsyncIterable<UploadEvent> {
    return upload(this.#context, this.space, files, options);
  }

  /**
   * Remembers what was observed: vectors, or texts that the engine embeds. Resolves when all of it is durable, or has come as far as `mark`
   * says. Calls to one space and lane share a connection, batches and their order. For control over those, and for backpressure, make an
   * `observer`. Nothing is loaded or connected before the first call.
   */
  async observe(observations: readonly Observation[], options: ObserveOptions = {}): Promise<void> {
    const { observe } = await import("./observe/space-writers.ts");
    return observe(this.#context, this.space, observations, options);
  }

  /** A writer of observations with its own connection, order and bounds. Close it. */
  async observer(options: ObserverOptions = {}): Promise<ObservationWriter> {
    const { createObserver } = await import("./observe/space-writers.ts");
    return createObserver(this.#context, this.space, options);
  }

  /** Forgets one observation, by the id it was given. */
  removeObservation(id: string, { signal }: Signal = {}): Promise<void> {
    return this.#context.http.call("DELETE", `${this.#path}/observations/${encodeURIComponent(id)}`, { signal });
  }

  /**
   * Looks for observations that say the same or are of one kind; what is found is in `concepts`. Resolves with the run when it has begun, or
   * has ended within `waitMs` (at most 60,000). `conflict` when one is under way.
   */
  consolidate(request: ConsolidateRequest = {}, { signal, waitMs }: AddOptions = {}): Promise<Consolidation> {
    const call = { json: request, query: { waitMs }, signal, timeoutMs: REQUEST_TIMEOUT_MS + (waitMs ?? 0) };
    return this.#context.http.call("POST", `${this.#path}/consolidate`, call);
  }

  /** The consolidation under way, once it has ended or after `waitMs`; else the last one. `not_found` when there was none. */
  consolidation({ signal, waitMs }: AddOptions = {}): Promise<Consolidation> {
    const call = { query: { waitMs }, signal, timeoutMs: REQUEST_TIMEOUT_MS + (waitMs ?? 0) };
    return this.#context.http.call("GET", `${this.#path}/consolidation`, call);
  }

  /** One page of what consolidation found: duplicates, then patterns. */
  concepts({ after, limit, signal }: PageOptions = {}): Promise<ConceptPage> {
    return this.#context.http.call("GET", `${this.#path}/concepts`, { query: { after, limit }, signal });
  }

  /**
   * Begins to embed the space's documents with another model; resolves with the run, or with state `unchanged`. Until it is done the space
   * answers by its old model; its progress is in `reembedding` and in the space's stream.
   */
  reembed(embedding: ReembedRequest["embedding"], { signal }: Signal = {}): Promise<Reembed> {
    const call = { json: { embedding }, signal, timeoutMs: REEMBED_TIMEOUT_MS };
    return this.#context.http.call("POST", `${this.#path}/reembed`, call);
  }

  /** The run under way, once it has ended or after `waitMs`; else the last one. `not_found` when there was none since the engine started. */
  reembedding({ signal, waitMs }: AddOptions = {}): Promise<Reembed> {
    const call = { query: { waitMs }, signal, timeoutMs: REQUEST_TIMEOUT_MS + (waitMs ?? 0) };
    return this.#context.http.call("GET", `${this.#path}/reembed`, call);
  }

  /** Ends the run; the space stays as it was. `conflict` when none is under way. */
  cancelReembed({ signal }: Signal = {}): Promise<Reembed> {
    return this.#context.http.call("DELETE", `${this.#path}/reembed`, { signal });
  }

  /** One page, ordered by source. */
  documents({ after, limit, signal }: PageOptions = {}): Promise<DocumentPage> {
    return this.#context.http.call("GET", `${this.#path}/documents`, { query: { after, limit }, signal });
  }

  /** One document with its `text`. */
  document(id: string, { signal }: Signal = {}): Promise<StoredDocument> {
    return this.#context.http.call("GET", `${this.#path}/documents/${encodeURIComponent(id)}`, { signal });
  }

  /** Forgets one document. */
  removeDocument(id: string, { signal }: Signal = {}): Promise<void> {
    return this.#context.http.call("DELETE", `${this.#path}/documents/${encodeURIComponent(id)}`, { signal });
  }
}

export type SpacesApi = {
  list(options?: Signal): Promise<Space[]>;
  /** Makes the space, or gives the one that is there with the same embedding. */
  create(space: CreateSpace, options?: Signal): Promise<Space>;
  get(name: string, options?: Signal): Promise<Space>;
  /** The space with its documents, index and streams is gone. */
  delete(name: string, options?: Signal): Promise<void>;
};

export function spacesApi({ http }: ClientContext): SpacesApi {
  const path = (name: string) => `/v1/spaces/${encodeURIComponent(name)}`;
  return {
    async list({ signal } = {}) {
      return (await http.call<{ spaces: Space[] }>("GET", "/v1/spaces", { signal })).spaces;
    },
    create: (json, { signal } = {}) => http.call("POST", "/v1/spaces", { json, signal }),
    get: (name, { signal } = {}) => http.call("GET", path(name), { signal }),
    delete: (name, { signal } = {}) => http.call("DELETE", path(name), { signal }),
  };
}
