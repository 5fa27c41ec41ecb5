import type { StreamEvent } from "@millrace/protocol";
import { failAnswer, fieldsOf, indexOf, pushDelta, textOf } from "./llm-events.ts";
import type { TranslatorState } from "./translator-states.ts";
import type { TranslatorSet } from "./translators.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A content block that is being written. */
type Block = { readonly kind: "text" | "thinking" | "tool"; readonly id: string; readonly signature?: string };

/** One answer that is being written. */
type Answer = {
  readonly id: string;
  readonly blocks: Readonly<Record<number, Block>>;
  readonly finishReason: string | undefined;
  readonly usage: Fields;
};

/**
 * Events of type `anthropic.event`, each with one event of the Anthropic Messages stream as its data: `llm.start`, deltas and `llm.final`;
 * `llm.thinking.*` for thinking blocks; `tool.start` and `tool.delta` for calls (`tool.result` and `tool.done` only for tools the provider
 * runs itself). Its deltas do not say which message they are part of: events of one answer share the event's `id`, which is then the
 * answer's, or `correlation.run`; with neither, a stream can hold one answer at a time. Citations and what is not known become `log` frames.
 */
export const anthropicTranslators: TranslatorSet = { "anthropic.event": translateEvent };

function translateEvent(event: StreamEvent, state: TranslatorState): readonly StreamEvent[] {
  const data = fieldsOf(event.data, "the event");
  const run = event.id ?? event.correlation?.run ?? "";
  const known = state.get<Answer>(run);
  if (data.type === "ping") return [];
  if (data.type === "error") {
    state.delete(run);
    return failAnswer(known?.id ?? event.id, data.error, partsOf(known));
  }
  const out: StreamEvent[] = [];
  if (data.type === "message_start") {
    state.set(run, start(event.id, fieldsOf(data.message, "the message"), out));
    return out;
  }
  if (known === undefined) throw new Error(`${textOf(data.type)} came before message_start`);
  if (data.type === "message_stop") {
    state.delete(run);
    const reason = known.finishReason === undefined ? {} : { finishReason: known.finishReason };
    return [{ type: "llm.final", id: known.id, data: { ...reason, usage: known.usage } }];
  }
  const next = advance(known, data, out);
  if (next !== known) state.set(run, next);
  return out;
}

function start(id: string | undefined, message: Fields, out: StreamEvent[]): Answer {
  const answer = id ?? textOf(message.id);
  if (answer === "") throw new TypeError("the message has no id and the event has none");
  const data = { model: textOf(message.model), role: textOf(message.role) || "assistant" };
  out.push({ type: "llm.start", id: answer, data });
  const usage = message.usage ? fieldsOf(message.usage, "the usage") : {};
  return { id: answer, blocks: {}, finishReason: undefined, usage };
}

function advance(answer: Answer, data: Fields, out: StreamEvent[]): Answer {
  switch (data.type) {
    case "content_block_start":
      return startBlock(answer, indexOf(data.index), fieldsOf(data.content_block, "the block"), out);
    case "content_block_delta":
      return addToBlock(answer, indexOf(data.index), fieldsOf(data.delta, "the delta"), out);
    case "content_block_stop":
      return stopBlock(answer, indexOf(data.index), out);
    case "message_delta": {
      const { stop_reason: reason } = fieldsOf(data.delta, "the delta");
      const usage = data.usage ? { ...answer.usage, ...fieldsOf(data.usage, "the usage") } : answer.usage;
      return { ...answer, usage, finishReason: textOf(reason) || answer.finishReason };
    }
    default:
      out.push(note(answer, data));
      return answer;
  }
}

function startBlock(answer: Answer, index: number, block: Fields, out: StreamEvent[]): Answer {
  const thinking = `${answer.id}:thinking:${index}`;
  switch (block.type) {
    case "text":
      pushDelta(out, "llm.delta", answer.id, textOf(block.text));
      return withBlock(answer, index, { kind: "text", id: answer.id });
    case "thinking":
      out.push({ type: "llm.thinking.start", id: thinking, data: { message: answer.id } });
      pushDelta(out, "llm.thinking.delta", thinking, textOf(block.thinking));
      return withBlock(answer, index, { kind: "thinking", id: thinking, signature: textOf(block.signature) });
    case "redacted_thinking":
      out.push({ type: "llm.thinking.start", id: thinking, data: { message: answer.id } });
      out.push({ type: "llm.thinking.final", id: thinking, data: { redacted: textOf(block.data) } });
      return answer;
  }
  if (typeof block.tool_use_id === "string") {
    const isError = textOf(fieldsOrEmpty(block.content).type).endsWith("_error") || block.is_error === true;
    out.push({
      type: "tool.result",
      id: block.tool_use_id,
      data: { result: block.content, ...(isError ? { isError } : {}) },
    });
    out.push({ type: "tool.done", id: block.tool_use_id, data: {} });
    return answer;
  }
  if (typeof block.id !== "string" || typeof block.name !== "string") {
    out.push(note(answer, block));
    return answer;
  }
  out.push({ type: "tool.start", id: block.id, data: { name: block.name, message: answer.id } });
  const input = fieldsOrEmpty(block.input);
  if (Object.keys(input).length > 0) pushDelta(out, "tool.delta", block.id, JSON.stringify(input));
  return withBlock(answer, index, { kind: "tool", id: block.id });
}

function addToBlock(answer: Answer, index: number, delta: Fields, out: StreamEvent[]): Answer {
  const block = answer.blocks[index];
  if (block === undefined) throw new Error(`a delta came for block ${index}, which is not open`);
  if (delta.type === "text_delta") pushDelta(out, "llm.delta", block.id, textOf(delta.text));
  else if (delta.type === "thinking_delta") pushDelta(out, "llm.thinking.delta", block.id, textOf(delta.thinking));
  else if (delta.type === "input_json_delta") pushDelta(out, "tool.delta", block.id, textOf(delta.partial_json));
  else if (delta.type === "signature_delta")
    return withBlock(answer, index, { ...block, signature: textOf(delta.signature) });
  else out.push(note(answer, delta));
  return answer;
}

function stopBlock(answer: Answer, index: number, out: StreamEvent[]): Answer {
  const { [index]: block, ...blocks } = answer.blocks;
  if (block?.kind === "thinking") {
    const data = block.signature ? { signature: block.signature } : {};
    out.push({ type: "llm.thinking.final", id: block.id, data });
  }
  return { ...answer, blocks };
}

function withBlock(answer: Answer, index: number, block: Block): Answer {
  return { ...answer, blocks: { ...answer.blocks, [index]: block } };
}

/** Ids of the parts that are being written beside the answer's own text. */
function partsOf(answer: Answer | undefined): readonly string[] {
  const parts = Object.values(answer?.blocks ?? {});
  return parts.filter(({ kind }) => kind !== "text").map(({ id }) => id);
}

function note({ id }: Answer, data: Fields): StreamEvent {
  const type = `anthropic.${textOf(data.type)}`;
  return { type: "log", data: { level: "info", type, data: { message: id, event: data } } };
}

function fieldsOrEmpty(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
