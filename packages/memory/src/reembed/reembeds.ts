import { createIdFactory, MillraceError, toErrorBody } from "@millrace/core";
import { type Reembed, type SpaceId, spaceStream } from "@millrace/protocol";
import type { EmbeddingChoice, SpaceRegistry } from "../space-registry.ts";
import type { MemoryReads, MemoryWrites, SpaceRow } from "../store/memory-module.ts";
import { REEMBEDS_MAX } from "./limits.ts";
import { ReembedRun, type RunOptions, type RunParts } from "./reembed-run.ts";

export type ReembedsOptions = RunParts & {
  readonly registry: SpaceRegistry;
  /** Throws when the space holds what cannot be embedded anew. */
  readonly check: (row: SpaceRow) => void;
  /** The space answers from other vectors. */
  readonly onAdopted: (row: SpaceRow) => Promise<void>;
};

/** A run with what it is shown as. */
type Running = {
  readonly run: ReembedRun;
  readonly id: string;
  readonly set: number;
  readonly space: number;
  readonly from: Reembed["from"];
  readonly to: Reembed["to"];
  readonly ended: Promise<void>;
};

/** Why a run was stopped; the `reason` of its last frame. */
type StopReason = "cancelled" | "restart";

/** Spaces being given another model: at most one run in a space, REEMBEDS_MAX in all. What a crash left of them is taken out at a start. */
export class Reembeds implements AsyncDisposable {
  readonly #options: ReembedsOptions;
  readonly #newId: () => string;
  readonly #starting = new Set<SpaceId>();
  /** Begun, and on their way to the disk. */
  readonly #launching = new Set<Promise<Reembed>>();
  readonly #running = new Map<SpaceId, Running>();
  /** The last run that ended in each space, since the engine started. */
  readonly #ended = new Map<SpaceId, Reembed>();
  #sweeping: Promise<void> | undefined;
  #isClosing = false;

  constructor(options: ReembedsOptions) {
    this.#options = options;
    this.#newId = createIdFactory(options.clock);
  }

  /** Ends what the last process left half-made; on a full disk it is left to the next start. Call it once, before any other. */
  async recover(): Promise<void> {
    const left = await this.#options.storage.read<MemoryReads["unfinishedSets"]>("memory.unfinishedSets", null);
    for (const { set, space, name, run } of left) {
      await this.#giveUp({ name: name as SpaceId, space, set, id: run }, "interrupted", { reason: "restart" });
    }
    this.#sweepSoon();
  }

  /**
   * Begins to embed a space with another model; settles once that is durable, or with state `unchanged` when it has that model. Asked again
   * for the same model it gives the run under way. `not_found`, `invalid_argument`, `conflict` (another run, or observations in the space),
   * `overloaded`, and as the provider does when it cannot be opened.
   */
  async start(name: SpaceId, choice: EmbeddingChoice): Promise<Reembed> {
    const { registry } = this.#options;
    const row = registry.row(name);
    const running = this.#running.get(name);
    if (running && isOf(choice, running.to)) return this.#show(name, running);
    this.#checkStart(name, choice, running);
    this.#starting.add(name);
    registry.hold(name);
    try {
      return await this.#begin(name, row, choice);
    } finally {
      this.#starting.delete(name);
      if (!this.#running.has(name)) registry.release(name);
    }
  }

  /** The run under way, else the last one since the engine started; `not_found` when there is none. */
  state(name: SpaceId): Reembed {
    this.#options.registry.row(name);
    const running = this.#running.get(name);
    const state = running ? this.#show(name, running) : this.#ended.get(name);
    if (state) return state;
    throw new MillraceError("not_found", `space ${name} was not embedded anew since the engine started`);
  }

  /** Settles when the run in the space has ended, or when `signal` aborts. */
  async ended(name: SpaceId, signal: AbortSignal): Promise<void> {
    const running = this.#running.get(name);
    if (!running || signal.aborted) return;
    let leave = () => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
      signal.addEventListener("abort", leave, { once: true });
    });
    await Promise.race([running.ended, left]).finally(() => signal.removeEventListener("abort", leave));
  }

  /** Stops the run in the space and settles when it has ended: the space is as it was, unless the run was done first. `conflict` when none runs. */
  async cancel(name: SpaceId): Promise<Reembed> {
    this.#options.registry.row(name);
    const running = this.#running.get(name);
    if (!running)
      throw new MillraceError("conflict", `space ${name} is not being embedded anew; there is nothing to cancel`);
    await this.#stop(running, "cancelled");
    return this.state(name);
  }

  /** Chunks were put in the space. */
  entered(name: SpaceId, chunks: readonly number[]): void {
    this.#running.get(name)?.run.entered(chunks);
  }

  /** The space is to be deleted: its run ends first. */
  async leave(name: SpaceId): Promise<void> {
    const running = this.#running.get(name);
    if (running) await this.#stop(running, "cancelled");
    this.#ended.delete(name);
  }

  /** Stops every run; what they made is taken out at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await Promise.allSettled(this.#launching);
    await Promise.all([...this.#running.values()].map((running) => this.#stop(running, "restart")));
    await this.#sweeping;
  }

  #checkStart(name: SpaceId, { provider }: EmbeddingChoice, running: Running | undefined): void {
    if (this.#isClosing) throw closing();
    if (provider === "none") {
      const message = `none is no model: space ${name} can be embedded anew with static, openai or transformers`;
      throw new MillraceError("invalid_argument", message);
    }
    if (running || this.#starting.has(name)) {
      const other = running ? ` with ${running.to.provider}/${running.to.model}` : "";
      const message = `space ${name} is being embedded anew${other}; wait for its end, or cancel it`;
      throw new MillraceError("conflict", message, { retryable: true, retryAfterMs: 1_000 });
    }
    if (this.#running.size + this.#starting.size < REEMBEDS_MAX) return;
    const message = `${REEMBEDS_MAX} spaces are being embedded anew, which is the limit; try again when one has ended`;
    throw new MillraceError("overloaded", message, { retryAfterMs: 5_000 });
  }

  async #begin(name: SpaceId, row: SpaceRow, choice: EmbeddingChoice): Promise<Reembed> {
    const { registry, storage, clock } = this.#options;
    const embedder = await registry.open(choice);
    const [from, to] = [contentOf(row), contentOf(embedder)];
    const id = this.#newId();
    const args = { space: row.id, stream: spaceStream(name) };
    const { chunks } = await storage.read<MemoryReads["counts"]>("memory.counts", args);
    if (from.provider === to.provider && from.model === to.model && from.dims === to.dims) {
      const counts = { total: chunks, embedded: 0, startedMs: clock.now(), elapsedMs: 0 };
      return { space: name, run: id, state: "unchanged", from, to, ...counts };
    }
    this.#options.check(row);
    if (this.#isClosing) throw closing();
    const launching = this.#launch({ id, name, row, embedder, chunks });
    this.#launching.add(launching);
    return launching.finally(() => this.#launching.delete(launching));
  }

  async #launch({ id, name, row, embedder, chunks }: Launch): Promise<Reembed> {
    const { registry, sequencer } = this.#options;
    const stream = spaceStream(name);
    const [from, to] = [contentOf(row), contentOf(embedder)];
    const event = { type: "memory.reembed.started", id, data: { from, to, chunks } };
    const begin = { op: "memory.beginSet", args: { space: row.id, run: id, ...to, stream } };
    const { values } = await sequencer.append(stream, [event], { alongside: [begin] });
    const set = values[0] as number;
    const onAdopted = async (adopted: SpaceRow) => {
      registry.replace(adopted);
      await this.#options.onAdopted(adopted);
    };
    const run = new ReembedRun(this.#options, { run: id, name, row, embedder, set, total: chunks, onAdopted });
    // A document that was put while the run was on its way to the disk is in the store by now, where the run finds it.
    const ended = Promise.resolve().then(() => this.#work(name, row));
    const running = { run, id, set, space: row.id, from, to, ended };
    this.#running.set(name, running);
    return this.#show(name, running);
  }

  async #work(name: SpaceId, before: SpaceRow): Promise<void> {
    const { registry, vectors } = this.#options;
    const running = this.#running.get(name) as Running;
    const { run, set, space } = running;
    const done = () => ({ state: "done" as const });
    const end = await run.work().then(done, (error: unknown) => this.#failed(name, running, error));
    // Who asks the old vectors by now is refused, and asks again.
    await vectors.drop(space, end.state === "done" ? before.vectorSet : set).catch(() => {});
    this.#ended.set(name, { ...this.#show(name, running), ...end });
    this.#running.delete(name);
    registry.release(name);
    if (!registry.has(name)) this.#ended.delete(name);
    this.#sweepSoon();
  }

  async #failed(name: SpaceId, running: Running, error: unknown): Promise<Pick<Reembed, "state" | "error">> {
    const { signal } = running.run.abort;
    const reason = signal.aborted ? (signal.reason as Stopped).reason : undefined;
    if (reason) {
      await this.#giveUp({ name, ...running }, "interrupted", { reason });
      return { state: "cancelled" };
    }
    const body = toErrorBody(error);
    await this.#giveUp({ name, ...running }, "failed", { error: body });
    return { state: "failed", error: body };
  }

  /** Says so in the stream and marks the vectors as unused. What cannot be written now is found at the next start. */
  async #giveUp(
    { name, space, set, id }: Pick<Running, "space" | "set" | "id"> & { readonly name: SpaceId },
    what: "failed" | "interrupted",
    data: object,
  ): Promise<void> {
    const stream = spaceStream(name);
    const alongside = [{ op: "memory.giveUpSet", args: { space, set, stream } }];
    const event = { type: `memory.reembed.${what}`, id, data };
    await this.#options.sequencer.append(stream, [event], { alongside }).catch(() => {});
  }

  async #stop({ run, ended }: Running, reason: StopReason): Promise<void> {
    run.abort.abort(stopped(reason));
    await ended;
  }

  #show(space: SpaceId, { run, id, from, to }: Running): Reembed {
    const { startedMs, embedded, total } = run;
    const elapsedMs = Math.max(0, this.#options.clock.now() - startedMs);
    return { space, run: id, state: "running", from, to, total, embedded, startedMs, elapsedMs };
  }

  /** Takes unused vectors out, a commit at a time; what a failure leaves goes with the next sweep. */
  #sweepSoon(): void {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
  }

  async #sweep(): Promise<void> {
    let isMore = true;
    while (isMore && !this.#isClosing) {
      isMore = await this.#options.storage
        .write<MemoryWrites["sweepVectors"]>("memory.sweepVectors", null)
        .catch(() => false);
    }
  }
}

type Launch = Pick<RunOptions, "name" | "row" | "embedder"> & { readonly id: string; readonly chunks: number };

function closing(): MillraceError {
  return new MillraceError("unavailable", "the engine is closing", { retryAfterMs: 1_000 });
}

type Stopped = MillraceError & { readonly reason: StopReason };

function stopped(reason: StopReason): Stopped {
  const message = reason === "restart" ? "the engine is closing" : "embedding the space anew was cancelled";
  return Object.assign(new MillraceError("cancelled", message), { reason });
}

function isOf({ provider, model }: EmbeddingChoice, to: Reembed["to"]): boolean {
  return provider === to.provider && (model === undefined || model === to.model);
}

function contentOf({ provider, model, dims }: Reembed["to"]): Reembed["to"] {
  return { provider, model, dims };
}
