import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamEvent } from "@millrace/protocol";
import { anthropicTranslators } from "../../src/translate/anthropic.ts";
import { AnswerLog } from "./answer-log.ts";

const event = (data: object, about: Partial<StreamEvent> = {}): StreamEvent => ({
  type: "anthropic.event",
  data,
  ...about,
});
const start = (id: string, about?: Partial<StreamEvent>) =>
  event(
    { type: "message_start", message: { id, role: "assistant", model: "m", content: [], usage: { input_tokens: 3 } } },
    about,
  );
const open = (index: number, block: object, about?: Partial<StreamEvent>) =>
  event({ type: "content_block_start", index, content_block: block }, about);
const add = (index: number, delta: object, about?: Partial<StreamEvent>) =>
  event({ type: "content_block_delta", index, delta }, about);
const close = (index: number, about?: Partial<StreamEvent>) => event({ type: "content_block_stop", index }, about);
const stop = (about?: Partial<StreamEvent>) => event({ type: "message_stop" }, about);
const text = (words: string) => ({ type: "text_delta", text: words });

test("an answer with thinking, text and a tool call: each begins and ends once, texts are whole", () => {
  const log = new AnswerLog(anthropicTranslators);
  log.append(start("msg"), event({ type: "ping" }));
  log.append(
    open(0, { type: "thinking", thinking: "", signature: "" }),
    add(0, { type: "thinking_delta", thinking: "Hm" }),
  );
  log.append(add(0, { type: "signature_delta", signature: "sig" }), close(0));
  log.append(open(1, { type: "text", text: "" }), add(1, text("I look ")), add(1, text("it up.")), close(1));
  log.append(open(2, { type: "tool_use", id: "toolu", name: "find", input: {} }));
  log.append(
    add(2, { type: "input_json_delta", partial_json: "" }),
    add(2, { type: "input_json_delta", partial_json: '{"q":1}' }),
  );
  log.append(
    close(2),
    event({ type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 8 } }),
    stop(),
  );
  assert.deepEqual(log.line, [
    ...["llm.start msg", "llm.thinking.start msg:thinking:0", "llm.thinking.delta msg:thinking:0"],
    ...[
      "llm.thinking.final msg:thinking:0",
      "llm.delta msg",
      "llm.delta msg",
      "tool.start toolu",
      "tool.delta toolu",
      "llm.final msg",
    ],
  ]);
  assert.equal(log.text("llm.delta", "msg"), "I look it up.");
  assert.equal(log.text("tool.delta", "toolu"), '{"q":1}');
  assert.deepEqual(log.data("llm.thinking.final"), [{ signature: "sig" }]);
  assert.deepEqual(log.data("llm.final"), [{ finishReason: "tool_use", usage: { input_tokens: 3, output_tokens: 8 } }]);
  assert.equal(log.lifecycles.openCount, 1);
  assert.equal(log.translators.stateCount, 0);
  assert.equal(log.anomalies, 0);
});

test("two answers at once in one stream are told apart by the run, or by the event's id, which is then the answer's", () => {
  const log = new AnswerLog(anthropicTranslators);
  const abouts = [{ correlation: { run: "r1" } }, { correlation: { run: "r2" } }, { id: "mine" }];
  abouts.forEach((about, at) => {
    log.append(start(`msg${at}`, about), open(0, { type: "text", text: "" }, about));
  });
  for (const words of ["a", "b"]) {
    abouts.forEach((about, at) => {
      log.append(add(0, text(`${words}${at}`), about));
    });
  }
  for (const about of abouts) log.append(close(0, about), stop(about));
  assert.deepEqual(
    ["msg0", "msg1", "mine"].map((id) => log.text("llm.delta", id)),
    ["a0b0", "a1b1", "a2b2"],
  );
  assert.equal(log.lifecycles.openCount, 0);
  assert.equal(log.translators.stateCount, 0);
});

test("a tool that the provider runs has its result and its end; an input given whole is one delta", () => {
  const log = new AnswerLog(anthropicTranslators);
  log.append(
    start("msg"),
    open(0, { type: "server_tool_use", id: "srv", name: "web_search", input: { query: "x" } }),
    close(0),
  );
  log.append(
    open(1, { type: "web_search_tool_result", tool_use_id: "srv", content: [{ title: "t" }] }),
    close(1),
    stop(),
  );
  assert.equal(log.text("tool.delta", "srv"), '{"query":"x"}');
  assert.deepEqual(log.data("tool.result"), [{ result: [{ title: "t" }] }]);
  assert.equal(log.lifecycles.openCount, 0);
  assert.equal(log.anomalies, 0);
});

test("an error ends the answer and the parts being written; the next answer starts anew", () => {
  const log = new AnswerLog(anthropicTranslators);
  log.append(
    start("one"),
    open(0, { type: "thinking", thinking: "" }),
    add(0, { type: "thinking_delta", thinking: "H" }),
  );
  log.append(event({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }));
  assert.deepEqual(log.line.slice(-2), ["error one", "interrupted one:thinking:0"]);
  assert.deepEqual(log.data("error"), [{ code: "overloaded_error", message: "Overloaded" }]);
  log.append(start("two"), stop());
  assert.equal(log.lifecycles.openCount, 0);
});

test("redacted thinking is kept; citations and unknown blocks, deltas and events become log frames", () => {
  const log = new AnswerLog(anthropicTranslators);
  log.append(
    start("msg"),
    open(0, { type: "redacted_thinking", data: "enc" }),
    close(0),
    open(1, { type: "text", text: "T" }),
  );
  log.append(add(1, { type: "citations_delta", citation: { url: "u" } }), add(1, { type: "new_delta" }), close(1));
  log.append(open(2, { type: "container_upload", file_id: "f" }), event({ type: "new_event" }), stop());
  assert.deepEqual(log.data("llm.thinking.final"), [{ redacted: "enc" }]);
  assert.deepEqual(
    log.data("log").map((data) => (data as { type: string }).type),
    ["citations_delta", "new_delta", "container_upload", "new_event"].map((type) => `anthropic.${type}`),
  );
  assert.equal(log.translators.counts.failed, 0);
});

test("what comes without its beginning, or is malformed, is kept as an error log", () => {
  const log = new AnswerLog(anthropicTranslators);
  log.append(add(0, text("a")), stop(), event([] as never), event({ type: "message_start", message: { content: [] } }));
  log.append(
    start("m"),
    add(7, text("a")),
    open(-1, { type: "text" }),
    event({ type: "content_block_start", index: 0 }),
  );
  assert.equal(log.translators.counts.failed, 7);
  assert.deepEqual(
    log.line.filter((line) => line !== "log"),
    ["llm.start m"],
  );
});
