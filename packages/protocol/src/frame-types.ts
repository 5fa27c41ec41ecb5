/**
 * The closed list of frame types and what each carries. A type outside the list is either an application's own (`x.` and anything) or not a
 * frame type: an event of such a type is translated, or kept as a `log` frame.
 */

/** Text added to an entity. `offset` counts UTF-16 units from the start of its text; a keyframe carries the whole `text` so far as well. */
export type TextDelta = { readonly offset: number; readonly append: string; readonly text?: string };
/** A text delta as a producer may send it: without `offset` the engine fills in where the text stands. */
export type TextDeltaInput = { readonly offset?: number; readonly append: string; readonly text?: string };

export type LlmStart = { readonly model?: string; readonly role?: string };
export type LlmDelta = TextDelta;
export type LlmFinal = { readonly finishReason?: string; readonly usage?: unknown; readonly text?: string };
/** `message` is the id of the answer that the thinking is for. */
export type ThinkingStart = { readonly message?: string };
export type ThinkingFinal = { readonly signature?: string; readonly redacted?: string; readonly text?: string };
export type ThinkingSummary = { readonly text: string };
/** `message` is the id of the answer that made the call. The deltas that follow carry the arguments as JSON text. */
export type ToolStart = { readonly name: string; readonly message?: string };
export type ToolResult = { readonly result: unknown; readonly isError?: boolean };
export type ToolDone = { readonly tookMs?: number };
export type LogLevel = "debug" | "info" | "warn" | "error";
/** `type` and `data` are those of the event that was kept as a log frame. */
export type Log = {
  readonly level?: LogLevel;
  readonly message?: string;
  readonly type?: string;
  readonly data?: unknown;
};
export type AgentMode = { readonly mode: string };
export type DebuggerPause = { readonly reason?: string };
export type ThinkingModeStarted = { readonly mode: string };
export type ThinkingModeUpdate = { readonly text?: string };
export type ThinkingModeCompleted = { readonly text?: string };
/** A message that is whole at once, as a user's is. */
export type WholeMessage = { readonly text: string; readonly role?: string };
/** An error; when the frame's `id` names what is open, that has ended with it (I7). */
export type Failure = { readonly code?: string; readonly message: string };
/** What the frame's `id` names was cut off and has ended (I7). */
export type Interruption = { readonly reason: string };
/** The state of one entity of an application's own kind. */
export type TimelineUpsert = { readonly kind: string; readonly props: Readonly<Record<string, unknown>> };

/** What the engine watches; docs/alerts.md says what each rule measures. */
export const ALERT_RULES = [
  "throughput",
  "searchable_p99",
  "depth",
  "utilisation",
  "memory",
  "rejections",
  "batch_failures",
  "worker_down",
  "imbalance",
] as const;
export type AlertRule = (typeof ALERT_RULES)[number];
export type AlertUnit = "observations/s" | "ms" | "observations" | "%" | "bytes" | "failures" | "deaths" | "points";
/**
 * What `alert.raised` and `alert.cleared` carry, in the stream `_system`; the frame's `id` is the rule, or `rule/subject`. `value` and `limit`
 * are in `unit`; `sinceMs` is when it was raised, in both.
 */
export type Alert = {
  readonly rule: AlertRule;
  /** Which of several it is about, for example `worker-1`. */
  readonly subject?: string;
  readonly value: number;
  readonly limit: number;
  readonly unit: AlertUnit;
  readonly sinceMs: number;
  /** What to look at. */
  readonly hint: string;
};

/** What a frame of each type carries. */
export type FrameDataOf = {
  readonly "llm.start": LlmStart;
  readonly "llm.delta": LlmDelta;
  readonly "llm.final": LlmFinal;
  readonly "llm.thinking.start": ThinkingStart;
  readonly "llm.thinking.delta": TextDelta;
  readonly "llm.thinking.final": ThinkingFinal;
  readonly "llm.thinking.summary": ThinkingSummary;
  readonly "tool.start": ToolStart;
  readonly "tool.delta": TextDelta;
  readonly "tool.result": ToolResult;
  readonly "tool.done": ToolDone;
  readonly log: Log;
  readonly "agent.mode": AgentMode;
  readonly "debugger.pause": DebuggerPause;
  readonly "thinking.mode.started": ThinkingModeStarted;
  readonly "thinking.mode.update": ThinkingModeUpdate;
  readonly "thinking.mode.completed": ThinkingModeCompleted;
  readonly message: WholeMessage;
  readonly error: Failure;
  readonly interrupted: Interruption;
  readonly "timeline.upsert": TimelineUpsert;
};

export type FrameType = keyof FrameDataOf;

const CLOSED: Readonly<Record<FrameType, true>> = {
  "llm.start": true,
  "llm.delta": true,
  "llm.final": true,
  "llm.thinking.start": true,
  "llm.thinking.delta": true,
  "llm.thinking.final": true,
  "llm.thinking.summary": true,
  "tool.start": true,
  "tool.delta": true,
  "tool.result": true,
  "tool.done": true,
  log: true,
  "agent.mode": true,
  "debugger.pause": true,
  "thinking.mode.started": true,
  "thinking.mode.update": true,
  "thinking.mode.completed": true,
  message: true,
  error: true,
  interrupted: true,
  "timeline.upsert": true,
};

/** Every frame type that is known by its whole name. */
export const FRAME_TYPES: readonly FrameType[] = Object.keys(CLOSED) as FrameType[];

/** Families of the engine, open by prefix: a new member is no new version of the protocol. */
export const FRAME_FAMILIES = [
  "job.",
  "document.",
  "memory.",
  "consolidation.",
  "alert.",
  "stream.",
  "extract.",
] as const;

/** What an application's own frame types begin with; they pass as they are. */
export const APPLICATION_PREFIX = "x.";

const TYPES: ReadonlySet<string> = new Set(FRAME_TYPES);

/** Whether an event of this type becomes a frame as it is: a type of the list, a member of a family, or an application's own. */
export function isFrameType(type: string): boolean {
  if (TYPES.has(type)) return true;
  if (isMember(type, APPLICATION_PREFIX)) return true;
  for (const family of FRAME_FAMILIES) if (isMember(type, family)) return true;
  return false;
}

function isMember(type: string, prefix: string): boolean {
  return type.length > prefix.length && type.startsWith(prefix);
}
