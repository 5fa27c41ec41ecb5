/**
 * Ways to make observations durable, by turns in one process: the log's direct writes, the same files buffered and synced, and SQLite
 * with a blob a batch. One batch is under way at a time; SQLite is called on the thread itself, the log on its own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createRng, Histogram } from "@millrace/core";
import { ObservationLog } from "@millrace/memory";
import { type BenchCase, defineCase, type Figure, type Measurement } from "../src/case.ts";

const DIMS = 768;
const VECTOR_BYTES = DIMS * 4;
const TURNS = 8;

type Append = (firstRow: number) => Promise<unknown> | unknown;

type Way = {
  readonly name: string;
  readonly append: Append;
  readonly times: Histogram;
  seconds: number;
  cpuMicros: number;
  batches: number;
};

type State = {
  readonly ways: readonly Way[];
  readonly directory: string;
  readonly close: () => Promise<void>;
};

function wayOf(name: string, append: Append): Way {
  return { name, append, times: new Histogram(), seconds: 0, cpuMicros: 0, batches: 0 };
}

/** Random bytes in shared memory, 8 batches of them. */
function makeVectors(count: number): Uint8Array {
  const vectors = new Uint8Array(new SharedArrayBuffer(8 * count * VECTOR_BYTES));
  const rng = createRng(3);
  for (let at = 0; at < vectors.length; at++) vectors[at] = rng() * 256;
  return vectors;
}

function appendTo(log: ObservationLog, vectors: Uint8Array, count: number): Append {
  const meta = new Uint8Array(new SharedArrayBuffer(0));
  const fixed = {
    kind: "observations",
    space: 1,
    session: "bench",
    lane: "normal",
    encoding: "f32",
    dims: DIMS,
  } as const;
  return (firstRow) => {
    const start = ((firstRow / count) % 8) * count * VECTOR_BYTES;
    const part = vectors.subarray(start, start + count * VECTOR_BYTES);
    const where = { firstRow, count, firstSeq: firstRow + 1, acceptedMs: 1_700_000_000_000 };
    return log.append([{ ...fixed, ...where, vectors: part, meta }]);
  };
}

function appendToSqlite(database: DatabaseSync, vectors: Uint8Array, count: number): Append {
  database.exec("pragma journal_mode = wal; pragma synchronous = full");
  database.exec("create table batches (space integer, first_row integer, meta blob, vectors blob)");
  const insert = database.prepare("insert into batches values (1, ?, null, ?)");
  return (firstRow) => {
    const start = ((firstRow / count) % 8) * count * VECTOR_BYTES;
    return insert.run(firstRow, Buffer.from(vectors.buffer, start, count * VECTOR_BYTES));
  };
}

async function open(count: number): Promise<State> {
  const directory = mkdtempSync(join(tmpdir(), "millrace-log-"));
  const vectors = makeVectors(count);
  const direct = await ObservationLog.open({ directory: join(directory, "direct") });
  const buffered = await ObservationLog.open({ directory: join(directory, "buffered"), mode: "buffered" });
  const database = new DatabaseSync(join(directory, "batches.db"));
  const ways = [
    wayOf("direct", appendTo(direct, vectors, count)),
    wayOf("buffered", appendTo(buffered, vectors, count)),
    wayOf("sqlite", appendToSqlite(database, vectors, count)),
  ];
  const close = async (): Promise<void> => {
    await direct.close();
    await buffered.close();
    database.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { ways, directory, close };
}

async function takeTurn(way: Way, batches: number, count: number): Promise<void> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  for (let nth = 0; nth < batches; nth++) {
    const before = performance.now();
    await way.append(way.batches++ * count);
    way.times.record((performance.now() - before) * 1_000);
  }
  way.seconds += (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  way.cpuMicros += user + system;
}

function figuresOf({ name, times, seconds, cpuMicros, batches }: Way, count: number): Measurement {
  return {
    [`${name}Rate`]: (batches * count * VECTOR_BYTES) / 1e6 / seconds,
    [`${name}P50`]: times.quantile(0.5) / 1_000,
    [`${name}P99`]: times.quantile(0.99) / 1_000,
    [`${name}Cpu`]: cpuMicros / (batches * count),
  };
}

function figuresFor(name: string): Readonly<Record<string, Figure>> {
  return {
    [`${name}Rate`]: { kind: name === "direct" ? "throughput" : "plain" },
    [`${name}P50`]: { kind: "plain", unit: "ms" },
    [`${name}P99`]: { kind: name === "direct" ? "latency" : "plain", unit: "ms" },
    [`${name}Cpu`]: { kind: "plain", unit: "µs of CPU an observation" },
  };
}

function logCase(count: number, batches: number): BenchCase {
  return defineCase({
    name: `observation-log/batch-${count}`,
    title: `batches of ${count} observations of 3 KB made durable, one after the other`,
    unit: "MB/s",
    isSelfWarming: true,
    figures: { ...figuresFor("direct"), ...figuresFor("buffered"), ...figuresFor("sqlite") },
    options: { count, batches, turns: TURNS, dims: DIMS },
    setup: () => open(count),
    run: async ({ ways }) => {
      for (const way of ways) await way.append(way.batches++ * count);
      for (let turn = 0; turn < TURNS; turn++) for (const way of ways) await takeTurn(way, batches, count);
      return Object.assign({}, ...ways.map((way) => figuresOf(way, count)));
    },
    teardown: ({ close }) => close(),
  });
}

export const cases: readonly BenchCase[] = [logCase(10, 100), logCase(100, 40), logCase(500, 24)];
