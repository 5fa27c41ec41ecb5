import type { Rng } from "@millrace/core";
import type { Disk, DiskFile } from "../src/files/disk.ts";

/** A file's bytes, and those of them that would survive a loss of power. */
type Inode = { bytes: Uint8Array; durable: Uint8Array };

/** Where a disk fails: its `at`-th operation throws; when `isFatal` all later ones too, as when the process is gone. */
export type Fault = { readonly at: number; readonly code: string; readonly isFatal: boolean };

/**
 * A file system that forgets what was not synced: bytes of a file are durable after its `sync`, names after `syncDirectory`. `crash`
 * gives what may be found after a loss of power, `fault` makes any operation fail.
 */
export class MemoryDisk implements Disk {
  #names: Map<string, Inode>;
  #durableNames: Map<string, Inode>;
  fault: Fault | undefined;
  /** Operations since the disk was made. */
  operations = 0;
  bytesWritten = 0;

  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#names = new Map([...files].map(([path, bytes]) => [path, { bytes: bytes.slice(), durable: bytes.slice() }]));
    this.#durableNames = new Map(this.#names);
  }

  /** Files by path. */
  get files(): Map<string, Uint8Array> {
    return new Map([...this.#names].map(([path, { bytes }]) => [path, bytes]));
  }

  /** What is found after a crash: of what was not synced, any part. */
  crash(rng: Rng): MemoryDisk {
    const files = new Map<string, Uint8Array>();
    for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const inode = (rng() < 0.5 ? this.#names : this.#durableNames).get(path);
      if (inode) files.set(path, tornBetween(inode.durable, inode.bytes, rng));
    }
    return new MemoryDisk(files);
  }

  async makeDirectory(): Promise<void> {
    this.#operate();
  }

  async list(directory: string): Promise<string[]> {
    this.#operate();
    const inside = [...this.#names.keys()].filter((path) => path.startsWith(`${directory}/`));
    return inside.map((path) => path.slice(directory.length + 1));
  }

  async open(path: string, mode: "read" | "write"): Promise<DiskFile> {
    this.#operate();
    const found = this.#names.get(path);
    if (mode === "read") {
      if (!found) throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: "ENOENT" });
      return this.#file(found);
    }
    const made = found ?? { bytes: new Uint8Array(0), durable: new Uint8Array(0) };
    made.bytes = new Uint8Array(0);
    this.#names.set(path, made);
    return this.#file(made);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#operate();
    const inode = this.#names.get(from);
    if (!inode) throw Object.assign(new Error(`ENOENT: no such file, rename '${from}'`), { code: "ENOENT" });
    this.#names.set(to, inode);
    this.#names.delete(from);
  }

  async remove(path: string): Promise<void> {
    this.#operate();
    this.#names.delete(path);
  }

  async syncDirectory(): Promise<void> {
    this.#operate();
    this.#durableNames = new Map(this.#names);
  }

  #file(inode: Inode): DiskFile {
    return {
      write: async (bytes, position) => {
        // A write that fails leaves half of its bytes.
        const isFailing = this.#isFailing();
        const part = isFailing ? bytes.subarray(0, bytes.length / 2) : bytes;
        if (!(isFailing && this.#isGone())) inode.bytes = patched(inode.bytes, part, position);
        this.#operate();
        this.bytesWritten += bytes.length;
      },
      read: async (into, position) => {
        this.#operate();
        const part = inode.bytes.subarray(position, position + into.length);
        into.set(part);
        return part.length;
      },
      size: async () => inode.bytes.length,
      sync: async () => {
        this.#operate();
        inode.durable = inode.bytes;
      },
      close: async () => undefined,
    };
  }

  #isFailing(): boolean {
    const { fault } = this;
    return fault !== undefined && (this.operations === fault.at || (fault.isFatal && this.operations > fault.at));
  }

  /** Whether the process ended before this operation. */
  #isGone(): boolean {
    return this.fault !== undefined && this.operations > this.fault.at;
  }

  #operate(): void {
    const isFailing = this.#isFailing();
    this.operations++;
    if (!isFailing) return;
    const code = this.fault?.code;
    throw Object.assign(new Error(`${code}: simulated at operation ${this.operations - 1}`), { code });
  }
}

function patched(bytes: Uint8Array, part: Uint8Array, position: number): Uint8Array {
  const next = new Uint8Array(Math.max(bytes.length, position + part.length));
  next.set(bytes);
  next.set(part, position);
  return next;
}

/** Sectors of the one or the other, cut anywhere between their lengths. */
function tornBetween(durable: Uint8Array, bytes: Uint8Array, rng: Rng): Uint8Array {
  if (durable === bytes) return bytes;
  const [shorter, longer] = durable.length < bytes.length ? [durable, bytes] : [bytes, durable];
  const length = shorter.length + Math.floor(rng() * (longer.length - shorter.length + 1));
  const torn = longer.slice(0, length);
  for (let at = 0; at < length; at += 512) {
    if (rng() < 0.5) torn.set(shorter.subarray(at, at + 512), Math.min(at, length));
  }
  return torn;
}
