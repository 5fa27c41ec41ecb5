/** Why a batch is refused: the message states value, limit and option, `retryAfterMs` when it is worth trying again. */
import { MillraceError } from "@millrace/core";
import type { Lane } from "@millrace/protocol";
import type { AdmitRequest } from "./entry.ts";
import type { LaneDepth } from "./lane-depth.ts";
import { RETRY_AFTER_MS_MAX, RETRY_AFTER_MS_MIN, RETRY_JITTER_SHARE } from "./limits.ts";
import type { MemoryGauge } from "./memory-gauge.ts";
import type { PressureGauge } from "./pressure.ts";
import type { SpaceAccount } from "./space-account.ts";

/** Under which name a refusal is counted. */
export type RefusalReason = "lane_full" | "shed" | "memory" | "space_queued" | "space_rate" | "too_large";

/** A wait with jitter (`chance` in [0, 1) adds up to a quarter), at least 10 ms, at most 60 s, whole milliseconds. */
export function retryAfterMs(waitMs: number, chance: number): number {
  const boundedMs = Math.min(RETRY_AFTER_MS_MAX, Math.max(RETRY_AFTER_MS_MIN, waitMs));
  const jitteredMs = boundedMs * (1 + chance * RETRY_JITTER_SHARE);
  return Math.ceil(Math.min(RETRY_AFTER_MS_MAX, jitteredMs));
}

/** The batch can never be admitted, however long the producer waits. */
export function tooLarge(
  request: AdmitRequest,
  limit: { readonly countMax: number; readonly bytesMax: number; readonly option: string },
): MillraceError {
  const isByCount = request.count > limit.countMax;
  const told = isByCount ? `${request.count} observations` : `${request.bytes} bytes`;
  const most = isByCount ? limit.countMax : limit.bytesMax;
  return new MillraceError(
    "too_large",
    `the batch has ${told}; ${limit.option} allows ${most}: send smaller batches or raise the option`,
  );
}

export function laneFull(request: AdmitRequest, depth: LaneDepth, retryMs: number): MillraceError {
  const isByCount = depth.count + request.count > depth.limits.countMax;
  const option = `lanes.${request.lane}.${isByCount ? "countMax" : "bytesMax"}`;
  const unit = isByCount ? "observations" : "bytes";
  const held = isByCount ? depth.count : depth.bytes;
  const more = isByCount ? request.count : request.bytes;
  const most = isByCount ? depth.limits.countMax : depth.limits.bytesMax;
  return overloaded(
    `lane ${request.lane} holds ${held} ${unit} and ${more} more do not fit; ${option} allows ${most}`,
    retryMs,
  );
}

export function shed(lane: Lane, gauge: PressureGauge, retryMs: number): MillraceError {
  const pressure = gauge.pressure.toFixed(2);
  const told = `lane ${lane} is refused while the engine is ${gauge.state} (pressure ${pressure})`;
  return overloaded(`${told}; raise lanes.*.countMax or memory.softBytes, or send less`, retryMs);
}

export function memoryFull(memory: MemoryGauge, retryMs: number): MillraceError {
  const told = `memory is ${memory.usedBytes} bytes; memory.hardBytes allows ${memory.limits.hardBytes}`;
  return overloaded(`${told}: raise it, or remove observations or spaces`, retryMs);
}

export function spaceQueued(request: AdmitRequest, account: SpaceAccount<unknown>, retryMs: number): MillraceError {
  const { queuedCountMax, queuedBytesMax } = account.quotas;
  const isByCount = queuedCountMax !== undefined && account.count + request.count > queuedCountMax;
  const held = isByCount ? `${account.count} observations` : `${account.bytes} bytes`;
  const more = isByCount ? request.count : request.bytes;
  const limit = isByCount
    ? `quotas.queuedCountMax allows ${queuedCountMax}`
    : `quotas.queuedBytesMax allows ${queuedBytesMax}`;
  return overloaded(`the space has ${held} under way and ${more} more do not fit; ${limit}`, retryMs);
}

export function spaceRate(request: AdmitRequest, perSecond: number, retryMs: number): MillraceError {
  const told = `the space sent more than quotas.perSecondMax allows, ${perSecond} observations a second`;
  return new MillraceError("rate_limited", `${told}; ${request.count} more can be sent in ${retryMs} ms`, {
    retryAfterMs: retryMs,
  });
}

export function rowsFull(space: number, rows: number, rowsMax: number): MillraceError {
  const told = `space ${space} would hold ${rows} observations; quotas.rowsMax allows ${rowsMax}`;
  return new MillraceError("too_large", `${told}: raise it, or remove observations`);
}

function overloaded(why: string, retryMs: number): MillraceError {
  return new MillraceError("overloaded", `${why}; try again in ${retryMs} ms`, { retryAfterMs: retryMs });
}
