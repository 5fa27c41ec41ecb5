/** A copy of a log as it was at one moment, made while appends go on. */
import { constants, copyFile, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MillraceError } from "@millrace/core";
import { fileName } from "./file-block.ts";
import { READ_CHUNK_BYTES } from "./limits.ts";
import { codeOf, nodeLogDisk, toLogError } from "./log-disk.ts";
import type { LogState } from "./log-messages.ts";
import { writeManifest } from "./manifest.ts";

export type BackupReport = { readonly files: number; readonly bytes: number };

/**
 * Copies the files of a state of the log: closed ones whole, of the newest what was durable. The target has its name only once all
 * of it is on disk. `conflict` when it is there and not empty.
 */
export async function backupLog(directory: string, state: LogState, target: string): Promise<BackupReport> {
  await checkTarget(target);
  const partial = `${target}.partial`;
  const lengths = new Map(state.closed.map(({ file, bytes }) => [file, bytes]));
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    for (const file of lengths.keys()) await copyWhole(join(directory, fileName(file)), join(partial, fileName(file)));
    if (state.active) {
      const { file, bytes } = state.active;
      await copyStart(join(directory, fileName(file)), join(partial, fileName(file)), bytes);
      lengths.set(file, bytes);
    }
    writeManifest(nodeLogDisk, partial, lengths);
    await rename(partial, target);
    nodeLogDisk.syncDirectory(dirname(target));
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    throw toLogError(error, `backing the observation log up to ${target}`);
  }
  return { files: lengths.size, bytes: [...lengths.values()].reduce((sum, bytes) => sum + bytes, 0) };
}

async function checkTarget(target: string): Promise<void> {
  try {
    const names = await readdir(target);
    if (names.length === 0) return;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw toLogError(error, `reading ${target}`);
  }
  throw new MillraceError("conflict", `${target} is not empty; name a directory that does not exist`);
}

/** A file that does not change. */
async function copyWhole(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await using handle = await open(to, "r+");
  await handle.datasync();
}

async function copyStart(from: string, to: string, bytes: number): Promise<void> {
  await using source = await open(from, "r");
  await using copy = await open(to, "wx");
  const chunk = new Uint8Array(READ_CHUNK_BYTES);
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await source.read(chunk, 0, Math.min(chunk.byteLength, bytes - at), at);
    if (bytesRead === 0) throw new MillraceError("storage_failed", `${from} ends at ${at}, before ${bytes}`);
    await copy.write(chunk, 0, bytesRead, at);
    at += bytesRead;
  }
  await copy.datasync();
}
