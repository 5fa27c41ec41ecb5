/**
 * The lifecycle of what frames are about (I7), as data: for every kind, every frame type that concerns it and every state, what happens.
 * The types make the compiler check that no cell is missing.
 *
 * Documents and whole `message` frames have no lifecycle: a document can be stored again, a message is complete in one frame.
 */

/** Kinds of entity that begin and end. An id is known within its kind: thinking may share the id of its message. */
export const KINDS = ["message", "thinking", "tool", "mode", "job"] as const;
export type Kind = (typeof KINDS)[number];

/** `absent` is an id not heard of (or forgotten); the last three are terminal. */
export const STATES = ["absent", "open", "done", "error", "interrupted"] as const;
export type State = (typeof STATES)[number];

/** What is odd but kept: counted for the debug view, never refused. */
export const ANOMALIES = ["unstarted", "resultWithoutCall", "otherKind", "withoutId"] as const;
export type Anomaly = (typeof ANOMALIES)[number];

/** What a frame does to an entity: leads it to a state, or is refused with a code. */
export type Step =
  | { readonly to: State; readonly anomaly?: Anomaly }
  | { readonly refuse: "terminal" | "conflict"; readonly to?: never };

/** The two types that end whatever open entity their `id` names, of any kind. */
export type EndingType = "error" | "interrupted";

export type TypesOfKind = {
  readonly message: "llm.start" | "llm.delta" | "llm.final";
  readonly thinking: "llm.thinking.start" | "llm.thinking.delta" | "llm.thinking.final" | "llm.thinking.summary";
  readonly tool: "tool.start" | "tool.delta" | "tool.result" | "tool.done";
  readonly mode: "thinking.mode.started" | "thinking.mode.update" | "thinking.mode.completed";
  readonly job: "job.started" | "job.progress" | "job.done" | "job.error" | "job.interrupted";
};

export type StepOfState = Readonly<Record<State, Step>>;
export type LifecycleTable = {
  readonly [K in Kind]: Readonly<Record<TypesOfKind[K] | EndingType, StepOfState>>;
};

const TERMINAL = { refuse: "terminal" } as const;
const ENDED = { done: TERMINAL, error: TERMINAL, interrupted: TERMINAL } as const;

/** A second start would mix two texts under one id, so it is refused; sending an event again is what `messageId` is for. */
const START: StepOfState = { absent: { to: "open" }, open: { refuse: "conflict" }, ...ENDED };
const PART: StepOfState = { absent: { to: "open", anomaly: "unstarted" }, open: { to: "open" }, ...ENDED };
/** A result without a call is worth keeping and worth showing. */
const RESULT: StepOfState = { absent: { to: "open", anomaly: "resultWithoutCall" }, open: { to: "open" }, ...ENDED };
/** A summary is made beside the text or after it, or instead of it. */
const SUMMARY: StepOfState = {
  absent: { to: "absent" },
  open: { to: "open" },
  done: { to: "done" },
  error: TERMINAL,
  interrupted: TERMINAL,
};

function end(state: State): StepOfState {
  return { absent: { to: state, anomaly: "unstarted" }, open: { to: state }, ...ENDED };
}

/** `error` and `interrupted` about an id that is no entity are frames like any other. */
function endIfOpen(state: State): StepOfState {
  return { absent: { to: "absent" }, open: { to: state }, ...ENDED };
}

const ENDINGS = { error: endIfOpen("error"), interrupted: endIfOpen("interrupted") } as const;

/** Every transition. Stable: the verifier and the documentation read it. */
export const LIFECYCLE: LifecycleTable = {
  message: { "llm.start": START, "llm.delta": PART, "llm.final": end("done"), ...ENDINGS },
  thinking: {
    "llm.thinking.start": START,
    "llm.thinking.delta": PART,
    "llm.thinking.final": end("done"),
    "llm.thinking.summary": SUMMARY,
    ...ENDINGS,
  },
  tool: { "tool.start": START, "tool.delta": PART, "tool.result": RESULT, "tool.done": end("done"), ...ENDINGS },
  mode: {
    "thinking.mode.started": START,
    "thinking.mode.update": PART,
    "thinking.mode.completed": end("done"),
    ...ENDINGS,
  },
  job: {
    "job.started": START,
    "job.progress": PART,
    "job.done": end("done"),
    "job.error": end("error"),
    "job.interrupted": end("interrupted"),
    ...ENDINGS,
  },
};

/** How one frame type bears on its kind. */
export type Rule = {
  readonly type: string;
  readonly kind: Kind;
  /** Place of the kind in KINDS. */
  readonly kindAt: number;
  /** Whether its data is `{offset, append}`. */
  readonly isText: boolean;
  readonly steps: StepOfState;
};

const TEXT_TYPES: ReadonlySet<string> = new Set(["llm.delta", "llm.thinking.delta", "tool.delta"]);

/** The rule of every type that belongs to one kind. `error` and `interrupted` belong to all and are not in it. */
export const RULES: ReadonlyMap<string, Rule> = new Map(
  KINDS.flatMap((kind, kindAt) =>
    Object.entries<StepOfState>(LIFECYCLE[kind])
      .filter(([type]) => !isEndingType(type))
      .map(([type, steps]) => [type, { type, kind, kindAt, isText: TEXT_TYPES.has(type), steps }] as const),
  ),
);

export function isEndingType(type: string): type is EndingType {
  return type === "error" || type === "interrupted";
}

export function isTerminalState(state: State): boolean {
  return state !== "absent" && state !== "open";
}
