import { checkInteger, MillraceError } from "@millrace/core";
import { isReservedStream, type StreamId } from "@millrace/protocol";

/** What of a stream is kept; a bound that is absent does not apply. The newest frame is always kept. */
export type RetentionPolicy = {
  /** Frames older than this are trimmed, by the `ts` they carry. */
  readonly maxAgeMs?: number;
  /** Bytes of frames, as `bytes` of the stream counts them. */
  readonly maxBytes?: number;
  readonly maxFrames?: number;
};

/** What applies where a stream has no policy of its own. */
export type RetentionDefaults = RetentionPolicy & {
  /** The stream of a job that ended longer ago is deleted as a whole; absent: all are kept. */
  readonly jobsMaxAgeMs?: number;
};

const BOUND = { min: 1, max: Number.MAX_SAFE_INTEGER };

/** The value as a policy, or `invalid_argument` naming the bound that is wrong. Fields that are absent stay so. */
export function checkPolicy(value: RetentionDefaults): RetentionDefaults {
  for (const name of ["maxAgeMs", "maxBytes", "maxFrames", "jobsMaxAgeMs"] as const) {
    if (value[name] !== undefined) checkInteger(name, value[name], BOUND);
  }
  return value;
}

/** Whether the policy keeps everything. */
export function isUnbounded({ maxAgeMs, maxBytes, maxFrames }: RetentionPolicy): boolean {
  return maxAgeMs === undefined && maxBytes === undefined && maxFrames === undefined;
}

/** Only clients' streams are trimmed or deleted by name: spaces are rebuilt from theirs, and those of jobs go as a whole with age. */
export function checkTrimmable(stream: StreamId, what: string): void {
  if (!isReservedStream(stream)) return;
  const message = `stream ${stream} is the engine's own and cannot be ${what}; a space is deleted with DELETE /v1/spaces/{space}, streams of jobs go with the engine's jobsMaxAgeMs`;
  throw new MillraceError("forbidden", message);
}
