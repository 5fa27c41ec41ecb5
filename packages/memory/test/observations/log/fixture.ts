/** Small logs to try things on, in memory or in a temporary directory. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MillraceError } from "@millrace/core";
import { toParts } from "../../../src/observations/log/commit.ts";
import type { LogDisk } from "../../../src/observations/log/log-disk.ts";
import { LogReader } from "../../../src/observations/log/log-reader.ts";
import type { LogRecord, ObservationsRecord } from "../../../src/observations/log/log-record.ts";
import { type AppendOutcome, LogWriter, type WriterOptions } from "../../../src/observations/log/log-writer.ts";
import { positionAt } from "../../../src/observations/log/record-columns.ts";
import { type OpenedFiles, recoverLog } from "../../../src/observations/log/recover-log.ts";
import { type RecoveredLog, unpackLog } from "../../../src/observations/log/recovered-log.ts";

export const DIRECTORY = "/log";

export type ObservationsOptions = {
  readonly space?: number;
  readonly firstRow?: number;
  readonly count?: number;
  readonly dims?: number;
  readonly session?: string;
  readonly text?: string;
};

/** Observations whose bytes follow from their first row. */
export function observations(options: ObservationsOptions = {}): ObservationsRecord {
  const { space = 1, firstRow = 0, count = 3, dims = 5, session = "s", text = "" } = options;
  const vectors = new Uint8Array(count * dims * 4);
  for (let at = 0; at < vectors.length; at++) vectors[at] = (firstRow + space + at) * 31;
  const meta = new TextEncoder().encode(JSON.stringify([{ text: `row ${firstRow}${text}` }]));
  const encoding = "f32";
  const acceptedMs = 1_700_000_000_000 + firstRow;
  return {
    kind: "observations",
    space,
    firstRow,
    count,
    session,
    firstSeq: session ? firstRow + 1 : 0,
    lane: "normal",
    acceptedMs,
    encoding,
    dims,
    vectors,
    meta,
  };
}

export function removals(rows: readonly number[], space = 1): LogRecord {
  return { kind: "removals", space, rows: Uint32Array.from(rows), acceptedMs: 1_700_000_000_000 };
}

export type OpenedWriter = {
  readonly writer: LogWriter;
  readonly opened: OpenedFiles;
  readonly recovered: RecoveredLog;
};

/** Recovers what is there and makes a writer that goes on. */
export function openWriter(disk: LogDisk, options: Partial<WriterOptions> = {}): OpenedWriter {
  const { directory = DIRECTORY, mode = "direct" } = options;
  const opened = recoverLog({ disk, directory, mode });
  const { files, nextFile, packed } = opened;
  let salt = nextFile * 1_000;
  const rest = { fileBytesMax: 65_536, bytesMax: Number.POSITIVE_INFINITY, salt: () => ++salt, ...options };
  const writer = new LogWriter({ ...rest, disk, directory, mode, files, nextFile });
  return { writer, opened, recovered: unpackLog(packed) };
}

/** Appends all as one group, and says what became of each. */
export function appendGroup(
  writer: LogWriter,
  appends: readonly (readonly LogRecord[])[],
  epoch = 0,
): (AppendOutcome | undefined)[] {
  const outcomes: (AppendOutcome | undefined)[] = appends.map(() => undefined);
  const queue = appends.map((records, at) => ({
    epoch,
    records: records.map(toParts),
    done: (outcome: AppendOutcome) => {
      assert.equal(outcomes[at], undefined, "an append is settled once");
      outcomes[at] = outcome;
    },
  }));
  while (queue.length > 0) writer.commitNext(queue);
  return outcomes;
}

export function errorOf(outcome: AppendOutcome | undefined): MillraceError {
  assert.ok(outcome && "error" in outcome);
  return outcome.error;
}

/** The observations that a log holds, read and checked, in order of space and row. */
export function readAll(
  disk: LogDisk | undefined,
  recovered: RecoveredLog,
  directory = DIRECTORY,
): ObservationsRecord[] {
  using reader = disk ? LogReader.open(directory, disk) : LogReader.open(directory);
  return recovered.spaces.flatMap(({ positions }) =>
    Array.from(positions.kind, (_, at) => {
      const position = positionAt(positions, at);
      const record = reader.read(position);
      assert.ok(record.kind === "observations");
      assert.equal(record.firstRow, position.firstRow);
      assert.deepEqual(reader.readMeta(position), record.meta);
      return record;
    }),
  );
}

/** Compares records with those that were appended. */
export function assertRecords(found: readonly ObservationsRecord[], expected: readonly ObservationsRecord[]): void {
  const plain = (records: readonly ObservationsRecord[]) =>
    records.map(({ vectors, meta, ...rest }) => ({
      ...rest,
      vectors: Buffer.from(vectors).toString("hex"),
      meta: Buffer.from(meta).toString(),
    }));
  assert.deepEqual(plain(found), plain(expected));
}

/** Changes a byte. */
export function flip(bytes: Uint8Array, at: number, by = 1): void {
  assert.ok(at >= 0 && at < bytes.length && by !== 0);
  bytes[at] = (bytes[at] ?? 0) ^ by;
}

/** A directory that is removed at the end. */
export function temporaryDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "observation-log-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
