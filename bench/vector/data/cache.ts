/** Numbers that take long to make, kept in a directory for temporary files. Losing them costs time only. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type CachedNumbers<T extends ArrayBufferView> = {
  /** The file's name; equal keys must mean equal numbers. */
  readonly key: string;
  readonly create: (bytes: ArrayBuffer) => T;
  /** Whether what was read can be what was written: a file that is not is made again. */
  readonly isValid: (numbers: T) => boolean;
  readonly make: () => Promise<T>;
};

/** From the file when there is a valid one; else made and written. Little-endian, as the machine has them. */
export async function cacheNumbers<T extends ArrayBufferView>(entry: CachedNumbers<T>): Promise<T> {
  const directory = join(tmpdir(), "millrace-vector-data");
  const path = join(directory, entry.key);
  const kept = await readNumbers(path, entry);
  if (kept) return kept;
  const numbers = await entry.make();
  await mkdir(directory, { recursive: true });
  // Under its final name only once it is whole: two cases may make the same file at the same time.
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  await rename(unfinished, path);
  return numbers;
}

async function readNumbers<T extends ArrayBufferView>(path: string, entry: CachedNumbers<T>): Promise<T | undefined> {
  try {
    const numbers = entry.create(await readBytes(path));
    return entry.isValid(numbers) ? numbers : undefined;
  } catch {
    return undefined; // missing, or a length that is no whole count of numbers: made again
  }
}

/** The bytes of a file in a buffer of their own, so that numbers can be read in place. */
export async function readBytes(path: string): Promise<ArrayBuffer> {
  const bytes = await readFile(path);
  const { buffer, byteOffset, byteLength } = bytes;
  if (byteOffset === 0 && byteLength === buffer.byteLength) return buffer as ArrayBuffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
