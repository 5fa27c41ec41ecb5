/** Time as the load generator needs it; injected, so that tests drive it. */
import { setImmediate, setTimeout } from "node:timers/promises";

export interface Pace {
  /** Monotonic milliseconds with a fraction. */
  nowMs(): number;
  /** Lets the event loop turn, and waits so long at least. */
  pause(ms: number): Promise<void>;
}

export const systemPace: Pace = {
  nowMs: () => performance.now(),
  pause: async (ms) => {
    if (ms > 0) await setTimeout(ms);
    else await setImmediate();
  },
};
