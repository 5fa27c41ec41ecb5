import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { Deadline, ManualClock } from "@millrace/core";
import type { StreamId } from "@millrace/protocol";
import { verifyStore } from "@millrace/stream";
import { type AppendRecord, LogOracle } from "./oracle.ts";
import { Senders, type Sending } from "./senders.ts";
import { SimLog } from "./sim-log.ts";
import { SimReader } from "./sim-reader.ts";
import { READERS_PER_STREAM, STREAMS, type Step } from "./steps.ts";

/** Codes an append may be refused with when the disk is in trouble; `sequence_gap` when what its producer sent before was lost. */
const MAY_REFUSE = new Set(["storage_failed", "storage_full", "overloaded", "timeout", "sequence_gap", "gone"]);
/** Codes a change of retention may fail with: the stream has no frame yet, or the process ends. */
const MAY_NOT_TRIM = new Set(["not_found", "unavailable", "storage_failed", "storage_full"]);

type Part = { readonly stream: StreamId; readonly oracle: LogOracle; readonly senders: Senders };
type Of<Kind extends Step["do"]> = Extract<Step, { do: Kind }>;

/** Streams, their readers and their senders over one log, moved step by step, and what the oracle says of each. */
export class Simulation {
  readonly readers: SimReader[];
  readonly counts = { frames: 0, refused: 0, crashes: 0 };
  readonly #clock = new ManualClock();
  readonly #parts: readonly Part[] = STREAMS.map((stream) => {
    return { stream, oracle: new LogOracle(), senders: new Senders(stream) };
  });
  #log: SimLog | undefined;
  /** Appends and trims not yet answered. */
  readonly #open = new Set<Promise<void>>();
  /** Grows with every process that died: what is answered for an earlier one reaches nobody. */
  #life = 0;

  constructor() {
    this.readers = this.#parts.flatMap(({ stream, oracle }) =>
      Array.from({ length: READERS_PER_STREAM }, () => new SimReader(stream, oracle)),
    );
  }

  get log(): SimLog {
    assert(this.#log);
    return this.#log;
  }

  /** What happened, to be sure that it is not nothing. */
  get totals(): Record<string, number> {
    const sum = (of: (reader: SimReader) => number) => this.readers.reduce((total, reader) => total + of(reader), 0);
    const versions = this.#parts.reduce((total, { oracle }) => total + oracle.version, 0);
    return {
      ...this.counts,
      delivered: sum(({ frameCount }) => frameCount),
      cuts: sum(({ cuts }) => cuts),
      gaps: sum(({ gaps }) => gaps),
      versions,
    };
  }

  async start(): Promise<void> {
    this.#log = await SimLog.open(this.#clock);
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case "append":
        return this.#append(step);
      case "connect":
        return this.#connect(step);
      case "cut":
        return this.#cut(step);
      case "stall":
        this.#reader(step).isStalled = true;
        return;
      case "drain":
        return this.#reader(step).drain();
      case "ack":
        return this.#reader(step).acknowledge(step.keep);
      case "trim":
        return this.#trim(step);
      case "remove":
        return this.#remove(step);
      case "fail":
        return this.#trouble(step, (isOn) => this.log.setFailing(isOn));
      case "fill":
        return this.#trouble(step, (isOn) => this.log.setFull(isOn));
      case "crash":
        return this.#crash(step);
      case "turns":
        return turns(step.count);
      case "advance":
        return this.#clock.advance(step.ms);
      default:
        return this.#wholeLog(step.do);
    }
  }

  /** No more faults: every reader gets everything, every producer's events are there, and nothing is left behind. */
  async finish(): Promise<void> {
    await this.settle();
    for (const part of this.#parts) for (const sending of part.senders.leftovers()) await this.#send(part, sending);
    for (const reader of this.readers) {
      reader.window = undefined;
      reader.cutAfter = Number.POSITIVE_INFINITY;
      reader.drain();
      await reader.connect(this.log);
    }
    await this.settle();
    for (const { oracle, senders } of this.#parts) senders.check(oracle);
    for (const reader of this.readers) {
      assert.ok(reader.isFree, "every reader follows at the end");
      reader.disconnect();
    }
    for (const { name, followers, holds, pending } of this.log.sequencer.opened()) {
      assert.deepEqual([name, followers, holds, pending], [name, 0, 0, 0], "nobody holds a stream any more");
    }
    const { directory } = this.log;
    await this.log.close();
    const report = await verifyStore({ directory });
    assert.deepEqual(report.findings, []);
  }

  /** Waits until every write was answered and every reader that can has everything, then asks the oracle. */
  async settle(): Promise<void> {
    await this.log.thaw();
    await this.#answered();
    await this.#checkLogs();
    await this.#until("readers to have everything", () => this.readers.every((reader) => this.#isDone(reader)));
    for (const reader of this.readers) {
      reader.check();
      if (reader.isFree) reader.walk.checkComplete();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.readers) reader.disconnect();
    await this.#log?.close();
    if (this.#log) rmSync(this.#log.directory, { recursive: true, force: true });
  }

  #isDone(reader: SimReader): boolean {
    const part = this.#parts.find(({ oracle }) => oracle === reader.oracle);
    return !reader.isFree || reader.position === part?.oracle.entries.length;
  }

  async #wholeLog(what: "freeze" | "thaw" | "settle" | "restart"): Promise<void> {
    if (what === "freeze") await this.log.freeze();
    else if (what === "thaw") await this.log.thaw();
    else if (what === "settle") await this.settle();
    else await this.#restart();
  }

  async #append({ stream, count, chars, mode, sender }: Of<"append">): Promise<void> {
    const part = this.#part(stream);
    await this.#send(part, part.senders.make(count, chars, sender), mode);
  }

  async #send({ stream, oracle }: Part, sending: Sending, mode: "strict" | "relaxed" = "relaxed"): Promise<void> {
    const { sent, events, options, kept, refused } = sending;
    try {
      const submitting = this.log.sequencer.submit(stream, events, { ...options, mode });
      const submitted = await this.#thawingFor(submitting);
      this.counts.frames += submitted.accepted;
      this.#watch(oracle.appended(sent, submitted), submitted.durable, { kept, refused });
    } catch (error) {
      this.#refused(error);
      refused();
    }
  }

  /** After a failed write an append waits for the log to be read again, for which a disk that stands still has to move. */
  async #thawingFor<T>(submitting: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    submitting.then(settled, settled);
    for (let turn = 0; this.log.isFrozen && !isSettled && turn < 2_000; turn++) await setImmediate();
    if (!isSettled) await this.log.thaw();
    return submitting;
  }

  #watch(append: AppendRecord, durable: Promise<unknown>, { kept, refused }: Pick<Sending, "kept" | "refused">): void {
    const life = this.#life;
    const then = (state: "durable" | "failed", tell: () => void) => {
      if (life !== this.#life) return;
      append.state = state;
      tell();
    };
    this.#await(
      durable.then(
        () => then("durable", kept),
        (error: unknown) => {
          if (life === this.#life) this.#refused(error);
          then("failed", refused);
        },
      ),
    );
  }

  #await(work: Promise<void>): void {
    this.#open.add(work);
    void work.finally(() => this.#open.delete(work)).catch(() => {});
  }

  #refused(error: unknown): void {
    const { code } = error as { code?: string };
    if (!MAY_REFUSE.has(code ?? "")) throw error;
    this.counts.refused++;
  }

  async #connect({ reader: at, window, byFrame }: Of<"connect">): Promise<void> {
    const reader = this.#reader({ reader: at });
    if (reader.isConnected) return;
    reader.window = window;
    reader.usesFrameEpoch = byFrame;
    // Not awaited: what happens next may happen while it subscribes.
    this.#await(reader.connect(this.log));
  }

  #cut({ reader: at, afterChars }: Of<"cut">): void {
    const reader = this.#reader({ reader: at });
    if (afterChars < 50) reader.disconnect();
    else reader.cutAfter = afterChars;
  }

  /** The oracle is told of it by the log, once all is quiet: readers may hear of it long before its caller does, or when its caller is dead. */
  async #trim({ stream: at, keep }: Of<"trim">): Promise<void> {
    const { stream } = this.#part(at);
    const { retention } = this.log;
    const trimming = async () => {
      await retention.set(stream, { maxFrames: keep });
      await retention.set(stream, undefined);
    };
    this.#await(
      trimming().catch((error: { code?: string }) => {
        if (!MAY_NOT_TRIM.has(error.code ?? "")) throw error;
      }),
    );
  }

  /** Everything before it has been answered, so that it is known which log each of it belongs to. */
  async #remove({ stream: at }: Of<"remove">): Promise<void> {
    await this.settle();
    const { stream, oracle, senders } = this.#part(at);
    await this.log.sequencer.remove([stream]);
    oracle.removed();
    senders.removed();
  }

  async #trouble({ stream, appends, count }: Of<"fail" | "fill">, set: (isOn: boolean) => void): Promise<void> {
    set(true);
    await this.#appends(stream, appends, count);
    set(false);
  }

  async #appends(stream: number, appends: number, count: number): Promise<void> {
    for (let n = 0; n < appends; n++) {
      const sender = n % 2 === 0 ? ({ by: "nobody" } as const) : ({ by: "producer", name: n % 3, back: n } as const);
      await this.#append({ do: "append", stream, count, chars: 20, mode: "relaxed", sender });
    }
  }

  /** The process dies while readers see frames that its disk never got, and another opens what it left. */
  async #crash({ stream, appends, count }: Of<"crash">): Promise<void> {
    await this.log.freeze();
    await this.#appends(stream, appends, count);
    await turns(3);
    const before = this.log;
    const directory = before.copyFiles();
    await this.#reopen(directory, () => before.close());
    rmSync(before.directory, { recursive: true, force: true });
    this.counts.crashes++;
  }

  async #restart(): Promise<void> {
    await this.log.thaw();
    await this.#answered();
    const { directory } = this.log;
    await this.#reopen(directory, () => this.log.close());
  }

  async #reopen(directory: string, close: () => Promise<void>): Promise<void> {
    this.#life++;
    for (const reader of this.readers) reader.disconnect();
    this.#open.clear();
    await close();
    this.#log = await SimLog.open(this.#clock, directory);
    await this.#checkLogs();
  }

  async #checkLogs(): Promise<void> {
    for (const { stream, oracle } of this.#parts) {
      const { first, epochs, rows } = await this.log.rows(stream);
      for (const epoch of epochs) oracle.epochs.add(epoch);
      oracle.checkLog(first, rows);
    }
  }

  async #answered(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
    // A change of policy that took longer than its caller waits is trimmed on in a pass of its own.
    await this.log.retention.sweep();
    await this.#until("fences to be lifted", () => [...this.log.sequencer.opened()].every((live) => !live.isFenced));
  }

  async #until(what: string, isReached: () => boolean): Promise<void> {
    const deadline = Deadline.after(120_000);
    while (!isReached()) {
      deadline.check(what);
      await setImmediate();
    }
  }

  #part(at: number): Part {
    return this.#parts[at] ?? assert.fail();
  }

  #reader({ reader }: { reader: number }): SimReader {
    return this.readers[reader] ?? assert.fail();
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await setImmediate();
}
