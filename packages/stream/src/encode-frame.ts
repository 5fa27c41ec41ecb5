import type { Correlation } from "@millrace/protocol";

/** What is spliced behind the cursor fields. */
export type FrameBody = {
  readonly ts: number;
  readonly type: string;
  readonly id: string;
  /** The data as JSON. */
  readonly data: string;
  readonly correlation: Correlation | undefined;
};

/** Types are few and repeat; past this many distinct ones the cache starts anew. */
const TYPES_CACHED_MAX = 1_000;
const quotedTypes = new Map<string, string>();
/** An id that is written between quotes as it is. */
const PLAIN_ID = /^[\w:.@/+=-]{1,64}$/;

/**
 * The frame as JSON, built once and passed on byte for byte to the log and to every reader. `prefix` is the stream's own
 * `{"stream":…,"epoch":…,"seq":`; the payload is spliced behind, so that nothing downstream parses it to find its place.
 */
export function encodeFrame(prefix: string, seq: number, { ts, type, id, data, correlation }: FrameBody): string {
  const quotedId = PLAIN_ID.test(id) ? `"${id}"` : JSON.stringify(id);
  const head = `${prefix}${seq},"ts":${ts},"type":${quoteType(type)},"id":${quotedId}`;
  // The data comes last: compact-frame.ts relies on it.
  if (correlation === undefined) return `${head},"data":${data}}`;
  return `${head},"correlation":${JSON.stringify(correlation)},"data":${data}}`;
}

function quoteType(type: string): string {
  const known = quotedTypes.get(type);
  if (known !== undefined) return known;
  if (quotedTypes.size >= TYPES_CACHED_MAX) quotedTypes.clear();
  const quoted = JSON.stringify(type);
  quotedTypes.set(type, quoted);
  return quoted;
}
