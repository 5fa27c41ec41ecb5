import { MessageChannel, type MessagePort } from "node:worker_threads";
import { MillraceError } from "@millrace/core";
import type { CheckedOptions } from "../index-options.ts";
import { READERS_MAX, SCRATCH_SLOTS } from "../limits.ts";
import type { Metric } from "../metric.ts";
import type { RecallTarget } from "../search.ts";
import type { SegmentSet } from "./segment-set.ts";

/** What a thread needs to search an index that another owns. Post it with `[shared.port]` as transfer list. */
export type SharedIndex = {
  readonly port: MessagePort;
  /** One i32: the version of the list of segments, stored after the list was posted. */
  readonly version: SharedArrayBuffer;
  readonly dims: number;
  readonly metric: Metric;
  readonly recall: RecallTarget;
  readonly slot: number;
};

/** The segments of one version, oldest first. */
export type SegmentList = {
  readonly version: number;
  /** `age`: grows from one to the next; `serial`: the memory's, which is another object in each message. */
  readonly segments: readonly { readonly age: number; readonly serial: number; readonly memory: WebAssembly.Memory }[];
};

/** Readers and what they look at, as they go from one owner to the next. */
export type HandedReaders = {
  readonly version: SharedArrayBuffer;
  /** In the order of `ports`. */
  readonly slots: readonly number[];
  readonly ports: readonly MessagePort[];
};

const FIRST_READER_SLOT = SCRATCH_SLOTS - READERS_MAX;

/**
 * Tells readers on other threads which segments there are. A list is posted to every reader's port, then its version is stored where
 * readers look before each search and take the list from the port at once: so what `add` returned from is in their next search.
 */
export class Sharing {
  readonly #set: SegmentSet;
  readonly #options: CheckedOptions;
  readonly #version: Int32Array<SharedArrayBuffer>;
  /** By scratch slot. */
  readonly #ports = new Map<number, MessagePort>();

  /** With `handed` goes on where another owner was. */
  constructor(set: SegmentSet, options: CheckedOptions, handed?: HandedReaders) {
    this.#set = set;
    this.#options = options;
    this.#version = new Int32Array(handed?.version ?? new SharedArrayBuffer(4));
    for (const [at, slot] of (handed?.slots ?? []).entries()) {
      const port = handed?.ports[at];
      if (port) this.#hear(slot, port);
    }
  }

  /** `too_large` when every reader's scratch space is taken; a reader gives its own back with `close`. */
  share(): SharedIndex {
    const slot = this.#freeSlot();
    const { port1, port2 } = new MessageChannel();
    this.#hear(slot, port1);
    port1.postMessage(this.#list());
    const { dims, metric, recall } = this.#options;
    return { port: port2, version: this.#version.buffer, dims, metric, recall, slot };
  }

  /** Posts the list if it changed. O(1) when not. */
  publish(): void {
    if (this.#version[0] === this.#set.version) return;
    const list = this.#list();
    for (const port of this.#ports.values()) port.postMessage(list);
    Atomics.store(this.#version, 0, this.#set.version);
  }

  /** Gives the readers up, for the next owner. */
  hand(): HandedReaders {
    const slots = [...this.#ports.keys()];
    const ports = [...this.#ports.values()];
    for (const port of ports) port.removeAllListeners();
    this.#ports.clear();
    return { version: this.#version.buffer, slots, ports };
  }

  close(): void {
    for (const port of this.#ports.values()) port.close();
    this.#ports.clear();
  }

  #hear(slot: number, port: MessagePort): void {
    this.#ports.set(slot, port);
    port.once("message", () => this.#release(slot));
    port.once("close", () => this.#release(slot));
    port.unref();
  }

  #list(): SegmentList {
    const segments = this.#set.list.map(({ age, serial, segment }) => ({ age, serial, memory: segment.memory }));
    return { version: this.#set.version, segments };
  }

  #freeSlot(): number {
    for (let slot = FIRST_READER_SLOT; slot < SCRATCH_SLOTS; slot++) if (!this.#ports.has(slot)) return slot;
    throw new MillraceError("too_large", `the index has ${READERS_MAX} readers, which is the limit; close one first`);
  }

  #release(slot: number): void {
    this.#ports.get(slot)?.close();
    this.#ports.delete(slot);
  }
}
