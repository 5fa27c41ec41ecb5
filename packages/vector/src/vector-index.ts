import { checkInteger, MillraceError } from "@millrace/core";
import type { Mended } from "./files/damage.ts";
import type { Disk } from "./files/disk.ts";
import { IndexFiles, type KnownFiles } from "./files/index-files.ts";
import { type CheckedOptions, checkOptions, checkRecall, type IndexOptions } from "./index-options.ts";
import { BEAM_MAX, K_MAX } from "./limits.ts";
import { checkVector, type Metric, normOf } from "./metric.ts";
import { Builders } from "./owner/builders.ts";
import { Maintenance } from "./owner/maintenance.ts";
import { type HandedNames, handed, type ReleasedIndex, release } from "./owner/release.ts";
import { SegmentSet } from "./owner/segment-set.ts";
import { type HandedReaders, type SharedIndex, Sharing } from "./owner/sharing.ts";
import { type IdFilter, type RecallTarget, type SearchRequest, type SearchResult, searchAll } from "./search.ts";
import { isGraphDue } from "./segment/demand.ts";
import { bytesPerRow } from "./segment/layout.ts";
import type { SegmentBuild } from "./segment/run-build.ts";
import type { Segment } from "./segment/segment.ts";
import { NAVIGATION } from "./segment/segment-engine.ts";

const ID_MAX = 2 ** 32 - 1;
const SEARCH_OPTIONS: readonly string[] = ["filter", "recall", "efSearch"] satisfies (keyof SearchOptions)[];
/** Squared lengths outside of which f32 sums lose digits; such vectors are looked at number by number. */
const SQUARES_SAFE = { min: 1e-24, max: 1e30 } as const;

export type SearchOptions = {
  /** Which ids may be returned. */
  readonly filter?: IdFilter;
  /** Recall@10 wanted: 0.5–0.99 or `exact`. Default: the index's. */
  readonly recall?: RecallTarget;
  /** Beam width, 1–10,240, instead of the one measured for `recall`. */
  readonly efSearch?: number;
};

/** What one segment is like, for metrics and the curious. */
export type SegmentStats = {
  readonly rows: number;
  readonly dead: number;
  readonly linked: number;
  /** What searches go by: a scan of bytes, a scan of signs, a graph walked by signs or by bytes. */
  readonly code: "scan-bytes" | "scan-signs" | "graph-signs" | "graph-bytes";
  readonly isRotated: boolean;
  /** Whether rows to come keep low bytes. */
  readonly hasLow: boolean;
  /** Whether its graph is not begun though it is time for it. */
  readonly isGraphDue: boolean;
  readonly bytes: number;
};

/**
 * Nearest neighbours of one space: approximate, to a recall asked for, and growing while it is searched. Rows are searchable when
 * `add` returns; graphs over them are built behind. One thread owns it; others search through `share`.
 */
export interface VectorIndex {
  readonly dims: number;
  readonly metric: Metric;
  /** Ids that a search can return. */
  readonly size: number;
  /**
   * Of the rows held, those in their final form: linked into a graph, or in a segment that needs none. With graphs on demand a
   * segment needs none until it is due, so this may fall when searches ask for one, and rises again as it is linked.
   */
  readonly indexed: number;
  /** Removed rows that still take memory; at most a third of a segment, or 64, once `settle` is done. */
  readonly dead: number;
  /** Bytes in use. */
  readonly bytes: number;
  readonly segments: readonly SegmentStats[];
  /** Damage that `openIndex` found in the files, and what it did about it. */
  readonly mended: readonly Mended[];

  /**
   * Adds a row, or replaces the one with that id (uint32). Searchable on return. O(dims), and with `workers: 0` the linking of at
   * most two rows, O(dims × log rows). Fails with `dimension_mismatch`, `invalid_argument` (NaN, infinity) or `too_large`; then
   * nothing changed.
   */
  add(id: number, vector: Float32Array): void;
  /** `vectors` holds ids.length × dims numbers, row after row. All are checked before the first is added. */
  addMany(ids: Uint32Array | readonly number[], vectors: Float32Array): void;
  has(id: number): boolean;
  /** The vector as the index has it (of unit length for cosine), within a step of its codes; undefined when there is none. */
  vector(id: number): Float32Array | undefined;
  /** Whether there was such a row. O(1), and a few rows moved where many were removed. */
  remove(id: number): boolean;
  /** The min(k, size) nearest, or fewer when the filter allows fewer. k: 1–10,000. */
  search(query: Float32Array, k: number, options?: SearchOptions): SearchResult;
  /** Resolves when every row there was is in its final form; with graphs on demand only those that are due are built. */
  settle(): Promise<void>;
  /** A handle that another thread turns into a reader with `openReader`; post it with its port in the transfer list. */
  share(): SharedIndex;
  /**
   * Writes the index to a directory, from which `openIndex` reads it. It goes on being searched and changed meanwhile; what is saved
   * is as at one moment after the call. A crash at any time leaves the save before it or this one, whole. Segments that did not
   * change since are not written again. Fails with `storage_full`, `storage_failed`, or `conflict` while another save runs.
   */
  save(directory: string): Promise<void>;
  /**
   * With `builds: "offered"`, orders to build segments that have work and that nobody builds; empty otherwise. Any thread runs one with
   * `runBuild`. Ask again now and then: what was linked is noticed here and by later changes. O(segments).
   */
  builds(): readonly SegmentBuild[];
  /**
   * Gives the index up without copying anything: what is returned is posted to another thread, with its `ports` in the transfer list,
   * and becomes an index there by `adoptIndex`. This one is closed; its readers go on and see what the next owner does. Builds that other
   * threads run go on; the index's own threads are ended between two steps (a few ms). Fails with `conflict` while a save runs.
   */
  release(): ReleasedIndex;
  /** Ends builder threads. Readers go on with what they have. */
  close(): Promise<void>;
}

/** An empty index. `invalid_argument` names an option that is unknown or out of range. */
export function createIndex(options: IndexOptions): VectorIndex {
  return new OwnedIndex(checkOptions(options), { segments: [], mended: [] });
}

/** What an index is made of that was read from files. */
export type Restored = {
  readonly segments: readonly Segment[];
  readonly mended: readonly Mended[];
  readonly known?: KnownFiles;
  readonly disk?: Disk;
  /** Of each of the segments, when another owner had them. */
  readonly names?: HandedNames;
  readonly readers?: HandedReaders;
};

/** An index over segments that exist already. */
export function createIndexOf(options: IndexOptions, restored: Restored): VectorIndex {
  return new OwnedIndex(checkOptions(options), restored);
}

/**
 * The index that another thread, or this one, gave up with `release`. The ids are read from the segments: O(rows), some 20 ns each.
 * `conflict` when it was adopted before.
 */
export function adoptIndex(released: ReleasedIndex): VectorIndex {
  const { options, restored } = handed(released);
  return new OwnedIndex(options, restored);
}

class OwnedIndex implements VectorIndex {
  readonly dims: number;
  readonly metric: Metric;
  readonly mended: readonly Mended[];
  readonly #options: CheckedOptions;
  readonly #set: SegmentSet;
  readonly #builders: Builders | undefined;
  readonly #maintenance: Maintenance;
  readonly #sharing: Sharing;
  readonly #files: IndexFiles;
  readonly #rowBytes: number;
  readonly #disk: Disk | undefined;
  #isClosed = false;
  #isReleased = false;

  constructor(options: CheckedOptions, { segments, mended, known, disk, names, readers }: Restored) {
    this.dims = options.dims;
    this.metric = options.metric;
    this.mended = mended;
    this.#options = options;
    this.#rowBytes = bytesPerRow({ dims: options.dims, metric: options.metric, capacity: 1, hasLow: true });
    this.#set = new SegmentSet(options.build);
    for (const [at, segment] of segments.entries()) this.#set.adopt(segment, names?.segments[at]);
    if (names) this.#set.version = names.version;
    this.#sharing = new Sharing(this.#set, options, readers);
    this.#builders = options.workers > 0 ? new Builders(options) : undefined;
    this.#maintenance = new Maintenance(this.#set, options, {
      builders: this.#builders,
      publish: () => this.#sharing.publish(),
    });
    this.#sharing.publish();
    this.#disk = disk;
    this.#files = new IndexFiles({ set: this.#set, options, builders: this.#builders }, known, disk);
  }

  get size(): number {
    return this.#set.size;
  }

  get indexed(): number {
    return this.#set.list.reduce(
      (sum, { segment }) => sum + Math.max(0, finalRows(segment, this.#options) - segment.dead),
      0,
    );
  }

  get dead(): number {
    return this.#set.dead;
  }

  get bytes(): number {
    return this.#set.bytes;
  }

  get segments(): readonly SegmentStats[] {
    return this.#set.list.map(({ segment }) => statsOf(segment, this.#options));
  }

  add(id: number, vector: Float32Array): void {
    this.#checkOpen();
    checkId(id);
    this.#write("vector", vector);
    this.#checkCapacity(1);
    this.#maintenance.begin();
    this.#append(id);
    this.#sharing.publish();
  }

  addMany(ids: Uint32Array | readonly number[], vectors: Float32Array): void {
    this.#checkOpen();
    const { dims } = this;
    if (!(vectors instanceof Float32Array) || vectors.length !== ids.length * dims) {
      const message = `vectors holds ${vectors?.length} numbers; ${ids.length} ids of ${dims} dimensions need ${ids.length * dims}`;
      throw new MillraceError("dimension_mismatch", message);
    }
    for (let at = 0; at < ids.length; at++) {
      checkId(ids[at]);
      this.#write(`vectors[${at}]`, vectors.subarray(at * dims, (at + 1) * dims));
    }
    this.#checkCapacity(ids.length);
    this.#maintenance.begin();
    for (let at = 0; at < ids.length; at++) {
      this.#write("vector", vectors.subarray(at * dims, (at + 1) * dims));
      this.#append(ids[at] ?? 0);
    }
    this.#sharing.publish();
  }

  has(id: number): boolean {
    return this.#set.has(checkId(id));
  }

  vector(id: number): Float32Array | undefined {
    this.#checkHeld();
    const found = this.#set.find(checkId(id));
    if (!found) return undefined;
    found.held.engine.exports.decodeRow(found.row);
    return found.held.engine.input.slice();
  }

  remove(id: number): boolean {
    this.#checkOpen();
    const touched = this.#set.remove(checkId(id));
    if (!touched) return false;
    this.#maintenance.begin();
    this.#maintenance.changed(touched);
    this.#sharing.publish();
    return true;
  }

  search(query: Float32Array, k: number, options: SearchOptions = {}): SearchResult {
    this.#checkHeld();
    return searchAll(this.#set.list, checkSearch(this, query, k, { recall: this.#options.recall, ...options }));
  }

  async settle(): Promise<void> {
    this.#checkHeld();
    await this.#maintenance.settle();
    this.#sharing.publish();
  }

  share(): SharedIndex {
    this.#checkOpen();
    return this.#sharing.share();
  }

  async save(directory: string): Promise<void> {
    this.#checkHeld();
    await this.#files.save(directory);
  }

  builds(): readonly SegmentBuild[] {
    this.#checkOpen();
    return this.#options.builds === "offered" ? this.#maintenance.orders() : [];
  }

  release(): ReleasedIndex {
    this.#checkOpen();
    if (this.#files.isSaving) throw new MillraceError("conflict", "a save is running; await it before the release");
    if (this.#disk) throw new MillraceError("conflict", "an index on a disk of its own cannot be handed on");
    this.#isClosed = true;
    this.#isReleased = true;
    this.#maintenance.end();
    void this.#builders?.close();
    const readers = this.#sharing.hand();
    return release({ set: this.#set, options: this.#options, mended: this.mended, known: this.#files.known, readers });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sharing.close();
    await this.#builders?.close();
  }

  /** Puts a vector into the open segment's input, checked. */
  #write(name: string, vector: Float32Array): void {
    if (!(vector instanceof Float32Array) || vector.length !== this.dims) checkVector(name, vector, this.dims);
    const { engine } = this.#set.open;
    engine.input.set(vector);
    const squares = engine.exports.inputSquares();
    if (squares > SQUARES_SAFE.min && squares < SQUARES_SAFE.max) return;
    checkVector(name, vector, this.dims);
    const norm = normOf(name, vector);
    // Cosine knows no lengths, so a vector whose squares leave f32 is brought near 1 before.
    if (this.metric === "cosine" && norm > 0) engine.input.set(vector.map((value) => value / norm));
  }

  #append(id: number): void {
    const { segment, engine } = this.#set.open;
    // Far from zero, differences would be lost in the codes; the first vector is a fair mean until one is learned.
    if (this.metric === "l2" && segment.rows === 0 && segment.state("isLearned") === 0) segment.centre(engine.input);
    this.#maintenance.changed(this.#set.append(id));
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new MillraceError("conflict", "the index is closed; its readers would miss what changes");
  }

  /** Scratch space and rows are the next owner's. */
  #checkHeld(): void {
    if (this.#isReleased) throw new MillraceError("conflict", "the index was released; use it where it was adopted");
  }

  #checkCapacity(rows: number): void {
    const held = this.#set.list.reduce((sum, { segment }) => sum + segment.rows, 0);
    const needed = (held + rows) * this.#rowBytes;
    const { capacityBytesMax } = this.#options;
    if (needed <= capacityBytesMax) return;
    const message = `the index holds ${held} rows, ${this.dead} of them removed, and would take ${Math.ceil(needed)} bytes with ${rows} more; the limit is ${capacityBytesMax}: raise capacityBytesMax, or remove a third of the rows and settle`;
    throw new MillraceError("too_large", message);
  }
}

/** A search request whose every part was checked. */
export function checkSearch(
  { dims, metric }: { readonly dims: number; readonly metric: Metric },
  query: Float32Array,
  k: number,
  options: SearchOptions & { readonly recall: RecallTarget },
): SearchRequest {
  checkVector("query", query, dims);
  checkInteger("k", k, { min: 1, max: K_MAX });
  const norm = normOf("query", query);
  const { efSearch, filter } = options;
  for (const name in options) if (!SEARCH_OPTIONS.includes(name)) throw unknownSearchOption(name);
  if (efSearch !== undefined) checkInteger("efSearch", efSearch, { min: 1, max: BEAM_MAX });
  if (filter !== undefined && typeof filter !== "function" && !(filter instanceof Uint8Array)) {
    throw new MillraceError(
      "invalid_argument",
      `filter is ${typeof filter}; use a function of the id or a Uint8Array of bits`,
    );
  }
  const isUnsafe = metric === "cosine" && norm > 0 && (norm < 1e-12 || norm > 1e15);
  return {
    query: isUnsafe ? query.map((value) => value / norm) : query,
    metric,
    k,
    recall: checkRecall(options.recall ?? 0.95),
    efSearch,
    filter,
  };
}

function unknownSearchOption(name: string): MillraceError {
  const message = `unknown search option "${name}"; known are ${SEARCH_OPTIONS.join(", ")}`;
  return new MillraceError("invalid_argument", message);
}

function checkId(id: unknown): number {
  return checkInteger("id", id, { min: 0, max: ID_MAX });
}

function finalRows(segment: Segment, { graphRowsMin, graphs }: CheckedOptions): number {
  if (segment.navigation !== NAVIGATION.none) return segment.linked;
  const hasEnough = segment.state("isLearned") === 1 && segment.rows >= graphRowsMin;
  const needsNone = !hasEnough || segment.state("isSettled") === 1 || (graphs === "demanded" && !isGraphDue(segment));
  return needsNone ? segment.rows : 0;
}

function statsOf(segment: Segment, options: CheckedOptions): SegmentStats {
  const isGraph = segment.navigation !== NAVIGATION.none;
  const by = isGraph ? segment.navigation : segment.state("scanBy");
  return {
    rows: segment.rows,
    dead: segment.dead,
    linked: segment.linked,
    code: `${isGraph ? "graph" : "scan"}-${by === NAVIGATION.signs ? "signs" : "bytes"}`,
    isRotated: segment.state("isRotated") === 1,
    hasLow: segment.shape.hasLow && segment.state("lowRows") === 0,
    isGraphDue: !isGraph && finalRows(segment, options) < segment.rows,
    bytes: segment.bytes,
  };
}
