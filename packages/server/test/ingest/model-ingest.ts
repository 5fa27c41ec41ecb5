/** A model of the engine's side of ingest: numbers, credits, refusals and marks as the contract has them, everything kept in memory. */
import { MillraceError } from "@millrace/core";
import type { IngestSession, OpenSessionRequest, Watermarks } from "@millrace/memory";
import { type Lane, type ObservationBatch, type ObservationMeta, type SpaceId, vectorBytes } from "@millrace/protocol";
import type { EngineCapabilities, ObservationIngest } from "../../src/ingest/observation-ingest.ts";

type Mark = keyof Watermarks;
export type Taken = { readonly lane: Lane; readonly vector: readonly number[]; readonly meta: ObservationMeta | null };
type Waiter = {
  readonly mark: Mark;
  readonly seq: number;
  readonly resolve: () => void;
  readonly reject: (e: unknown) => void;
};

export const CAPABILITIES: EngineCapabilities = {
  encodings: ["f32", "f16", "i8"],
  lanes: ["high", "normal", "low"],
  dimsMax: 4_096,
  batchObservationsMax: 1_000,
  batchBytesMax: 20 * 1024 * 1024,
  metaBytesMax: 8 * 1024 * 1024,
  isDurable: true,
};

/** Refusals to come, one for each batch that is tried. */
type Refusal = { readonly code: "overloaded" | "rate_limited" | "invalid_argument"; readonly retryAfterMs?: number };

export class ModelIngest implements ObservationIngest {
  readonly spaces = new Map<string, number>();
  /** What each space was given, in order. */
  readonly taken = new Map<string, Taken[]>();
  readonly refusals: Refusal[] = [];
  /** Number of the last one taken of each session, what a restart would know. */
  readonly #numbers = new Map<string, number>();
  readonly #open = new Map<string, ModelSession>();
  #ids = 0;
  creditsMax = 10_000;
  /** When false, marks move only by `advance`. */
  isPrompt = true;
  submits = 0;
  embeds = 0;
  /** Refuses a batch for good that holds such a one. */
  isGuilty: (meta: ObservationMeta | null) => boolean = () => false;
  /** What an embedding waits for. */
  embedding: Promise<void> = Promise.resolve();

  get openCount(): number {
    return this.#open.size;
  }

  sessions(): ModelSession[] {
    return [...this.#open.values()];
  }

  async open(request: OpenSessionRequest): Promise<IngestSession> {
    const { space, dims } = request;
    const known = this.spaces.get(space) ?? dims;
    if (known === undefined) throw new MillraceError("not_found", `there is no space ${space}; say dims to make it`);
    if (dims !== undefined && dims !== known) {
      throw new MillraceError("dimension_mismatch", `space ${space} holds vectors of ${known} dimensions, not ${dims}`);
    }
    this.spaces.set(space, known);
    const id = request.session ?? `s${++this.#ids}`;
    const key = `${space}/${id}`;
    const before = this.#open.get(key);
    before?.end(new MillraceError("conflict", `session ${id} was opened again`));
    const session = new ModelSession(this, request, { id, dims: known, last: this.#numbers.get(key) ?? 0, before });
    this.#open.set(key, session);
    return session;
  }

  async remove(space: SpaceId, ids: readonly string[]): Promise<number> {
    const all = this.taken.get(space) ?? [];
    const left = all.filter(({ meta }) => meta?.id === undefined || !ids.includes(meta.id));
    this.taken.set(space, left);
    return all.length - left.length;
  }

  capabilities(): EngineCapabilities {
    return CAPABILITIES;
  }

  /** A text's numbers are its length and its first letters. */
  async embedTexts(space: SpaceId, texts: readonly string[]): Promise<Float32Array> {
    this.embeds += texts.length;
    await this.embedding;
    const dims = this.spaces.get(space) ?? 0;
    return Float32Array.from(texts.flatMap((text) => embed(text, dims)));
  }

  /** As after a power cut: only so many of the space are there. */
  crash(space: string, durable: number): void {
    for (const session of this.sessions()) {
      if (session.space !== space) continue;
      session.end(new MillraceError("unavailable", "the engine has crashed"));
      this.#open.delete(`${space}/${session.id}`);
      this.#numbers.set(`${space}/${session.id}`, durable);
    }
    this.taken.get(space)?.splice(durable);
  }

  /** Sessions of the space are remembered no more. */
  forget(space: string): void {
    this.crash(space, 0);
    for (const key of this.#numbers.keys()) if (key.startsWith(`${space}/`)) this.#numbers.delete(key);
  }

  closed(session: ModelSession): void {
    const key = `${session.space}/${session.id}`;
    if (this.#open.get(key) === session) this.#open.delete(key);
  }

  take(session: ModelSession, batch: ObservationBatch): void {
    this.submits++;
    check(batch, session);
    const firstSeq = batch.firstSeq === 0 ? session.nextSeq : batch.firstSeq;
    if (firstSeq > session.nextSeq)
      throw new MillraceError("sequence_gap", `${firstSeq} comes after ${session.nextSeq}`);
    const known = session.nextSeq - firstSeq;
    if (known >= batch.count) return;
    const refusal = this.refusals.shift();
    if (refusal) throw new MillraceError(refusal.code, `refused: ${refusal.code}`, refusal);
    const metas = metasOf(batch);
    if (metas.some((meta) => this.isGuilty(meta))) throw new MillraceError("invalid_argument", "refused for good");
    const fresh = batch.count - known;
    if (session.watermarks.accepted - session.watermarks.durable + fresh > session.credits) {
      throw new MillraceError("rate_limited", `more than ${session.credits} credits`, { retryAfterMs: 5 });
    }
    const all = this.taken.get(session.space) ?? [];
    this.taken.set(session.space, all);
    for (let at = known; at < batch.count; at++) {
      all.push({ lane: batch.lane, vector: numbersOf(batch, at), meta: metas[at] ?? null });
    }
    this.#numbers.set(`${session.space}/${session.id}`, session.nextSeq + fresh - 1);
    session.took(fresh);
  }
}

export class ModelSession implements IngestSession {
  readonly id: string;
  readonly space: SpaceId;
  readonly dims: number;
  readonly lane: Lane;
  credits: number;
  readonly #model: ModelIngest;
  readonly #request: OpenSessionRequest;
  #marks: { -readonly [M in Mark]: number };
  #waiters: Waiter[] = [];
  #ended: MillraceError | undefined;

  constructor(
    model: ModelIngest,
    request: OpenSessionRequest,
    about: { id: string; dims: number; last: number; before: ModelSession | undefined },
  ) {
    this.#model = model;
    this.#request = request;
    this.id = about.id;
    this.space = request.space;
    this.dims = about.dims;
    this.lane = request.lane ?? "normal";
    this.credits = Math.min(model.creditsMax, request.credits ?? model.creditsMax);
    const { last } = about;
    this.#marks = about.before
      ? about.before.watermarks
      : { accepted: last, durable: last, searchable: last, indexed: last };
  }

  get nextSeq(): number {
    return this.#marks.accepted + 1;
  }

  get watermarks(): { -readonly [M in Mark]: number } {
    return { ...this.#marks };
  }

  /** Those who wait for a mark. */
  get waiting(): number {
    return this.#waiters.length;
  }

  submit(batch: ObservationBatch): void {
    if (this.#ended) throw this.#ended;
    this.#model.take(this, batch);
  }

  took(count: number): void {
    this.#marks.accepted += count;
    this.#tell();
    if (this.#model.isPrompt) setImmediate(() => this.advance());
  }

  /** Brings what was accepted as far as that mark, and all marks before it. */
  advance(to: Mark = "indexed"): void {
    for (const mark of ["durable", "searchable", "indexed"] as const) {
      this.#marks[mark] = this.#marks.accepted;
      if (mark === to) break;
    }
    this.#tell();
  }

  flow(credits: number): void {
    this.credits = credits;
    this.#request.onFlow?.({ credits, state: credits === 0 ? "pause" : "resume" });
  }

  letter(seq: number): void {
    this.#request.onDeadLetter?.({ seq, code: "internal", message: `number ${seq} could not be indexed` });
  }

  reached(mark: Mark, signal?: AbortSignal): Promise<void> {
    const seq = this.#marks.accepted;
    if (this.#marks[mark] >= seq) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ mark, seq, resolve, reject });
      signal?.addEventListener("abort", () => reject(new MillraceError("cancelled", "nobody waits any more")), {
        once: true,
      });
    });
  }

  async close(): Promise<Watermarks> {
    this.#ended ??= new MillraceError("conflict", `session ${this.id} is closed`);
    await this.reached("searchable");
    this.#model.closed(this);
    return this.watermarks;
  }

  end(error: MillraceError): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  #tell(): void {
    const met = this.#waiters.filter(({ mark, seq }) => this.#marks[mark] >= seq);
    this.#waiters = this.#waiters.filter((one) => !met.includes(one));
    for (const { resolve } of met) resolve();
    this.#request.onProgress?.(this.watermarks);
  }
}

/** The numbers of one vector, whatever their form. */
export function numbersOf({ vectors, encoding, dims }: ObservationBatch, at: number): number[] {
  const size = vectorBytes(encoding, dims);
  const bytes = vectors.slice(at * size, (at + 1) * size);
  if (encoding === "f32") return [...new Float32Array(bytes.buffer, 0, dims)];
  if (encoding === "f16") return [...new Float16Array(bytes.buffer, 0, dims)];
  const scale = new Float32Array(bytes.buffer, 0, 1)[0] ?? 0;
  return [...new Int8Array(bytes.buffer, 4, dims)].map((code) => code * scale);
}

export function embed(text: string, dims: number): number[] {
  return Array.from({ length: dims }, (_, at) => (at === 0 ? text.length : text.charCodeAt(at - 1) || 0));
}

function metasOf(batch: ObservationBatch): (ObservationMeta | null)[] {
  if (batch.meta.byteLength === 0) return [];
  return JSON.parse(new TextDecoder().decode(batch.meta)) as (ObservationMeta | null)[];
}

function check(batch: ObservationBatch, session: ModelSession): void {
  const { count, dims, meta, lane } = batch;
  if (count < 1 || count > CAPABILITIES.batchObservationsMax)
    throw new MillraceError("too_large", `${count} observations`);
  if (dims !== session.dims) throw new MillraceError("dimension_mismatch", `${dims} dimensions, not ${session.dims}`);
  if (lane !== session.lane) throw new MillraceError("invalid_argument", `lane ${lane}, not ${session.lane}`);
  for (let at = 0; at < count; at++) {
    if (!numbersOf(batch, at).every(Number.isFinite))
      throw new MillraceError("invalid_argument", `vector ${at} is not finite`);
  }
  if (meta.byteLength === 0) return;
  let metas: unknown;
  try {
    metas = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(meta));
  } catch (cause) {
    throw new MillraceError("invalid_argument", "the JSON of the batch cannot be parsed", { cause });
  }
  if (!Array.isArray(metas) || metas.length !== count)
    throw new MillraceError("invalid_argument", "one entry for each");
}
