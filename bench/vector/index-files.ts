/** Reads the raw files of `bench index`: numbers of four bytes, little-endian, row after row. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";
import { basename } from "node:path";
import { assert, MillraceError } from "@millrace/core";
import type { IndexRunOptions } from "./index-options.ts";
import { rowsIn, TRUTH_IDS, type VectorSet } from "./measure/vector-set.ts";

/** Bytes of one file: 2.7 million rows of 768 dimensions; the vectors are held in memory beside their index. */
const FILE_BYTES_MAX = 8 * 1024 ** 3;
/** Bytes of one read: a read of 2 GiB or more fails on Linux. */
const READ_BYTES = 64 * 1024 * 1024;

/**
 * The vectors in memory that threads share. Throws `not_found` for a file that is not there, `too_large` above 8 GiB, and
 * `invalid_argument` when sizes or ids do not fit together.
 */
export function readVectorFiles(options: IndexRunOptions): VectorSet {
  assert(endianness() === "LE", "the files are little-endian and so must the machine be");
  const { dims, metric, basePath } = options;
  const row = { bytes: dims * 4, meaning: `${dims} f32 numbers (--dims ${dims})` };
  const base = new Float32Array(readRows("base", basePath, row));
  const query = new Float32Array(readRows("query", options.queryPath, row));
  const ids = { bytes: TRUTH_IDS * 4, meaning: `${TRUTH_IDS} i32 ids` };
  const truth = new Int32Array(readRows("truth", options.truthPath, ids));
  const set = { name: basename(basePath), dims, metric, base, query, truth };
  checkTruth(set, options.truthPath);
  return set;
}

function checkTruth(set: VectorSet, path: string): void {
  const { truth, query, dims } = set;
  const [queries, answers, rows] = [query.length / dims, truth.length / TRUTH_IDS, rowsIn(set)];
  if (answers !== queries) {
    const message = `--truth ${path} has ${answers} rows of ${TRUTH_IDS} ids, --query has ${queries} vectors; each query needs one row`;
    throw new MillraceError("invalid_argument", message);
  }
  const at = truth.findIndex((id) => id < 0 || id >= rows);
  if (at < 0) return;
  const place = `row ${Math.floor(at / TRUTH_IDS)}, position ${at % TRUTH_IDS}`;
  const message = `--truth ${path} holds the id ${truth[at]} at ${place}; ids are row numbers of --base, 0 to ${rows - 1}`;
  throw new MillraceError("invalid_argument", message);
}

type Row = { readonly bytes: number; readonly meaning: string };

function readRows(option: string, path: string, row: Row): SharedArrayBuffer {
  const file = open(option, path);
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw new MillraceError("invalid_argument", `--${option} ${path} is not a file`);
    checkSize(`--${option} ${path}`, found.size, row);
    const bytes = new Uint8Array(new SharedArrayBuffer(found.size));
    for (let at = 0; at < found.size; ) {
      const read = readSync(file, bytes, at, Math.min(READ_BYTES, found.size - at), at);
      if (read === 0)
        throw new MillraceError("storage_failed", `--${option} ${path} ended at ${at} of ${found.size} bytes`);
      at += read;
    }
    return bytes.buffer;
  } finally {
    closeSync(file);
  }
}

function open(option: string, path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const text = isMissing ? `there is no file ${path}` : cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError(isMissing ? "not_found" : "storage_failed", `--${option}: ${text}`, { cause });
  }
}

function checkSize(label: string, size: number, row: Row): void {
  if (size > FILE_BYTES_MAX) {
    throw new MillraceError("too_large", `${label} has ${size} bytes; at most ${FILE_BYTES_MAX} can be measured`);
  }
  if (size > 0 && size % row.bytes === 0) return;
  const message = `${label} has ${size} bytes; it must hold rows of ${row.meaning}, ${row.bytes} bytes each`;
  throw new MillraceError("invalid_argument", message);
}
