import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cursor, Gap, StreamEvent, StreamId } from "@millrace/protocol";
import {
  type Batch,
  Follower,
  type FollowerSink,
  type FollowStart,
  LogReader,
  type Mode,
  openStorage,
  Sequencer,
} from "@millrace/stream";

export const STREAM = "chat:1" as StreamId;

/** A log of its own in a fresh directory; everything is gone when it is disposed. */
export async function openLog(options: { directory?: string; bytesMax?: number; mode?: Mode; modules?: URL[] } = {}) {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "millrace-log-"));
  const { bytesMax, mode = "relaxed", modules = [] } = options;
  const storage = await openStorage({ directory, modules, ...(bytesMax === undefined ? {} : { bytesMax }) });
  const sequencer = new Sequencer({ storage, mode });
  return {
    directory,
    storage,
    sequencer,
    reader: new LogReader(storage),
    follow: (sink: FollowerSink, after?: Cursor) => Follower.start({ sequencer, storage, stream: STREAM, after, sink }),
    async [Symbol.asyncDispose]() {
      await storage.close();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function temporaryDirectory(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "millrace-log-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function events(count: number, from = 0): StreamEvent[] {
  return Array.from({ length: count }, (_, at) => ({ type: "log", data: { n: from + at } }));
}

/** Collects what a follower hands over and lets a test wait for a number of frames. */
export class CollectingSink implements FollowerSink {
  unsentBytes = 0;
  readonly seqs: number[] = [];
  readonly jsons: string[] = [];
  readonly gaps: Gap[] = [];
  readonly failures: string[] = [];
  started: FollowStart | undefined;
  #waiters: { count: number; resolve: () => void }[] = [];

  begin(start: FollowStart): void {
    this.started = start;
  }

  frames({ frames }: Batch): void {
    for (const { seq, json } of frames) {
      this.seqs.push(seq);
      this.jsons.push(json);
    }
    this.#check();
  }

  gap(gap: Gap): void {
    this.gaps.push(gap);
  }

  fail(error: { code: string }): void {
    this.failures.push(error.code);
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  reached(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ count: this.failures.length > 0 ? 0 : count, resolve });
      this.#check();
    });
  }

  #check(): void {
    const done = this.#waiters.filter(({ count }) => this.seqs.length >= count);
    this.#waiters = this.#waiters.filter(({ count }) => this.seqs.length < count);
    for (const { resolve } of done) resolve();
  }
}

/** 1, 2, … `last`. */
export function upTo(last: number, from = 1): number[] {
  return Array.from({ length: last - from + 1 }, (_, at) => from + at);
}
