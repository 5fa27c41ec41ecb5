import { monitorEventLoopDelay } from "node:perf_hooks";
import { GCProfiler, getHeapStatistics } from "node:v8";
import { type Clock, Histogram, systemClock } from "@millrace/core";
import { RateMeter } from "./rate-meter.ts";

/** Collections are read out this often, so that their records never pile up. */
const COLLECT_EVERY_MS = 1_000;
/** The loop is looked at this often; a delay shorter than that is partly missed. */
const LOOP_RESOLUTION_MS = 10;
/** Delays shown are those of the last one to two of these. */
const LOOP_SPAN_MS = 30_000;

export type LoopDelay = { readonly p50: number; readonly p99: number; readonly max: number };

/**
 * What the main thread's JavaScript costs: pauses of the garbage collector, what is allocated, and how late the event loop runs. Allocation
 * is exact: the heap before each collection less the heap after the one before it (measured: no cost beside that of the collections).
 */
export class ProcessMeter implements Disposable {
  readonly #clock: Clock;
  readonly #pauseMicros = new Histogram();
  readonly #allocated: RateMeter;
  #profiler = startProfiler();
  #heapBytes = getHeapStatistics().used_heap_size;
  /** Two monitors in turn: one is always at least a span old. */
  #loop = startMonitor();
  #youngLoop = startMonitor();
  #turnedMs: number;
  #cancel = () => {};

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#allocated = new RateMeter(clock);
    this.#turnedMs = clock.monotonic();
    this.#watch();
  }

  /** Microseconds of each pause for garbage collection. */
  get gcPauseMicros(): Histogram {
    this.#collect();
    return this.#pauseMicros;
  }

  /** Bytes allocated on the JavaScript heap since the start. */
  get allocatedBytes(): number {
    this.#collect();
    return this.#allocated.total;
  }

  get allocatedBytesPerSecond(): number {
    this.#collect();
    return this.#allocated.perSecond;
  }

  get heapBytes(): number {
    return getHeapStatistics().used_heap_size;
  }

  /** Milliseconds by which the event loop was late, over the last 30 to 60 s. */
  get loopDelayMs(): LoopDelay {
    return {
      p50: lateMs(this.#loop.percentile(50)),
      p99: lateMs(this.#loop.percentile(99)),
      max: lateMs(this.#loop.max),
    };
  }

  [Symbol.dispose](): void {
    this.#cancel();
    this.#profiler.stop();
    this.#loop.disable();
    this.#youngLoop.disable();
  }

  #watch(): void {
    this.#cancel = this.#clock.after(COLLECT_EVERY_MS, () => {
      this.#collect();
      this.#turnLoops();
      this.#watch();
    });
  }

  #collect(): void {
    // Undefined once it was stopped for good.
    const collections = this.#profiler.stop()?.statistics ?? [];
    this.#profiler = startProfiler();
    let bytes = 0;
    for (const { cost, beforeGC, afterGC } of collections) {
      this.#pauseMicros.record(cost);
      bytes += Math.max(0, beforeGC.heapStatistics.usedHeapSize - this.#heapBytes);
      this.#heapBytes = afterGC.heapStatistics.usedHeapSize;
    }
    const heapBytes = getHeapStatistics().used_heap_size;
    bytes += Math.max(0, heapBytes - this.#heapBytes);
    this.#heapBytes = heapBytes;
    this.#allocated.add(bytes);
  }

  #turnLoops(): void {
    if (this.#clock.monotonic() - this.#turnedMs < LOOP_SPAN_MS) return;
    this.#turnedMs = this.#clock.monotonic();
    this.#loop.reset();
    [this.#loop, this.#youngLoop] = [this.#youngLoop, this.#loop];
  }
}

function startProfiler(): GCProfiler {
  const profiler = new GCProfiler();
  profiler.start();
  return profiler;
}

function startMonitor(): ReturnType<typeof monitorEventLoopDelay> {
  const monitor = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  monitor.enable();
  return monitor;
}

/** The monitor records the time between two of its looks, of which the resolution is meant to be there (measured: 10.19 ms when idle). */
function lateMs(nanos: number): number {
  return Math.max(0, nanos / 1e6 - LOOP_RESOLUTION_MS);
}
