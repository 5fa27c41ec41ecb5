import type { StreamId } from "@millrace/protocol";
import { Batch, encodeFrame, FrameRing, type StoredFrame } from "@millrace/stream";
import { CopyTrimBuffer } from "../baselines/copy-trim-buffer.ts";
import { parseAndRebuild } from "../baselines/parse-and-rebuild.ts";
import { makePayload } from "../load/payload.ts";
import { type BenchCase, defineCase } from "../src/case.ts";
import { nanosecondsPerCall } from "../src/time.ts";

const STREAM = "chat:bench" as StreamId;
const EPOCH = "01k5bench00000";
const PREFIX = `{"stream":"${STREAM}","epoch":"${EPOCH}","seq":`;
const COUNT_MAX = 1_024;
const BYTES_MAX = 512 * 1024;
/** Frames that leave in one batch: what one turn of the event loop gathers under load. */
const BATCH = 16;

/** A new string for each frame, as a producer's are: one that is written twice would be a cache's work. */
const VARIANTS = 64;

/** Rounds in which the ways take turns. */
const ROUNDS = 7;

type Input = { readonly data: string; readonly envelope: string; readonly object: unknown };

function inputs(bytes: number): Input[] {
  return Array.from({ length: VARIANTS }, (_, at) => {
    const data = makePayload(at, 1_790_000_000_000_000 + at, bytes);
    return { data, object: JSON.parse(data), envelope: `{"type":"llm.delta","id":"m${at}","data":${data}}` };
  });
}

/** Numbers a frame, splices its payload in and keeps it in the ring; gives a batch of them their bytes, once for all readers. */
class Enricher {
  readonly #ring = new FrameRing();
  #batch: StoredFrame[] = [];
  bytes = 0;

  add(data: string): StoredFrame {
    const seq = this.#ring.next;
    const json = encodeFrame(PREFIX, seq, {
      ts: Date.now(),
      type: "llm.delta",
      id: "m1",
      data,
      correlation: undefined,
    });
    // Makes one string of the parts it was put together from, which V8 puts off until someone reads it: the cost belongs here.
    this.bytes += json.charCodeAt(0);
    const frame = { seq, json };
    this.#ring.push(frame);
    this.#ring.evict(COUNT_MAX, BYTES_MAX, Number.POSITIVE_INFINITY);
    return frame;
  }

  addToWire(data: string): void {
    this.#batch.push(this.add(data));
    if (this.#batch.length < BATCH) return;
    const batch = new Batch(STREAM, EPOCH, this.#batch);
    this.bytes += batch.encoded("ws", ({ frames }) => Buffer.from(frames.map((one) => one.json).join(","))).length;
    this.#batch = [];
  }
}

class Rebuilder {
  readonly #buffer = new CopyTrimBuffer<StoredFrame>(COUNT_MAX);
  #seq = 0;
  bytes = 0;

  add(envelope: string): string {
    const json = parseAndRebuild(envelope, { epoch: EPOCH, seq: ++this.#seq });
    this.bytes += json.charCodeAt(0);
    this.#buffer.add({ seq: this.#seq, json });
    return json;
  }
}

/** Median nanoseconds a call of each, in rounds that take turns: a slow spell of the machine falls on all of them. */
function alternate(ways: readonly { readonly count: number; readonly call: (at: number) => void }[]): number[] {
  const rounds = Array.from({ length: ROUNDS }, () => ways.map(({ count, call }) => nanosecondsPerCall(count, call)));
  return ways.map((_, way) => rounds.map((round) => round[way] ?? 0).sort((a, b) => a - b)[ROUNDS >> 1] ?? 0);
}

/** Median of a few tries, since a collection in the middle of one makes it useless. */
function heapBytesPerCall(count: number, call: (at: number) => void): number {
  const tries = Array.from({ length: ROUNDS }, () => {
    const before = process.memoryUsage().heapUsed;
    for (let at = 0; at < count; at++) call(at);
    return Math.max(0, process.memoryUsage().heapUsed - before) / count;
  });
  return tries.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0;
}

function enrichCase(label: string, bytes: number, count: number): BenchCase {
  const baselineCount = Math.max(200, Math.floor(count / 20));
  return defineCase({
    name: `stream/enrich-${label}`,
    title: `a frame of ${bytes.toLocaleString("en-US")} B numbered, encoded and kept in a full ring, beside parse, rebuild and copy-trim`,
    unit: "frames/s",
    figures: {
      frames: { kind: "throughput", ...(bytes === 200 ? { bar: 1_000_000 } : {}) },
      fromObject: { kind: "throughput" },
      onWire: { kind: "throughput" },
      baseline: { kind: "plain" },
      overBaseline: { kind: "throughput", unit: "×", bar: 10 },
      fromObjectOverBaseline: { kind: "throughput", unit: "×" },
      heapBytes: { kind: "plain", unit: "B/frame" },
    },
    options: { bytes, count, baselineCount, rounds: ROUNDS, ring: COUNT_MAX, batch: BATCH },
    setup: () => inputs(bytes),
    run: (given) => {
      const at = (n: number): Input => given[n & (VARIANTS - 1)] as Input;
      const [spliced, stringified, wired, rebuilt] = [new Enricher(), new Enricher(), new Enricher(), new Rebuilder()];
      const ways = [
        { count, call: (n: number) => void spliced.add(at(n).data) },
        { count, call: (n: number) => void stringified.add(JSON.stringify(at(n).object)) },
        { count, call: (n: number) => wired.addToWire(at(n).data) },
        { count: baselineCount, call: (n: number) => void rebuilt.add(at(n).envelope) },
      ];
      // Full before it is measured: overflow is the state a ring is in.
      for (const { call } of ways) for (let n = 0; n < COUNT_MAX * 2; n++) call(n);
      const [ns = 0, objectNs = 0, wireNs = 0, baselineNs = 0] = alternate(ways);
      return {
        frames: 1e9 / ns,
        fromObject: 1e9 / objectNs,
        onWire: 1e9 / wireNs,
        baseline: 1e9 / baselineNs,
        overBaseline: baselineNs / ns,
        fromObjectOverBaseline: baselineNs / objectNs,
        heapBytes: heapBytesPerCall(200, (n) => spliced.add(at(n).data)),
      };
    },
  });
}

const ADDS = 1_000_000;
const BASELINE_ADDS = 20_000;
const SNAPSHOT = 1_000;
const SNAPSHOTS = 2_000;

const ring = defineCase({
  name: "stream/ring-overflow",
  title: `add to a full ring of ${COUNT_MAX} frames, and read ${SNAPSHOT} of it, beside an array copied to be trimmed`,
  unit: "ns",
  figures: {
    add: { kind: "latency" },
    addBaseline: { kind: "plain" },
    addOverBaseline: { kind: "throughput", unit: "×", bar: 50 },
    snapshot: { kind: "latency" },
    snapshotBaseline: { kind: "plain" },
    addHeapBytes: { kind: "plain", unit: "B/add" },
  },
  options: { adds: ADDS, baselineAdds: BASELINE_ADDS, ring: COUNT_MAX, snapshot: SNAPSHOT },
  setup: () => inputs(200).map(({ data }) => data),
  run: (texts) => {
    const kept = new FrameRing();
    const copied = new CopyTrimBuffer<StoredFrame>(COUNT_MAX);
    const add = () => {
      const seq = kept.next;
      kept.push({ seq, json: texts[seq & (VARIANTS - 1)] ?? "" });
      kept.evict(COUNT_MAX, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    };
    const addBaseline = (seq: number) => copied.add({ seq, json: texts[seq & (VARIANTS - 1)] ?? "" });
    for (let n = 0; n < COUNT_MAX * 2; n++) {
      add();
      addBaseline(n);
    }
    const addNs = nanosecondsPerCall(ADDS, add);
    const addBaselineNs = nanosecondsPerCall(BASELINE_ADDS, addBaseline);
    let seen = 0;
    const snapshot = nanosecondsPerCall(SNAPSHOTS, () => {
      const frames: StoredFrame[] = [];
      for (let seq = kept.next - SNAPSHOT; seq < kept.next; seq++) {
        const frame = kept.at(seq);
        if (frame) frames.push(frame);
      }
      seen += frames.length;
    });
    const snapshotBaseline = nanosecondsPerCall(SNAPSHOTS, () => {
      seen += copied.snapshot(SNAPSHOT).length;
    });
    if (seen !== 2 * SNAPSHOT * SNAPSHOTS) throw new Error(`snapshots held ${seen} frames`);
    return {
      add: addNs,
      addBaseline: addBaselineNs,
      addOverBaseline: addBaselineNs / addNs,
      snapshot,
      snapshotBaseline,
      addHeapBytes: heapBytesPerCall(10_000, add),
    };
  },
});

export const cases: readonly BenchCase[] = [
  enrichCase("200b", 200, 100_000),
  enrichCase("1k", 1_024, 40_000),
  enrichCase("4k", 4_096, 12_000),
  enrichCase("16k", 16_384, 4_000),
  ring,
];
