import type { DatabaseSync } from "node:sqlite";

/** One operation: takes a cloneable value, returns one. It runs inside the transaction of its batch and may throw. */
// biome-ignore lint/suspicious/noExplicitAny: the caller names the operation's own type; the table holds all of them
export type Operation = (args: any) => unknown;

export type Operations = Readonly<Record<string, Operation>>;

/**
 * A part of the store: its tables and what can be done with them. Modules are loaded by URL inside the storage threads, so that SQL
 * stays in the package whose state it keeps while one thread alone writes. Operation `append` of module `log` is called as `log.append`.
 */
export type StorageModule = {
  readonly name: string;
  /** `migrations[n]` brings the module's tables from version n to n + 1. Never edit one that was released; add one. */
  readonly migrations: readonly string[];
  readonly writes: (db: DatabaseSync) => Operations;
  readonly reads: (db: DatabaseSync) => Operations;
  /** Runs in the writer in a transaction of its own before the first operation, and (closing) after the last one of an end before which no write failed. */
  readonly opening?: (db: DatabaseSync) => void;
  readonly closing?: (db: DatabaseSync) => void;
};

/** One call as it travels to a storage thread. A group of calls is all or nothing. */
export type Call = { readonly op: string; readonly args: unknown };
