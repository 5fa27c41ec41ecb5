/** What the log asks of a file system, so that tests can fail each step of it. Calls block: they are made on threads of the log's own. */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { MillraceError } from "@millrace/core";

/** `direct`: past the page cache, durable when `write` returns. `buffered`: durable after `sync`. */
export type WriteMode = "direct" | "buffered";

export type WritableLogFile = {
  /** Writes up to as many bytes as given and returns how many. In direct mode memory, length and position are multiples of a block. */
  readonly write: (bytes: Uint8Array, position: number) => number;
  readonly truncate: (bytes: number) => void;
  readonly sync: () => void;
  readonly close: () => void;
};

export type ReadableLogFile = {
  /** Reads up to as many bytes as `into` has; fewer only at the end. Returns how many. */
  readonly read: (into: Uint8Array, position: number) => number;
  readonly size: () => number;
  readonly close: () => void;
};

export type LogDisk = {
  readonly makeDirectory: (path: string) => void;
  readonly list: (directory: string) => readonly string[];
  /** Opens for writing; `isNew` makes it, and fails when it is there. */
  readonly openWrite: (path: string, options: { readonly mode: WriteMode; readonly isNew: boolean }) => WritableLogFile;
  readonly openRead: (path: string) => ReadableLogFile;
  readonly rename: (from: string, to: string) => void;
  readonly remove: (path: string) => void;
  /** Makes names given and taken in the directory survive a loss of power. */
  readonly syncDirectory: (path: string) => void;
};

export const nodeLogDisk: LogDisk = {
  makeDirectory: (path) => void mkdirSync(path, { recursive: true }),
  list: (directory) => readdirSync(directory),
  openWrite,
  openRead,
  rename: renameSync,
  remove: unlinkSync,
  syncDirectory: (path) => {
    // Windows knows no such thing: its names are durable once the file is.
    if (process.platform === "win32") return;
    const fd = openSync(path, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
};

/** The flags of a direct write; undefined where the system has none. */
function directFlags(): number | undefined {
  const { O_DIRECT, O_DSYNC } = constants as { readonly O_DIRECT?: number; readonly O_DSYNC?: number };
  return O_DIRECT === undefined || O_DSYNC === undefined ? undefined : O_DIRECT | O_DSYNC;
}

function openWrite(path: string, options: { readonly mode: WriteMode; readonly isNew: boolean }): WritableLogFile {
  const direct = options.mode === "direct" ? directFlags() : 0;
  if (direct === undefined) throw Object.assign(new Error("this system has no direct writes"), { code: "EINVAL" });
  const fd = openSync(path, constants.O_RDWR | direct | (options.isNew ? constants.O_CREAT | constants.O_EXCL : 0));
  return {
    write: (bytes, position) => writeSync(fd, bytes, 0, bytes.byteLength, position),
    truncate: (bytes) => ftruncateSync(fd, bytes),
    sync: () => fdatasyncSync(fd),
    close: () => closeSync(fd),
  };
}

function openRead(path: string): ReadableLogFile {
  const fd = openSync(path, "r");
  return {
    read: (into, position) => {
      for (let at = 0; ; ) {
        const count = readSync(fd, into, at, into.byteLength - at, position + at);
        at += count;
        if (count === 0 || at === into.byteLength) return at;
      }
    },
    size: () => fstatSync(fd).size,
    close: () => closeSync(fd),
  };
}

/** The code of a file system's error. */
export function codeOf(error: unknown): string | undefined {
  return (error as { readonly code?: string } | undefined)?.code;
}

/** Errors that mean that there is no room: of the device, of a quota, of a limit on the size of files. */
const FULL: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** What a file system threw, as an error with a code; those that have one pass through. */
export function toLogError(error: unknown, doing: string): MillraceError {
  if (error instanceof MillraceError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  if (FULL.has(codeOf(error))) {
    const message = `${doing}: the disk is full (${codeOf(error)}); free space and try again`;
    return new MillraceError("storage_full", message, { cause: error });
  }
  const message = `${doing}: ${reason}; check the directory and its permissions`;
  return new MillraceError("storage_failed", message, { cause: error });
}
