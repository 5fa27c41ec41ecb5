/** A file system in memory that can fail at any operation and lose its power: what was not made durable may then be there or not. */
import type { Rng } from "@millrace/core";
import type { LogDisk, ReadableLogFile, WritableLogFile, WriteMode } from "../../../src/observations/log/log-disk.ts";

const SECTOR_BYTES = 512;

type Content = { now: Uint8Array; durable: Uint8Array };
type NameChange = { readonly path: string; readonly content: Content | undefined };

export type Fault = {
  /** Number of the operation that fails. */
  readonly at: number;
  readonly code: string;
  /** How many fail from there on. */
  readonly times: number;
  /** The operation is cut off in its middle, and nothing works any more. */
  readonly isFatal?: boolean;
};

export class MemoryLogDisk implements LogDisk {
  operations = 0;
  fault: Fault | undefined;
  /** Refuses direct writes when files are opened, or when they are written to. */
  refusesDirect: "open" | "write" | undefined;
  /** Bytes that all files may have; a write beyond it is cut, then fails. */
  bytesMax = Number.POSITIVE_INFINITY;
  readonly names = new Map<string, Content>();
  readonly #namesDurable = new Map<string, Content>();
  /** What was not synced; the changes of one operation are there together or not at all. */
  readonly #changes: (readonly NameChange[])[] = [];

  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    for (const [path, bytes] of files) {
      const content = { now: bytes.slice(), durable: bytes.slice() };
      this.names.set(path, content);
      this.#namesDurable.set(path, content);
    }
  }

  get files(): Map<string, Uint8Array> {
    return new Map([...this.names].map(([path, { now }]) => [path, now.slice()]));
  }

  /** What is found after a loss of power. */
  crash(rng: Rng): MemoryLogDisk {
    const names = new Map(this.#namesDurable);
    const kept = this.#changes.filter(() => rng() < 0.5);
    for (const { path, content } of kept.flat()) {
      if (content) names.set(path, content);
      else names.delete(path);
    }
    return new MemoryLogDisk(new Map([...names].map(([path, content]) => [path, surviving(content, rng)])));
  }

  makeDirectory(): void {
    this.#step();
  }

  list(directory: string): string[] {
    return [...this.names.keys()]
      .filter((path) => path.startsWith(`${directory}/`))
      .map((path) => path.slice(directory.length + 1));
  }

  openWrite(path: string, { mode, isNew }: { readonly mode: WriteMode; readonly isNew: boolean }): WritableLogFile {
    this.#step();
    if (isNew && this.names.has(path)) throw failure("EEXIST");
    // Like Linux: the file is there even when its flags are refused.
    if (isNew) this.#name(path, { now: new Uint8Array(0), durable: new Uint8Array(0) });
    if (mode === "direct" && this.refusesDirect === "open") throw failure("EINVAL");
    return this.#writable(this.#content(path), mode);
  }

  openRead(path: string): ReadableLogFile {
    const content = this.#content(path);
    return {
      read: (into, position) => {
        const part = content.now.subarray(position, position + into.byteLength);
        into.set(part);
        return part.byteLength;
      },
      size: () => content.now.byteLength,
      close: () => undefined,
    };
  }

  rename(from: string, to: string): void {
    this.#step();
    const content = this.#content(from);
    this.names.delete(from);
    this.names.set(to, content);
    this.#changes.push([
      { path: to, content },
      { path: from, content: undefined },
    ]);
  }

  remove(path: string): void {
    this.#step();
    this.#content(path);
    this.names.delete(path);
    this.#changes.push([{ path, content: undefined }]);
  }

  syncDirectory(): void {
    this.#step();
    for (const { path, content } of this.#changes.splice(0).flat()) {
      if (content) this.#namesDurable.set(path, content);
      else this.#namesDurable.delete(path);
    }
  }

  #writable(content: Content, mode: WriteMode): WritableLogFile {
    return {
      write: (bytes, position) => {
        if (mode === "direct" && this.refusesDirect === "write" && position > 0) throw failure("EINVAL");
        if (mode === "direct" && (position % SECTOR_BYTES || bytes.byteLength % SECTOR_BYTES)) throw failure("EINVAL");
        this.#step((isCut) => isCut && put(content, tornPart(bytes), { position, isDurable: mode === "direct" }));
        const room = this.bytesMax - [...this.names.values()].reduce((sum, { now }) => sum + now.byteLength, 0);
        const more = position + bytes.byteLength - content.now.byteLength;
        const fitting =
          more <= room ? bytes : bytes.subarray(0, Math.max(0, Math.floor(room / SECTOR_BYTES)) * SECTOR_BYTES);
        if (fitting.byteLength === 0) throw failure("ENOSPC");
        put(content, fitting, { position, isDurable: mode === "direct" });
        return fitting.byteLength;
      },
      truncate: (bytes) => {
        this.#step();
        content.now = content.now.slice(0, bytes);
      },
      sync: () => {
        this.#step();
        content.durable = content.now.slice();
      },
      close: () => undefined,
    };
  }

  #name(path: string, content: Content): void {
    this.names.set(path, content);
    this.#changes.push([{ path, content }]);
  }

  #content(path: string): Content {
    const content = this.names.get(path);
    if (!content) throw failure("ENOENT");
    return content;
  }

  /** Counts an operation and fails it when it is to fail; `cut` first does its part of one that is cut off. */
  #step(cut?: (isCut: boolean) => unknown): void {
    const nth = this.operations++;
    const { fault } = this;
    if (!fault || nth < fault.at || (!fault.isFatal && nth >= fault.at + fault.times)) return;
    if (nth === fault.at) cut?.(true);
    throw failure(fault.code);
  }
}

/** Every other sector of a write that was cut off, the last one too: devices keep to no order inside one. */
function tornPart(bytes: Uint8Array): Uint8Array {
  const part = bytes.slice();
  for (let at = 0; at < part.byteLength; at += 2 * SECTOR_BYTES) part.fill(0, at, at + SECTOR_BYTES);
  return part;
}

function put(
  content: Content,
  bytes: Uint8Array,
  { position, isDurable }: { readonly position: number; readonly isDurable: boolean },
): void {
  content.now = patched(content.now, bytes, position);
  if (isDurable) content.durable = patched(content.durable, bytes, position);
}

function patched(bytes: Uint8Array, part: Uint8Array, position: number): Uint8Array {
  const to = new Uint8Array(Math.max(bytes.byteLength, position + part.byteLength));
  to.set(bytes);
  to.set(part, position);
  return to;
}

function surviving({ now, durable }: Content, rng: Rng): Uint8Array {
  const draw = rng();
  return draw < 0.4
    ? durable
    : draw < 0.7
      ? now
      : now.slice(0, Math.floor(rng() * (now.byteLength + 1))).byteLength >= durable.byteLength
        ? now
        : durable;
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}
