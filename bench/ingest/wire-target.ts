/**
 * A server that is a process of its own, through the client: the producer's process does what a program that uses Millrace does. What the
 * server refuses the client sends again; a refusal here is a client that holds all it may.
 */
import { type Client, createClient, type ObservationWriter } from "@millrace/client";
import { MillraceError } from "@millrace/core";
import type { ObservationBatch } from "@millrace/protocol";
import { cpuMicrosOf, rssBytesOf } from "../load/process-meter.ts";
import { type SpawnedServer, spawnServer } from "../load/spawn-server.ts";
import type { TargetOptions } from "./engine-target.ts";
import { CREDITS, WIRE_LOOK_MS, WIRE_QUEUE_OBSERVATIONS } from "./limits.ts";
import type { IngestTarget, Marks, TargetEvents, TargetSession } from "./target.ts";

/** A server with its data in a directory of its own. `invalid_argument` for what only an engine in the process can be given. */
export async function openWireTarget(options: TargetOptions): Promise<IngestTarget> {
  const { workers, laneCapacity, isGraphForced, profile } = options;
  if (workers !== undefined || laneCapacity !== undefined || isGraphForced) {
    const message =
      "--workers, --lane-capacity and --graph are for an engine in the process; leave them out with --wire";
    throw new MillraceError("invalid_argument", message);
  }
  const serveArgs = profile === undefined ? [] : ["--profile", profile];
  return new WireTarget(await spawnServer({ target: "millrace", serveArgs }), options);
}

class WireTarget implements IngestTarget {
  readonly #server: SpawnedServer;
  readonly #client: Client;
  readonly #options: TargetOptions;

  constructor(server: SpawnedServer, options: TargetOptions) {
    this.#server = server;
    this.#client = createClient({ url: server.url });
    this.#options = options;
  }

  async open(space: string, events: TargetEvents): Promise<TargetSession> {
    const { lane, encoding, dims } = this.#options;
    // The writer would make it with its first batch, after the first recalls.
    await this.#client.spaces.create({ name: space, embedding: { provider: "none", model: String(dims) } });
    const writer = await this.#client.space(space).observer({
      ...{ lane, encoding, credits: CREDITS, batchMs: 0, queueObservations: WIRE_QUEUE_OBSERVATIONS },
      onDeadLetter: () => events.onDeadLetter(),
    });
    return new WireSession(writer, { dims, events });
  }

  async recall(space: string, query: Float32Array, k: number): Promise<ArrayLike<number>> {
    const request = { vector: [...query], k, kinds: ["observation" as const] };
    const { results } = await this.#client.space(space).recall(request);
    return results.flatMap(({ observation }) => (observation ? [observation.row] : []));
  }

  removeSpace(space: string): Promise<void> {
    return this.#client.spaces.delete(space);
  }

  rssBytes(): number {
    return rssBytesOf(this.#server.pid, "now") ?? 0;
  }

  cpuMicros(): number {
    return cpuMicrosOf(this.#server.pid) ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.#server[Symbol.asyncDispose]();
  }
}

type SessionParts = { readonly dims: number; readonly events: TargetEvents };

/** Marks are looked at every millisecond, which is how exact latencies are here. */
class WireSession implements TargetSession {
  readonly #writer: ObservationWriter;
  readonly #parts: SessionParts;
  readonly #timer: NodeJS.Timeout;
  #taken = 0;
  #told = 0;

  constructor(writer: ObservationWriter, parts: SessionParts) {
    this.#writer = writer;
    this.#parts = parts;
    this.#timer = setInterval(() => this.#look(), WIRE_LOOK_MS);
  }

  get nextSeq(): number {
    return this.#taken + 1;
  }

  get watermarks(): Marks {
    return this.#writer.watermarks;
  }

  submit({ count, vectors }: ObservationBatch): void {
    const { dims } = this.#parts;
    if (this.#writer.pending + count > WIRE_QUEUE_OBSERVATIONS) {
      throw new MillraceError("overloaded", `the client holds ${this.#writer.pending} observations`);
    }
    const floats = new Float32Array(vectors.buffer, vectors.byteOffset, count * dims);
    const observations = Array.from({ length: count }, (_, at) => ({
      vector: floats.subarray(at * dims, (at + 1) * dims),
    }));
    // What fails is not indexed, and so shows in the account.
    this.#writer.observe(observations, { mark: "indexed" }).catch(() => {});
    this.#taken += count;
  }

  async indexed(): Promise<void> {
    await this.#writer.flush();
    this.#look();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writer.close();
  }

  #look(): void {
    const { durable, searchable, indexed } = this.#writer.watermarks;
    if (durable + searchable + indexed === this.#told) return;
    this.#told = durable + searchable + indexed;
    this.#parts.events.onProgress(this.#writer.watermarks);
  }
}
