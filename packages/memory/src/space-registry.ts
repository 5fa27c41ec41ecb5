import { type Clock, MillraceError } from "@millrace/core";
import { type SpaceId, type StreamId, spaceStream, toSpaceId } from "@millrace/protocol";
import type { Call, Sequencer, Storage } from "@millrace/stream";
import { Embedder } from "./embedder.ts";
import type { ProviderSpec } from "./embedding/create-provider.ts";
import { SPACES_MAX } from "./limits.ts";
import type { MemoryReads, MemoryWrites, SpaceRow } from "./store/memory-module.ts";

/** Which embedding a space is made with; what is left out is the engine's default. */
export type EmbeddingChoice = { readonly provider: ProviderSpec["provider"]; readonly model?: string };

/** How the engine reaches each provider: URL, key, model directory. A space stores only provider and model. */
export type ProviderSettings = {
  readonly default: EmbeddingChoice;
  readonly resolve: (choice: EmbeddingChoice) => ProviderSpec;
};

/** A space that is open: its row and the embedder its vectors came from. */
export type OpenSpace = { readonly row: SpaceRow; readonly name: SpaceId; readonly embedder: Embedder };

/** What belongs to a space and is kept elsewhere: deleted exactly when the space is. */
export type RemovedWithSpace = { readonly streams?: readonly StreamId[]; readonly alongside?: readonly Call[] };

type RegistryOptions = {
  readonly storage: Storage;
  readonly sequencer: Sequencer;
  readonly providers: ProviderSettings;
  readonly clock: Clock;
};

/** Spaces by name, each pinned to one provider and model; embedders are shared between the spaces that use the same. */
export class SpaceRegistry implements AsyncDisposable {
  readonly #options: RegistryOptions;
  readonly #rows = new Map<string, SpaceRow>();
  readonly #making = new Map<string, Promise<SpaceRow>>();
  readonly #embedders = new Map<string, Promise<Embedder>>();
  /** Spaces whose vectors are being replaced: they take no observations. */
  readonly #held = new Set<string>();

  private constructor(options: RegistryOptions) {
    this.#options = options;
  }

  static async open(options: RegistryOptions): Promise<SpaceRegistry> {
    const registry = new SpaceRegistry(options);
    const rows = await options.storage.read<MemoryReads["spaces"]>("memory.spaces", null);
    for (const row of rows) registry.#rows.set(row.name, row);
    return registry;
  }

  rows(): SpaceRow[] {
    return [...this.#rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Embedders in use, for metrics. */
  async embedders(): Promise<Embedder[]> {
    const settled = await Promise.allSettled(this.#embedders.values());
    return [...new Set(settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])))];
  }

  has(name: SpaceId): boolean {
    return this.#rows.has(name);
  }

  /** `not_found` when there is no such space. */
  row(name: SpaceId): SpaceRow {
    const row = this.#rows.get(name);
    if (row) return row;
    throw new MillraceError("not_found", `no space is named ${name}; add a document to make it, or see GET /v1/spaces`);
  }

  async get(name: SpaceId): Promise<OpenSpace> {
    const row = this.row(name);
    return { row, name, embedder: await this.#embedderOf(row) };
  }

  /**
   * The space of that name, made if need be. `conflict` when it exists with another embedding than the one asked for: its vectors could
   * not be compared.
   */
  async ensure(name: SpaceId, choice?: EmbeddingChoice): Promise<{ space: OpenSpace; isNew: boolean }> {
    const isNew = !this.#rows.has(name);
    if (isNew) await this.#makeOnce(name, choice ?? this.#options.providers.default);
    const space = await this.get(name);
    const { provider, model } = space.row;
    if (choice && (choice.provider !== provider || (choice.model !== undefined && choice.model !== model))) {
      const asked = choice.model === undefined ? choice.provider : `${choice.provider}/${choice.model}`;
      throw new MillraceError(
        "conflict",
        `space ${name} holds vectors of ${provider}/${model}, not ${asked}; make another space for them, or embed this one anew: millrace reembed ${name}`,
      );
    }
    return { space, isNew };
  }

  /**
   * The space that observations go to. One that does not exist is made for vectors of `dims` dimensions; `not_found` when they are not
   * said.
   */
  async ensureForVectors(name: SpaceId, dims: number | undefined): Promise<SpaceRow> {
    if (this.#held.has(name)) {
      const message = `space ${name} is being embedded anew and takes no observations until that has ended; try again later`;
      throw new MillraceError("conflict", message, { retryable: true, retryAfterMs: 1_000 });
    }
    const row = this.#rows.get(name);
    if (row) return row;
    if (dims === undefined) {
      const message = `no space is named ${name}; say the dimensions of its vectors to make it, or make it with a model by POST /v1/spaces`;
      throw new MillraceError("not_found", message);
    }
    await this.#makeOnce(name, { provider: "none", model: String(dims) });
    return this.row(name);
  }

  /** The embedder of a choice, whatever spaces there are. Rejects as its provider does. */
  open(choice: EmbeddingChoice): Promise<Embedder> {
    return this.#embedderFor(choice);
  }

  /** The space as it is now, if it was given another model since it was got. */
  async renewed({ row, name }: OpenSpace): Promise<OpenSpace | undefined> {
    const now = this.#rows.get(name);
    return now?.id === row.id && now.vectorSet !== row.vectorSet ? this.get(name) : undefined;
  }

  /** Throws `conflict` when the space was given another model since it was got: its vectors would be of the old one. */
  checkCurrent({ id, name, vectorSet }: SpaceRow): void {
    const now = this.#rows.get(name);
    if (now?.id !== id || now.vectorSet === vectorSet) return;
    throw new MillraceError("conflict", `space ${name} was given another model meanwhile; do it again`, {
      retryable: true,
    });
  }

  /** Lets no observations into the space until `release`. */
  hold(name: SpaceId): void {
    this.#held.add(name);
  }

  release(name: SpaceId): void {
    this.#held.delete(name);
  }

  /** The row has changed in the store. Nothing happens when the space is gone. */
  replace(row: SpaceRow): void {
    if (this.#rows.get(row.name)?.id === row.id) this.#rows.set(row.name, row);
  }

  /** What `also` names goes in the same transaction. */
  async remove(name: SpaceId, also: RemovedWithSpace = {}): Promise<SpaceRow> {
    const row = this.row(name);
    const { streams = [], alongside = [] } = also;
    const remove: Call = { op: "memory.removeSpace", args: { space: row.id } };
    await this.#options.sequencer.remove([spaceStream(name), ...streams], [remove, ...alongside]);
    this.#rows.delete(name);
    return row;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const embedder of await this.embedders()) await embedder[Symbol.asyncDispose]();
  }

  async #makeOnce(name: SpaceId, choice: EmbeddingChoice): Promise<void> {
    const making = this.#making.get(name) ?? this.#make(toSpaceId(name), choice);
    this.#making.set(name, making);
    try {
      this.#rows.set(name, await making);
    } finally {
      this.#making.delete(name);
    }
  }

  async #make(name: SpaceId, choice: EmbeddingChoice): Promise<SpaceRow> {
    if (this.#rows.size >= SPACES_MAX) {
      throw new MillraceError("overloaded", `${SPACES_MAX} spaces exist, which is the limit; delete one first`, {
        retryable: false,
      });
    }
    const { provider, model, dims } = await this.#embedderFor(choice);
    const args = { name, provider, model, dims, createdMs: this.#options.clock.now() };
    return this.#options.storage.write<MemoryWrites["createSpace"]>("memory.createSpace", args);
  }

  async #embedderOf({ name, provider, model, dims }: SpaceRow): Promise<Embedder> {
    const embedder = await this.#embedderFor({ provider: provider as ProviderSpec["provider"], model });
    if (embedder.dims === dims && embedder.model === model) return embedder;
    const message = `space ${name} holds ${dims} numbers a vector of ${provider}/${model}; the provider now gives ${embedder.dims} of ${embedder.model}: configure the model it was made with, or embed it anew: millrace reembed ${name}`;
    throw new MillraceError("dimension_mismatch", message);
  }

  #embedderFor(choice: EmbeddingChoice): Promise<Embedder> {
    const key = `${choice.provider}/${choice.model ?? ""}`;
    const found = this.#embedders.get(key);
    if (found) return found;
    const opening = Embedder.open(this.#options.providers.resolve(choice), this.#options.clock);
    this.#embedders.set(key, opening);
    opening.catch(() => this.#embedders.delete(key));
    // A choice without a model and the same one named share an embedder.
    opening.then(({ model }) => this.#embedders.set(`${choice.provider}/${model}`, opening)).catch(() => {});
    return opening;
  }
}
