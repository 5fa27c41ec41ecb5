import { receiveMessageOnPort } from "node:worker_threads";
import { MillraceError } from "@millrace/core";
import type { Metric } from "./metric.ts";
import type { SegmentList, SharedIndex } from "./owner/sharing.ts";
import { RecallSampler } from "./recall-sampler.ts";
import { type OpenSegment, type SearchResult, searchAll } from "./search.ts";
import { Segment } from "./segment/segment.ts";
import { checkSearch, type SearchOptions } from "./vector-index.ts";

/** Searches an index that another thread owns, while it changes, without locks. One thread's. */
export interface IndexReader {
  readonly dims: number;
  readonly metric: Metric;
  /** As the owner's `search`; sees every row whose `add` returned before it began. */
  search(query: Float32Array, k: number, options?: SearchOptions): SearchResult;
  /** Gives its scratch space back to the owner. */
  close(): void;
}

/** A reader of an index shared by another thread. */
export function openReader(shared: SharedIndex): IndexReader {
  return new PortReader(shared);
}

type Opened = OpenSegment & { readonly age: number; readonly serial: number };

class PortReader implements IndexReader {
  readonly dims: number;
  readonly metric: Metric;
  readonly #shared: SharedIndex;
  readonly #newest: Int32Array;
  #version = -1;
  #segments: readonly Opened[] = [];
  #isClosed = false;

  constructor(shared: SharedIndex) {
    this.dims = shared.dims;
    this.metric = shared.metric;
    this.#shared = shared;
    this.#newest = new Int32Array(shared.version);
    shared.port.unref();
    this.#receive();
    if (this.#version < 0) {
      throw new MillraceError("conflict", "the handle was opened before, or its index closed; share the index again");
    }
  }

  search(query: Float32Array, k: number, options: SearchOptions = {}): SearchResult {
    if (this.#isClosed) throw new MillraceError("conflict", "the reader is closed; open another from index.share()");
    const request = checkSearch(this, query, k, { recall: this.#shared.recall, ...options });
    if (this.#isStale) this.#receive();
    return searchAll(this.#segments, request, () => this.#opened());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#shared.port.postMessage("closed");
    this.#shared.port.close();
    this.#segments = [];
  }

  /** Segments opened since the list was last received. */
  #opened(): readonly Opened[] {
    if (!this.#isStale) return [];
    const newest = this.#segments.at(-1)?.age ?? -1;
    this.#receive();
    return this.#segments.filter(({ age }) => age > newest);
  }

  get #isStale(): boolean {
    return Atomics.load(this.#newest, 0) > this.#version;
  }

  /** Takes the latest of the lists that wait on the port. */
  #receive(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#shared.port);
      if (!received) return;
      const list = received.message as SegmentList;
      this.#version = list.version;
      this.#segments = list.segments.map((listed) => this.#open(listed));
    }
  }

  #open({ age, serial, memory }: SegmentList["segments"][number]): Opened {
    const known = this.#segments.find((one) => one.serial === serial);
    if (known) return known;
    const segment = new Segment(memory);
    const engine = segment.engine(this.#shared.slot);
    return { age, serial, segment, engine, sampler: new RecallSampler(segment, engine) };
  }
}
