import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entity, Frame, Seq, StreamId } from "@millrace/client";
import fc from "fast-check";
import { applyEntity, applyFrame, emptyJob, type JobModel } from "../src/job-model.ts";
import { ROWS_MAX } from "../src/limits.ts";

const TYPES = ["document.started", "document.progress", "document.stored", "document.failed", "job.progress"] as const;

function frameOf(seq: number, type: string, index: number): Frame {
  const error = { code: "no_text", message: "no text", retryable: false };
  const document = { job: "j", index, source: `s${index}`, phase: "embed", done: seq, total: 99, chunks: seq, error };
  const job = { job: "j", total: 50, stored: seq, failed: 1, chunks: seq * 2, bytes: 9, elapsedMs: seq, etaMs: 5 };
  const data = type.startsWith("job") ? job : type === "document.failed" ? document : { ...document, error: undefined };
  return { stream: "job:j" as StreamId, epoch: "e", seq: seq as Seq, ts: seq, type, id: `d${index}`, data };
}

/** What the engine's timeline holds after some frames: the newest frame of each entity. */
function timelineOf(frames: readonly Frame[]): Entity[] {
  const newest = new Map<string, Entity>();
  for (const { type, seq, id, data } of frames) {
    const [kind = "", state = ""] = type.split(".");
    const key = kind === "job" ? "job" : id;
    newest.set(key, { kind, id, version: seq, firstSeq: 1, state, props: data as Record<string, unknown> });
  }
  return [...newest.values()];
}

const shown = (model: JobModel) => ({
  ...model,
  rows: [...model.rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
});

test("I8: a snapshot and the frames after it show the same as every frame, also when some frames come twice", () => {
  const steps = fc.array(fc.tuple(fc.constantFrom(...TYPES), fc.nat(6)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.nat(60), fc.nat(60), (given, cut, overlap) => {
      const frames = given.map(([type, index], at) => frameOf(at + 1, type, index));
      const all = emptyJob();
      for (const frame of frames) applyFrame(all, frame);
      const reloaded = emptyJob();
      for (const entity of timelineOf(frames.slice(0, cut))) applyEntity(reloaded, entity);
      for (const frame of frames.slice(Math.max(0, Math.min(cut, frames.length) - overlap)))
        applyFrame(reloaded, frame);
      assert.deepEqual(shown(reloaded), shown(all));
    }),
  );
});

test("a job of more sources than are kept drops stored ones first, never one that failed", () => {
  const model = emptyJob();
  applyFrame(model, frameOf(1, "document.failed", 0));
  for (let at = 1; at < ROWS_MAX + 50; at++) applyFrame(model, frameOf(at + 1, "document.stored", at));
  assert.equal(model.rows.size, ROWS_MAX);
  assert.equal(model.rows.get("0")?.error?.code, "no_text");
});

test("an ended job says how and has no time left", () => {
  const model = emptyJob();
  applyFrame(model, frameOf(1, "job.progress", 0));
  assert.equal(model.etaMs, 5);
  applyFrame(model, { ...frameOf(2, "job.interrupted", 0), data: { reason: "restart", stored: 7, total: 50 } });
  assert.deepEqual([model.state, model.reason, model.stored, model.etaMs], ["interrupted", "restart", 7, undefined]);
});
