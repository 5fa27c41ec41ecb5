import { unreachable } from "@millrace/core";
import type { FlowState } from "../session.ts";
import type { PressureState } from "./pressure.ts";

/** Credits of a session that was granted so many: all, half at warning, a quarter at critical, none when overloaded. At least 1 but for that. */
export function creditsFor(state: PressureState, granted: number): number {
  switch (state) {
    case "normal":
      return granted;
    case "warning":
      return Math.max(1, Math.floor(granted / 2));
    case "critical":
      return Math.max(1, Math.floor(granted / 4));
    case "overloaded":
      return 0;
    default:
      return unreachable(state);
  }
}

/** What a producer is told as the state changes: from a pause it resumes, from slowness it speeds up. */
export function flowFor(state: PressureState, before: FlowState): FlowState {
  if (state === "overloaded") return "pause";
  if (state !== "normal") return "slow_down";
  if (before === "pause") return "resume";
  return before === "slow_down" ? "speed_up" : before;
}
