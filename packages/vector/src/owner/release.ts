import type { MessagePort } from "node:worker_threads";
import { MillraceError } from "@millrace/core";
import type { Mended } from "../files/damage.ts";
import type { KnownFiles, WrittenFile } from "../files/index-files.ts";
import type { CheckedOptions } from "../index-options.ts";
import { Segment } from "../segment/segment.ts";
import type { Restored } from "../vector-index.ts";
import type { HeldNames, SegmentSet } from "./segment-set.ts";
import type { HandedReaders } from "./sharing.ts";

/** What segments go by, in their order, and the version of their list. */
export type HandedNames = { readonly version: number; readonly segments: readonly HeldNames[] };

type HandedSegment = HeldNames & { readonly memory: WebAssembly.Memory; readonly written: WrittenFile | undefined };

/**
 * An index that nobody owns, to be posted to the thread that will: `postMessage(released, released.ports)`. It holds the memories
 * themselves, so it is small, and good for one adoption within this process.
 */
export type ReleasedIndex = {
  /** Readers' ports, to be transferred. Empty when none is shared. */
  readonly ports: readonly MessagePort[];
  readonly options: CheckedOptions;
  readonly version: number;
  readonly segments: readonly HandedSegment[];
  readonly mended: readonly Mended[];
  readonly saved: { readonly directory: string; readonly generation: number } | undefined;
  readonly readers: Omit<HandedReaders, "ports">;
  /** One i32: 1 once it was adopted. */
  readonly taken: SharedArrayBuffer;
};

/** Describes an index that its owner has given up. */
export function release(index: {
  readonly set: SegmentSet;
  readonly options: CheckedOptions;
  readonly mended: readonly Mended[];
  readonly known: KnownFiles | undefined;
  readonly readers: HandedReaders;
}): ReleasedIndex {
  const { set, options, mended, known } = index;
  const { ports, ...readers } = index.readers;
  const segments = set.list.map(({ place, age, serial, segment }) => {
    const written = known?.files.get(segment);
    const { file, header } = written ?? {};
    // No more of it: an entry of a manifest holds a view of the whole.
    return { place, age, serial, memory: segment.memory, written: file && header && { file, header } };
  });
  const saved = known && { directory: known.directory, generation: known.generation };
  const taken = new SharedArrayBuffer(4);
  return { ports, options, version: set.version, segments, mended, saved, readers, taken };
}

/** What `release` described, ready to be owned. `conflict` when it is already. */
export function handed(released: ReleasedIndex): { readonly options: CheckedOptions; readonly restored: Restored } {
  if (Atomics.exchange(new Int32Array(released.taken), 0, 1) === 1) {
    throw new MillraceError("conflict", "the index was adopted before; release it where it is now");
  }
  const { options, mended, version, saved, ports } = released;
  const segments = released.segments.map(({ memory }) => new Segment(memory));
  const files = new Map<Segment, WrittenFile>();
  for (const [at, segment] of segments.entries()) {
    const written = released.segments[at]?.written;
    if (written) files.set(segment, written);
  }
  const restored: Restored = {
    segments,
    mended,
    names: { version, segments: released.segments },
    readers: { ...released.readers, ports },
    ...(saved ? { known: { ...saved, files } } : {}),
  };
  return { options, restored };
}
