/** What the files of an index ask of a file system, so that tests can fail each step of it. */
import { mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MillraceError } from "@millrace/core";

export type DiskFile = {
  /** Writes all of `bytes`. */
  readonly write: (bytes: Uint8Array, position: number) => Promise<void>;
  /** Reads up to as many bytes as `into` has; fewer only at the end. Returns how many. */
  readonly read: (into: Uint8Array, position: number) => Promise<number>;
  readonly size: () => Promise<number>;
  /** Resolves once what was written survives a loss of power. */
  readonly sync: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export type Disk = {
  readonly makeDirectory: (path: string) => Promise<void>;
  readonly list: (directory: string) => Promise<readonly string[]>;
  readonly open: (path: string, mode: "read" | "write") => Promise<DiskFile>;
  readonly rename: (from: string, to: string) => Promise<void>;
  readonly remove: (path: string) => Promise<void>;
  /** Makes names given and taken in the directory survive a loss of power. */
  readonly syncDirectory: (path: string) => Promise<void>;
};

export const nodeDisk: Disk = {
  makeDirectory: async (path) => void (await mkdir(path, { recursive: true })),
  list: (directory) => readdir(directory),
  open: openFile,
  rename,
  remove: unlink,
  syncDirectory: async (path) => {
    // Windows knows no such thing: its names are durable once the file is.
    if (process.platform === "win32") return;
    await using handle = await open(path, "r");
    await handle.sync();
  },
};

/** Writes a file whole or not at all: under a temporary name, made durable, then renamed. */
export async function replaceFile(disk: Disk, path: string, write: (file: DiskFile) => Promise<void>): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await disk.open(temporary, "write");
  try {
    await write(file);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
}

/** Replaces a file by `bytes` and makes its name durable. */
export async function replaceBytes(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  await replaceFile(disk, path, (file) => file.write(bytes, 0));
  await disk.syncDirectory(dirname(path));
}

/** The bytes of a file of at most `bytesMax`; undefined when there is none, none when it is longer. */
export async function readBytes(disk: Disk, path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const file = await openIfThere(disk, path);
  if (!file) return undefined;
  try {
    const size = await file.size();
    if (size > bytesMax) return new Uint8Array(0);
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

/** The file, opened for reading; undefined when there is none. */
export async function openIfThere(disk: Disk, path: string): Promise<DiskFile | undefined> {
  try {
    return await disk.open(path, "read");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Removes what `isUnwanted` names. What cannot be removed stays until the next time. */
export async function clean(disk: Disk, directory: string, isUnwanted: (name: string) => boolean): Promise<void> {
  const names = await disk.list(directory).catch(() => []);
  for (const name of names) if (isUnwanted(name)) await disk.remove(join(directory, name)).catch(() => undefined);
}

/** What a file system threw, as an error with a code; those that have one pass through. */
export function toFileError(error: unknown, doing: string): MillraceError {
  if (error instanceof MillraceError) return error;
  const code = codeOf(error);
  const reason = error instanceof Error ? error.message : String(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new MillraceError("storage_full", `${doing}: the disk is full; free space and try again`, { cause: error });
  }
  const message = `${doing}: ${reason}; check the directory and its permissions`;
  return new MillraceError("storage_failed", message, { cause: error });
}

/** The code of a file system's error. */
export function codeOf(error: unknown): string | undefined {
  return (error as { readonly code?: string } | undefined)?.code;
}

async function openFile(path: string, mode: "read" | "write"): Promise<DiskFile> {
  const handle = await open(path, mode === "read" ? "r" : "w");
  return {
    write: async (bytes, position) => {
      for (let at = 0; at < bytes.length; ) {
        at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
      }
    },
    read: async (into, position) => {
      for (let at = 0; ; ) {
        const { bytesRead } = await handle.read(into, at, into.length - at, position + at);
        at += bytesRead;
        if (bytesRead === 0 || at === into.length) return at;
      }
    },
    size: async () => (await handle.stat()).size,
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}
