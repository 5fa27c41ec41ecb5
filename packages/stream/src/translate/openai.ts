import type { StreamEvent } from "@millrace/protocol";
import { failAnswer, fieldsOf, indexOf, listOf, PARTS_MAX, pushDelta, textOf } from "./llm-events.ts";
import type { TranslatorState } from "./translator-states.ts";
import type { TranslatorSet } from "./translators.ts";

/** What is known of one answer (one choice of a completion). */
type Answer = {
  readonly isEnded: boolean;
  /** Id of the thinking that is being written. */
  readonly thinking: string | undefined;
  readonly hasRefused: boolean;
  /** Ids of the tool calls by the index that their pieces carry. */
  readonly tools: Readonly<Record<number, string>>;
};

const FRESH: Answer = { isEnded: false, thinking: undefined, hasRefused: false, tools: {} };
const ENDED: Answer = { ...FRESH, isEnded: true };

/**
 * Events of type `openai.chunk`, each with one `chat.completion.chunk` of the OpenAI API (or of a server that speaks it) as its data:
 * `llm.start`, deltas and `llm.final`; `tool.start` and `tool.delta` for calls (the application adds `tool.result` and `tool.done`);
 * `llm.thinking.*` for `reasoning_content` or `reasoning`. The answer's id is the event's `id`, else the chunk's; further choices get `:1`, `:2` ….
 * Log probabilities are left out; a chunk with usage alone becomes a `log` frame, since it comes after the answer has ended.
 */
export const openAiTranslators: TranslatorSet = { "openai.chunk": translateChunk };

function translateChunk(event: StreamEvent, state: TranslatorState): readonly StreamEvent[] {
  const chunk = fieldsOf(event.data, "the chunk");
  if (typeof chunk.error === "object" && chunk.error !== null) return failed(event, chunk.error, state);
  const id = event.id ?? textOf(chunk.id);
  if (id === "") throw new TypeError("the chunk has no id and the event has none");
  const out: StreamEvent[] = [];
  let hasFinal = false;
  for (const item of listOf(chunk.choices)) {
    const choice = fieldsOf(item, "the choice");
    const index = indexOf(choice.index ?? 0);
    const about = { id: index === 0 ? id : `${id}:${index}`, chunk, out };
    hasFinal = translateChoice(about, choice, state) || hasFinal;
  }
  if (chunk.usage && !hasFinal) {
    out.push({ type: "log", data: { level: "info", type: "openai.usage", data: { message: id, usage: chunk.usage } } });
  }
  return out;
}

type About = { readonly id: string; readonly chunk: Readonly<Record<string, unknown>>; readonly out: StreamEvent[] };

/** Whether the answer has ended with this chunk. */
function translateChoice(about: About, choice: Readonly<Record<string, unknown>>, state: TranslatorState): boolean {
  const { id, chunk, out } = about;
  const delta = choice.delta ? fieldsOf(choice.delta, "the delta") : {};
  const known = state.get<Answer>(id);
  if (known === undefined) {
    out.push({ type: "llm.start", id, data: { model: textOf(chunk.model), role: textOf(delta.role) || "assistant" } });
  }
  let answer = think(about, known ?? FRESH, textOf(delta.reasoning_content) || textOf(delta.reasoning));
  const text = textOf(delta.content);
  const refusal = textOf(delta.refusal);
  const calls = callsOf(delta);
  if (answer.thinking !== undefined && (text || refusal || calls.length > 0)) answer = endThinking(about, answer);
  pushDelta(out, "llm.delta", id, text);
  pushDelta(out, "llm.delta", id, refusal);
  if (refusal) answer = { ...answer, hasRefused: true };
  for (const call of calls) answer = translateCall(about, answer, fieldsOf(call, "the tool call"));
  if (typeof choice.finish_reason !== "string" || answer.isEnded) {
    if (answer !== known) state.set(id, answer);
    return false;
  }
  if (answer.thinking !== undefined) answer = endThinking(about, answer);
  const usage = chunk.usage ? { usage: chunk.usage } : {};
  const refused = answer.hasRefused ? { refusal: true } : {};
  out.push({ type: "llm.final", id, data: { finishReason: choice.finish_reason, ...usage, ...refused } });
  // Kept, because servers send chunks without text after the last one; they must not start the answer again.
  state.set(id, ENDED);
  return true;
}

function think({ id, out }: About, answer: Answer, text: string): Answer {
  if (text === "") return answer;
  const thinking = `${id}:thinking`;
  if (answer.thinking === undefined) out.push({ type: "llm.thinking.start", id: thinking, data: { message: id } });
  pushDelta(out, "llm.thinking.delta", thinking, text);
  return answer.thinking === undefined ? { ...answer, thinking } : answer;
}

function endThinking({ out }: About, answer: Answer): Answer {
  if (answer.thinking !== undefined) out.push({ type: "llm.thinking.final", id: answer.thinking, data: {} });
  return { ...answer, thinking: undefined };
}

/** Pieces of tool calls; the one call of the older form is the first of them. */
function callsOf(delta: Readonly<Record<string, unknown>>): readonly unknown[] {
  if (delta.function_call) return [{ index: 0, function: delta.function_call }];
  return listOf(delta.tool_calls);
}

function translateCall({ id, out }: About, answer: Answer, call: Readonly<Record<string, unknown>>): Answer {
  const index = indexOf(call.index ?? 0);
  const { name, arguments: args } = fieldsOf(call.function ?? {}, "the function");
  const known = answer.tools[index];
  const tool = known ?? (textOf(call.id) || `${id}:tool:${index}`);
  if (known === undefined) out.push({ type: "tool.start", id: tool, data: { name: textOf(name), message: id } });
  pushDelta(out, "tool.delta", tool, textOf(args));
  return known === undefined ? { ...answer, tools: { ...answer.tools, [index]: tool } } : answer;
}

/** An error names no completion: it ends the answer whose id the event has. */
function failed({ id }: StreamEvent, error: unknown, state: TranslatorState): readonly StreamEvent[] {
  if (id === undefined) return failAnswer(undefined, error, []);
  const out: StreamEvent[] = [];
  let hasAny = false;
  for (let index = 0; index < PARTS_MAX; index++) {
    const answerId = index === 0 ? id : `${id}:${index}`;
    const answer = state.get<Answer>(answerId);
    if (answer === undefined) break;
    hasAny = true;
    if (answer.isEnded) continue;
    const parts = [...(answer.thinking === undefined ? [] : [answer.thinking]), ...Object.values(answer.tools)];
    out.push(...failAnswer(answerId, error, parts));
    state.set(answerId, ENDED);
  }
  return hasAny && out.length > 0 ? out : failAnswer(hasAny ? undefined : id, error, []);
}
