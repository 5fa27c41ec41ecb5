import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamEvent } from "@millrace/protocol";
import { openAiTranslators } from "../../src/translate/openai.ts";
import { AnswerLog } from "./answer-log.ts";

type Choice = { readonly index?: number; readonly delta?: object; readonly finish_reason?: string | null };

const chunk = (choices: readonly Choice[], more: object = {}): StreamEvent => ({
  type: "openai.chunk",
  data: { id: "c1", object: "chat.completion.chunk", created: 1, model: "gpt", choices, ...more },
});
const piece = (delta: object, finish: string | null = null) => chunk([{ index: 0, delta, finish_reason: finish }]);
const call = (index: number, fields: object) => piece({ tool_calls: [{ index, ...fields }] });

test("an answer of text: started by its first chunk, ended by its finish reason, usage kept", () => {
  const log = new AnswerLog(openAiTranslators);
  log.append(
    piece({ role: "assistant", content: "" }),
    piece({ content: "Hel" }),
    piece({ content: "lo 👍" }),
    piece({}, "stop"),
  );
  log.append(chunk([], { usage: { total_tokens: 9 } }));
  assert.deepEqual(log.line, ["llm.start c1", "llm.delta c1", "llm.delta c1", "llm.final c1", "log"]);
  assert.deepEqual(log.data("llm.start"), [{ model: "gpt", role: "assistant" }]);
  assert.equal(log.text("llm.delta", "c1"), "Hello 👍");
  assert.deepEqual(log.data("llm.final"), [{ finishReason: "stop" }]);
  assert.deepEqual(log.data("log"), [
    { level: "info", type: "openai.usage", data: { message: "c1", usage: { total_tokens: 9 } } },
  ]);
  assert.equal(log.anomalies, 0);
});

test("tool calls in parallel: one start each, arguments put together by index, open until the application ends them", () => {
  const log = new AnswerLog(openAiTranslators);
  log.append(
    piece({ role: "assistant", content: null }),
    call(0, { id: "call_a", type: "function", function: { name: "weather", arguments: "" } }),
    call(0, { function: { arguments: '{"city":' } }),
    call(1, { id: "call_b", type: "function", function: { name: "time", arguments: "{}" } }),
    call(0, { function: { arguments: '"Ulm"}' } }),
    piece({}, "tool_calls"),
  );
  assert.equal(log.text("tool.delta", "call_a"), '{"city":"Ulm"}');
  assert.equal(log.text("tool.delta", "call_b"), "{}");
  assert.deepEqual(log.data("tool.start"), [
    { name: "weather", message: "c1" },
    { name: "time", message: "c1" },
  ]);
  assert.equal(log.lifecycles.openCount, 2);
  for (const id of ["call_a", "call_b"])
    log.append({ type: "tool.result", id, data: { result: 1 } }, { type: "tool.done", id, data: {} });
  assert.equal(log.lifecycles.openCount, 0);
  assert.equal(log.anomalies, 0);
});

test("reasoning becomes thinking, which ends where the answer begins; a refusal is text and said at the end", () => {
  const log = new AnswerLog(openAiTranslators);
  log.append(piece({ role: "assistant", reasoning_content: "Let me" }), piece({ reasoning: " see" }));
  log.append(piece({ refusal: "I cannot." }), piece({}, "stop"));
  assert.deepEqual(log.line, [
    ...["llm.start c1", "llm.thinking.start c1:thinking", "llm.thinking.delta c1:thinking"],
    ...["llm.thinking.delta c1:thinking", "llm.thinking.final c1:thinking", "llm.delta c1", "llm.final c1"],
  ]);
  assert.equal(log.text("llm.thinking.delta", "c1:thinking"), "Let me see");
  assert.deepEqual(log.data("llm.final"), [{ finishReason: "stop", refusal: true }]);
});

test("choices are answers of their own; the event's id is the answer's id", () => {
  const log = new AnswerLog(openAiTranslators);
  const choices = (finish: string | null) =>
    [0, 1].map((index) => ({ index, delta: { content: `t${index}` }, finish_reason: finish }));
  for (const finish of [null, "stop"]) log.append({ ...chunk(choices(finish)), id: "mine" });
  assert.equal(log.text("llm.delta", "mine"), "t0t0");
  assert.equal(log.text("llm.delta", "mine:1"), "t1t1");
  assert.equal(log.lifecycles.openCount, 0);
});

test("chunks without text after the end change nothing; text after the end is refused", () => {
  const log = new AnswerLog(openAiTranslators);
  log.append(piece({ content: "a" }, "stop"), piece({ role: "assistant", content: "" }), piece({}, "stop"));
  assert.deepEqual(log.line, ["llm.start c1", "llm.delta c1", "llm.final c1"]);
  assert.throws(() => log.append(piece({ content: "late" })), /has ended as done/);
});

test("an error ends the answer of the event's id and the parts being written", () => {
  const log = new AnswerLog(openAiTranslators);
  const error = { type: "openai.chunk", data: { error: { code: "server_error", message: "try again" } } };
  log.append({ ...call(0, { id: "t", function: { name: "f", arguments: "{" } }), id: "m" }, { ...error, id: "m" });
  log.append(error);
  assert.deepEqual(log.line, ["llm.start m", "tool.start t", "tool.delta t", "error m", "interrupted t", "error"]);
  assert.deepEqual(log.data("error")[0], { code: "server_error", message: "try again" });
  assert.equal(log.lifecycles.openCount, 0);
});

test("what is no chunk is kept as an error log", () => {
  const log = new AnswerLog(openAiTranslators);
  const bad = [null, "text", {}, { id: "c", choices: [null] }, { id: "c", choices: [{ index: -1 }] }, { choices: [] }];
  for (const data of bad.filter((data) => !(data && typeof data === "object" && Object.keys(data).length === 0)))
    log.append({ type: "openai.chunk", data });
  assert.equal(log.translators.counts.failed, 5);
  assert.equal(log.data("log").length, 5);
});

test("an append that is refused and sent again gives the same frames as one that was not", () => {
  const events = [piece({ role: "assistant", content: "He" }), piece({ content: "y" }), piece({}, "stop")];
  const log = new AnswerLog(openAiTranslators);
  log.append(events[0] as StreamEvent);
  const stream = "chat:1" as never;
  log.translators.translate(events.slice(1), stream);
  log.translators.revert();
  log.append(...events.slice(1));
  const once = new AnswerLog(openAiTranslators);
  once.append(...events);
  assert.deepEqual(log.frames, once.frames);
});
