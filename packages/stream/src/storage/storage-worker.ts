/**
 * A storage thread. As `writer` it is the only writer of SQLite: it takes every call that has arrived, runs them in one
 * transaction and answers after the commit (group commit). As `reader` it answers queries from committed state beside it.
 */
import type { DatabaseSync } from "node:sqlite";
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { assert, type ErrorBody, MillraceError, toErrorBody } from "@millrace/core";
import { COMMIT_CALLS_MAX } from "../limits.ts";
import { type CommitFigures, CommitMeter, timeSync } from "./commit-meter.ts";
import { lockDirectory, openReader, openWriter } from "./migrate.ts";
import { toStorageError } from "./storage-error.ts";
import type { Call, Operation, StorageModule } from "./storage-module.ts";

export type StorageWorkerData = {
  readonly role: "writer" | "reader";
  readonly directory: string;
  readonly modules: readonly string[];
  readonly bytesMax: number | undefined;
};

/** A group of calls that succeed or fail together. */
export type Group = { readonly id: number; readonly calls: readonly Call[] };
export type StorageRequest = { readonly groups: readonly Group[] } | { readonly close: true };
export type GroupResult =
  | { readonly id: number; readonly values: readonly unknown[] }
  | { readonly id: number; readonly error: ErrorBody };
export type StorageReply =
  | { readonly ready: true }
  | { readonly failed: ErrorBody }
  | ({ readonly results: readonly GroupResult[] } & CommitFigures);

assert(parentPort, "storage-worker runs as a worker thread");
const port: MessagePort = parentPort;

async function start(): Promise<void> {
  const { role, directory, modules: urls, bytesMax } = workerData as StorageWorkerData;
  const modules = await Promise.all(
    urls.map(async (url) => ((await import(url)) as { storageModule: StorageModule }).storageModule),
  );
  const lock = role === "writer" ? lockDirectory(directory) : undefined;
  const db = role === "writer" ? openWriter(directory, modules, bytesMax) : openReader(directory);
  if (role === "writer") for (const { opening } of modules) if (opening) inTransaction(db, opening);
  const operations = new Map<string, Operation>();
  for (const module of modules) {
    const table = role === "writer" ? module.writes(db) : module.reads(db);
    for (const [name, operation] of Object.entries(table)) operations.set(`${module.name}.${name}`, operation);
  }
  const runBatch = role === "writer" ? commitBatch : readBatch;
  const meter = new CommitMeter(db);
  port.on("message", (first: StorageRequest) => {
    const { groups, close } = takeArrived(first);
    if (groups.length > 0) {
      meter.begin();
      const results = runBatch(db, operations, groups);
      port.postMessage({ results, ...meter.end() } satisfies StorageReply);
    }
    if (!close) return;
    if (role === "writer" && !hasFailed) for (const { closing } of modules) if (closing) tryInTransaction(db, closing);
    db.close();
    lock?.[Symbol.dispose]();
    port.close();
  });
  port.postMessage({ ready: true } satisfies StorageReply);
}

/** Whether writes failed: what was seen of them may be lost, so that the end is not clean whatever comes after. */
let hasFailed = false;

function inTransaction(db: DatabaseSync, run: (db: DatabaseSync) => void): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    run(db);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** What cannot be written at the end (a full disk) leaves the store as an unclean end does, which the next start mends. */
function tryInTransaction(db: DatabaseSync, run: (db: DatabaseSync) => void): void {
  try {
    inTransaction(db, run);
  } catch {}
}

/** Everything that has arrived by now, up to COMMIT_CALLS_MAX groups beyond the first message: what waited while the last commit ran. */
function takeArrived(first: StorageRequest): { groups: Group[]; close: boolean } {
  const groups: Group[] = [];
  let request: StorageRequest | undefined = first;
  while (request) {
    if ("close" in request) return { groups, close: true };
    groups.push(...request.groups);
    if (groups.length >= COMMIT_CALLS_MAX) break;
    request = receiveMessageOnPort(port)?.message as StorageRequest | undefined;
  }
  return { groups, close: false };
}

function commitBatch(db: DatabaseSync, operations: Map<string, Operation>, groups: readonly Group[]): GroupResult[] {
  try {
    db.exec("BEGIN IMMEDIATE");
    const results = groups.map((group) => runGroup(db, operations, group));
    // SQLite itself rolls the whole transaction back on some errors (disk full, I/O): then nothing of this batch was kept.
    if (!db.isTransaction) throw new MillraceError("storage_failed", "the transaction was rolled back");
    timeSync(() => db.exec("COMMIT"));
    return results;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    hasFailed = true;
    const body = toErrorBody(toStorageError(error));
    return groups.map(({ id }) => ({ id, error: body }));
  }
}

function runGroup(db: DatabaseSync, operations: Map<string, Operation>, { id, calls }: Group): GroupResult {
  db.exec("SAVEPOINT call");
  try {
    const values = calls.map(({ op, args }) => operationOf(operations, op)(args));
    db.exec("RELEASE call");
    return { id, values };
  } catch (error) {
    const failure = toStorageError(error);
    if (!db.isTransaction) throw failure;
    db.exec("ROLLBACK TO call; RELEASE call");
    hasFailed = true;
    return { id, error: toErrorBody(failure) };
  }
}

/** Reads of one group see one state of the store: an entity page and the head it belongs to are never of two commits (I8). */
function readBatch(db: DatabaseSync, operations: Map<string, Operation>, groups: readonly Group[]): GroupResult[] {
  return groups.map(({ id, calls }) => {
    db.exec("BEGIN");
    try {
      return { id, values: calls.map(({ op, args }) => operationOf(operations, op)(args)) };
    } catch (error) {
      return { id, error: toErrorBody(toStorageError(error)) };
    } finally {
      db.exec("COMMIT");
    }
  });
}

function operationOf(operations: Map<string, Operation>, name: string): Operation {
  const operation = operations.get(name);
  assert(operation, `no storage operation is named ${name}`);
  return operation;
}

start().catch((error: unknown) => {
  port.postMessage({ failed: toErrorBody(toStorageError(error)) } satisfies StorageReply);
  port.close();
});
