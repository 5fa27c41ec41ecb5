import type { StreamEvent } from "@millrace/protocol";

/** What one event type does, written apart from the table under test: kind, and the outcome in each state. `!` is a refusal. */
export const EXPECTED = `
type                     kind      absent       open         done         error       interrupted
llm.start                message   open         !conflict    !terminal    !terminal   !terminal
llm.delta                message   open         open         !terminal    !terminal   !terminal
llm.final                message   done         done         !terminal    !terminal   !terminal
llm.thinking.start       thinking  open         !conflict    !terminal    !terminal   !terminal
llm.thinking.delta       thinking  open         open         !terminal    !terminal   !terminal
llm.thinking.final       thinking  done         done         !terminal    !terminal   !terminal
llm.thinking.summary     thinking  absent       open         done         !terminal   !terminal
tool.start               tool      open         !conflict    !terminal    !terminal   !terminal
tool.delta               tool      open         open         !terminal    !terminal   !terminal
tool.result              tool      open         open         !terminal    !terminal   !terminal
tool.done                tool      done         done         !terminal    !terminal   !terminal
thinking.mode.started    mode      open         !conflict    !terminal    !terminal   !terminal
thinking.mode.update     mode      open         open         !terminal    !terminal   !terminal
thinking.mode.completed  mode      done         done         !terminal    !terminal   !terminal
job.started              job       open         !conflict    !terminal    !terminal   !terminal
job.progress             job       open         open         !terminal    !terminal   !terminal
job.done                 job       done         done         !terminal    !terminal   !terminal
job.error                job       error        error        !terminal    !terminal   !terminal
job.interrupted          job       interrupted  interrupted  !terminal    !terminal   !terminal
error                    *         absent       error        !terminal    !terminal   !terminal
interrupted              *         absent       interrupted  !terminal    !terminal   !terminal
`;

const LINES = EXPECTED.trim()
  .split("\n")
  .map((line) => line.split(/\s+/));
const STATES = LINES[0]?.slice(2) ?? [];

export type Outcomes = { readonly type: string; readonly kind: string; readonly of: Readonly<Record<string, string>> };

export const OUTCOMES: readonly Outcomes[] = LINES.slice(1).map(([type = "", kind = "", ...cells]) => ({
  type,
  kind,
  of: Object.fromEntries(STATES.map((state, at) => [state, cells[at] ?? ""])),
}));
const BY_TYPE = new Map(OUTCOMES.map((outcomes) => [outcomes.type, outcomes]));
const ALL_KINDS = [...new Set(OUTCOMES.map(({ kind }) => kind))].filter((kind) => kind !== "*");

export type OracleEntity = { state: string; text: string; startSeq: number; endSeq: number | null };
export type OracleState = ReadonlyMap<string, OracleEntity>;

/** The state after one event, or the code with which it is refused. Copies everything: slow and plain. */
export function step(before: OracleState, event: StreamEvent, seq: number, openMax: number): OracleState | string {
  const outcomes = BY_TYPE.get(event.type);
  const { id } = event;
  if (!outcomes || id === undefined) return before;
  const kinds = outcomes.kind === "*" ? ALL_KINDS : [outcomes.kind];
  const after = new Map(before);
  const results = kinds.map((kind) => ({ key: `${kind}/${id}`, to: outcomes.of[stateOf(before, `${kind}/${id}`)] }));
  const refusals = results.filter(({ to }) => to?.startsWith("!"));
  const moves = results.filter(({ key, to }) => !to?.startsWith("!") && to !== stateOf(before, key));
  const refusal = refusals[0]?.to;
  if (refusal && (outcomes.kind !== "*" || moves.length === 0)) return refusal.slice(1);
  const data = event.data as { offset?: number; append?: string };
  for (const { key, to } of outcomes.kind === "*" ? moves : results) {
    const entity = before.get(key) ?? { state: "absent", text: "", startSeq: seq, endSeq: null };
    if (to === undefined || to === "absent" || isEnded(entity.state)) continue;
    if (event.type.endsWith(".delta") && data.offset !== undefined && data.offset !== entity.text.length)
      return "conflict";
    const text = event.type.endsWith(".delta") ? entity.text + data.append : entity.text;
    after.set(key, { ...entity, state: to, text, endSeq: isEnded(to) ? seq : null });
  }
  const openCount = (state: OracleState) => [...state.values()].filter(({ state }) => state === "open").length;
  return openCount(after) > openMax && openCount(after) > openCount(before) ? "overloaded" : after;
}

export function stateOf(state: OracleState, key: string): string {
  return state.get(key)?.state ?? "absent";
}

export function isEnded(state: string): boolean {
  return state === "done" || state === "error" || state === "interrupted";
}
