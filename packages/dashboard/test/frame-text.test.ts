import assert from "node:assert/strict";
import { test } from "node:test";
import { aboutOf, toneOf } from "../src/frame-text.ts";

const lines: readonly (readonly [type: string, data: unknown, about: string, tone: string])[] = [
  ["llm.start", { model: "m" }, "a1", "calm"],
  ["llm.delta", { offset: 3, append: "one\ntwo" }, "a1 + one ↵ two", "calm"],
  ["llm.final", { finishReason: "stop" }, "a1 ended: stop", "good"],
  ["llm.final", {}, "a1 ended", "good"],
  ["interrupted", { reason: "restart" }, "a1 was cut off: restart", "warn"],
  ["error", { code: "rate_limited", message: "too fast" }, "rate_limited: too fast", "bad"],
  ["tool.start", { name: "search" }, "a1 calls search", "calm"],
  ["tool.result", { result: { hits: 3 } }, 'a1 answers {"hits":3}', "calm"],
  ["tool.result", { result: "no such tool", isError: true }, 'a1 answers "no such tool"', "bad"],
  ["tool.done", { tookMs: 3 }, "a1", "good"],
  ["log", { type: "strange.event", data: { n: 1 } }, 'strange.event · {"n":1}', "calm"],
  ["log", { level: "error", type: "openai.chunk", message: "no choices" }, "error · openai.chunk · no choices", "calm"],
  ["message", { text: "hello" }, "hello", "calm"],
  ["timeline.upsert", { kind: "note", props: {} }, "note a1", "calm"],
  ["document.progress", { source: "a.pdf", phase: "embed" }, "a.pdf · embed", "calm"],
  ["document.stored", { source: "a.pdf" }, "a.pdf", "good"],
  ["document.failed", { source: "a.pdf" }, "a.pdf", "bad"],
  ["job.progress", { stored: 2, total: 1_200, source: null }, "2 of 1,200 stored", "calm"],
  ["job.interrupted", { stored: 2, total: 3 }, "2 of 3 stored", "warn"],
  ["x.own", 7, "a1", "calm"],
  ["x.own", null, "a1", "calm"],
];

for (const [type, data, about, tone] of lines) {
  test(`a frame of ${type} says: ${about}`, () => {
    assert.equal(aboutOf({ type, id: "a1", data }), about);
    assert.equal(toneOf({ type, data }), tone);
  });
}
