import type { Cursor, Gap, Seq, StreamId } from "@millrace/protocol";
import { type Batch, Follower, type FollowerSink, type FollowStart } from "@millrace/stream";
import { keyOf, type LogOracle, Walk } from "./oracle.ts";
import type { SimLog } from "./sim-log.ts";

/** Codes with which following may end: the reader comes back from its cursor. */
const MAY_END = new Set(["slow_consumer", "gone", "storage_failed", "overloaded", "unavailable", "timeout"]);

/** A reader of one stream that is cut off, stalls, takes only so many frames at a time, and comes back from the last frame it has. */
export class SimReader {
  readonly stream: StreamId;
  readonly oracle: LogOracle;
  readonly walk: Walk;
  readonly #pending: (() => void)[] = [];
  unsentBytes = 0;
  isStalled = false;
  /** Frames it takes before it acknowledges; undefined: no window. */
  window: number | undefined;
  /** Characters of frames after which the connection is cut. */
  cutAfter = Number.POSITIVE_INFINITY;
  /** Whether cursors name the epoch of the frame itself, as the SDK does, or that of the batch, as server-sent events do. */
  usesFrameEpoch = true;
  cuts = 0;
  gaps = 0;
  frameCount = 0;
  unexpected: string | undefined;
  #cursor: Cursor | undefined;
  #position = 0;
  #acknowledged = 0;
  #follower: Follower | undefined;
  #connection = 0;
  #isConnecting = false;

  constructor(stream: StreamId, oracle: LogOracle) {
    this.stream = stream;
    this.oracle = oracle;
    this.walk = new Walk(oracle);
  }

  get isConnected(): boolean {
    return this.#follower !== undefined || this.#isConnecting;
  }

  /** Whether nothing but the engine keeps it from having everything. */
  get isFree(): boolean {
    return this.#follower !== undefined && !this.isStalled && this.window === undefined;
  }

  /** The last frame it has, or where a gap led it. */
  get position(): number {
    return this.#position;
  }

  get framesMax(): number {
    return this.window === undefined ? 1_000 : this.window - (this.#position - this.#acknowledged);
  }

  async connect({ sequencer, storage, clock }: SimLog): Promise<void> {
    if (this.isConnected) return;
    this.#isConnecting = true;
    const connection = ++this.#connection;
    this.unsentBytes = 0;
    try {
      const sink = this.#sinkOf(connection);
      const options = { sequencer, storage, clock, stream: this.stream, after: this.#cursor, sink };
      const follower = await Follower.start(options);
      if (connection === this.#connection) this.#follower = follower;
      else follower[Symbol.dispose]();
    } catch (error) {
      const { code } = error as { code?: string };
      if (!MAY_END.has(code ?? "")) this.unexpected = String(error);
    }
    if (connection === this.#connection) this.#isConnecting = false;
  }

  disconnect(): void {
    if (this.isConnected) this.cuts++;
    this.#connection++;
    this.#isConnecting = false;
    this.#follower?.[Symbol.dispose]();
    this.#follower = undefined;
    this.cutAfter = Number.POSITIVE_INFINITY;
  }

  drain(): void {
    this.isStalled = false;
    this.unsentBytes = 0;
    this.#follower?.drained();
  }

  /** Acknowledges what it has, but for the newest `keep` frames. */
  acknowledge(keep: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, this.#position - keep);
    this.#follower?.drained();
  }

  /** What one connection's follower calls; nothing of it arrives once the connection has ended. */
  #sinkOf(connection: number): FollowerSink {
    const reader = this;
    const ifOpen =
      <Args extends unknown[]>(run: (...args: Args) => void) =>
      (...args: Args) => {
        if (connection === this.#connection) run(...args);
      };
    return {
      get unsentBytes() {
        return reader.unsentBytes;
      },
      get framesMax() {
        return reader.framesMax;
      },
      begin: ifOpen((start) => this.#begin(start)),
      frames: ifOpen((batch) => this.#frames(batch)),
      gap: ifOpen((gap) => this.#gap(gap)),
      fail: ifOpen((error) => this.#fail(error)),
    };
  }

  #begin({ after }: FollowStart): void {
    const cursorEpoch = this.#cursor?.epoch;
    const { version } = this.oracle;
    this.#note(() => this.walk.take({ kind: "begin", after, cursorEpoch, version }));
    if (cursorEpoch === undefined) this.#position = after;
    this.#acknowledged = this.#position;
  }

  #frames({ epoch, frames }: Batch): void {
    for (const { seq, json } of frames) {
      this.cutAfter -= json.length;
      if (this.cutAfter < 0) {
        this.disconnect();
        return;
      }
      this.#take(seq, json, epoch);
    }
  }

  #gap(gap: Gap): void {
    this.gaps++;
    this.#note(() => this.walk.take({ kind: "gap", gap }));
    this.#position = gap.first - 1;
    this.#acknowledged = this.#position;
    this.#cursor = { epoch: gap.epoch, seq: this.#position as Seq };
  }

  #fail({ code, message }: { code: string; message: string }): void {
    if (!MAY_END.has(code)) this.unexpected = `${code}: ${message}`;
    this.#follower = undefined;
    this.#isConnecting = false;
    this.#connection++;
  }

  /** Holds all it was given since the last check against the oracle. */
  check(): void {
    if (this.unexpected) throw new Error(this.unexpected);
    for (const look of this.#pending.splice(0)) look();
  }

  #take(seq: number, json: string, batchEpoch: string): void {
    const key = keyOf(json);
    this.#note(() => this.walk.take({ kind: "frame", seq, key, json }));
    this.frameCount++;
    this.#position = seq;
    if (this.isStalled) this.unsentBytes += json.length;
    const epoch = this.usesFrameEpoch ? (JSON.parse(json) as { epoch: string }).epoch : batchEpoch;
    this.#cursor = { epoch, seq: seq as Seq };
  }

  /** What was seen is judged when all is quiet: only then it is known what became of each append. */
  #note(look: () => void): void {
    this.#pending.push(look);
  }
}
