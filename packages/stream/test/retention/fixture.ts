import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@millrace/core";
import type { Cursor, Frame, StreamId } from "@millrace/protocol";
import {
  Follower,
  type FollowerSink,
  LogReader,
  openStorage,
  Retention,
  type RetentionDefaults,
  retentionModuleUrl,
  Sequencer,
  verifyStore,
} from "@millrace/stream";
import { STREAM } from "../fixture.ts";

export type RetainedLog = Awaited<ReturnType<typeof openRetained>>;

/** A log with retention, in a directory of its own unless one is given, its time driven by the test. */
export async function openRetained({
  directory = mkdtempSync(join(tmpdir(), "millrace-log-")),
  isKept = false,
  clock = new ManualClock(),
  defaults = {} as RetentionDefaults,
} = {}) {
  const storage = await openStorage({ directory, modules: [retentionModuleUrl] });
  const sequencer = new Sequencer({ storage, clock, onAppended: (frames) => retention.grew(frames) });
  const errors: string[] = [];
  const onError = (error: { message: string }) => errors.push(error.message);
  const retention = new Retention({ storage, sequencer, clock, defaults, onError });
  const close = async () => {
    await retention.close();
    await storage.close();
  };
  return {
    directory,
    storage,
    sequencer,
    retention,
    clock,
    errors,
    reader: new LogReader(storage),
    close,
    follow: (sink: FollowerSink, after?: Cursor) => Follower.start({ sequencer, storage, stream: STREAM, after, sink }),
    async [Symbol.asyncDispose]() {
      await close();
      assert.deepEqual(errors, []);
      if (!isKept) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Appends `count` frames with texts of `chars` characters, and gives their JSON as it is stored. */
export async function fill(log: RetainedLog, count: number, { stream = STREAM, chars = 20 } = {}): Promise<void> {
  for (let sent = 0; sent < count; sent += 1_000) {
    const size = Math.min(1_000, count - sent);
    const events = Array.from({ length: size }, (_, at) => ({
      type: "log",
      data: { n: sent + at, text: "x".repeat(chars) },
    }));
    await log.sequencer.append(stream, events);
  }
}

/** The numbers of all frames the log holds. */
export async function seqsOf({ storage }: RetainedLog, stream: StreamId = STREAM): Promise<number[]> {
  const seqs: number[] = [];
  for (let after = 0; ; after = seqs.at(-1) ?? 0) {
    const args = { stream, after, limit: 1_000, bytesMax: 1_000_000 };
    const { rows } = (await storage.read("log.range", args)) as { rows: { seq: number; json: string }[] };
    if (rows.length === 0) return seqs;
    for (const { seq, json } of rows) {
      assert.equal((JSON.parse(json) as Frame).seq, seq);
      seqs.push(seq);
    }
  }
}

/** Everything the verifier knows to look for. */
export async function assertSound(directory: string): Promise<void> {
  const report = await verifyStore({ directory });
  assert.deepEqual(report.findings, []);
  assert.equal(report.isSound, true);
}
