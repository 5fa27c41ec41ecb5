/** Names all files of a log that was closed, so that one that is lost is missed. Written at the end of a clean close, removed by the next opening. */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { codeOf, type LogDisk } from "./log-disk.ts";

export const MANIFEST = "manifest";
const TEMPORARY = `${MANIFEST}.tmp`;

/** Bytes of each file by its number. */
export type Manifest = ReadonlyMap<number, number>;

/** Writes it whole or not at all. */
export function writeManifest(disk: LogDisk, directory: string, files: Manifest): void {
  const text = JSON.stringify({ files: [...files] });
  const bytes = new TextEncoder().encode(`${crcOf(text)} ${text}\n`);
  removeFile(disk, join(directory, TEMPORARY));
  const file = disk.openWrite(join(directory, TEMPORARY), { mode: "buffered", isNew: true });
  try {
    for (let at = 0; at < bytes.byteLength; ) at += file.write(bytes.subarray(at), at);
    file.sync();
  } finally {
    file.close();
  }
  disk.rename(join(directory, TEMPORARY), join(directory, MANIFEST));
  disk.syncDirectory(directory);
}

/** Undefined when there is none, or one that is not whole: then the files speak for themselves. */
export function readManifest(disk: LogDisk, directory: string): Manifest | undefined {
  const text = readText(disk, join(directory, MANIFEST))?.trimEnd();
  if (!text || text.slice(0, 8) !== crcOf(text.slice(9))) return undefined;
  return new Map((JSON.parse(text.slice(9)) as { readonly files: [number, number][] }).files);
}

/** Removes it before anything is written. */
export function removeManifest(disk: LogDisk, directory: string): void {
  if (removeFile(disk, join(directory, MANIFEST))) disk.syncDirectory(directory);
}

/** Whether there was one. */
export function removeFile(disk: LogDisk, path: string): boolean {
  try {
    disk.remove(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

function crcOf(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

function readText(disk: LogDisk, path: string): string | undefined {
  try {
    const file = disk.openRead(path);
    try {
      const bytes = new Uint8Array(file.size());
      return new TextDecoder().decode(bytes.subarray(0, file.read(bytes, 0)));
    } finally {
      file.close();
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
