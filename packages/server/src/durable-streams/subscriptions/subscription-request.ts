import {
  EXPLICIT_LINKS_MAX,
  LEASE_MS_DEFAULT,
  LEASE_MS_MAX,
  LEASE_MS_MIN,
  PATTERN_SEGMENTS_MAX,
  TEXT_CHARS_MAX,
} from "../limits.ts";
import { parseOffset } from "../offset.ts";
import { toLinkedPath } from "../stream-path.ts";
import { segmentsOf } from "./glob.ts";
import type { Ack, SubscriptionConfig } from "./subscription-record.ts";
import { SubscriptionRefusal } from "./subscription-refusal.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a callback, an acknowledgement or a release says. */
export type WakeRequest = {
  readonly wakeId: unknown;
  readonly generation: unknown;
  readonly acks: readonly Ack[];
  readonly isDone: boolean;
};

/** The body of a subscription request as fields; `INVALID_REQUEST` for anything but an object. */
export function readFields(body: unknown): Fields {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Fields;
  throw invalid("the body must be a JSON object");
}

export function readConfig(fields: Fields): SubscriptionConfig {
  const { type, pattern, webhook, lease_ttl_ms: lease = LEASE_MS_DEFAULT, description } = fields;
  if (type !== "webhook" && type !== "pull-wake") throw invalid(`type must be "webhook" or "pull-wake"`);
  const streams = fields.streams === undefined ? [] : readStreams(fields);
  const glob = pattern === undefined || pattern === "" ? undefined : readPattern(pattern);
  if (glob === undefined && streams.length === 0) throw invalid("at least one of pattern and streams is required");
  return {
    type,
    ...(glob === undefined ? {} : { pattern: glob }),
    streams: [...new Set(streams)].sort(),
    ...(type === "webhook" ? { webhookUrl: readText("webhook.url", (webhook as Fields | null | undefined)?.url) } : {}),
    ...(type === "pull-wake" ? { wakeStream: toPath("wake_stream", fields.wake_stream) } : {}),
    leaseMs: readLease(lease),
    ...(description === undefined ? {} : { description: readText("description", description) }),
  };
}

export function readStreams({ streams }: Fields): readonly string[] {
  if (!Array.isArray(streams)) throw invalid("streams must be an array of stream paths");
  if (streams.length > EXPLICIT_LINKS_MAX)
    throw invalid(`streams has ${streams.length} paths; at most ${EXPLICIT_LINKS_MAX} are taken, or use a pattern`);
  return streams.map((stream: unknown) => toPath("streams", stream));
}

export function readWorker({ worker }: Fields): string {
  return readText("worker", worker);
}

export function readWake({ wake_id: wakeId, generation, acks = [], done }: Fields): WakeRequest {
  if (!Array.isArray(acks)) throw invalid("acks must be an array");
  if (acks.length > EXPLICIT_LINKS_MAX)
    throw invalid(`acks has ${acks.length} entries; at most ${EXPLICIT_LINKS_MAX} are taken at once`);
  return { wakeId, generation, acks: acks.map(readAck), isDone: done === true };
}

function readAck(value: unknown): Ack {
  const { stream, path, offset } = readFields(value);
  if (typeof offset !== "string" || !parseOffset(offset))
    throw new SubscriptionRefusal("INVALID_OFFSET", "an acknowledged offset must be one that a stream gave");
  return { path: toPath("acks", stream ?? path), offset };
}

function readPattern(pattern: unknown): string {
  const segments = segmentsOf(readText("pattern", pattern));
  if (segments.length === 0 || segments.length > PATTERN_SEGMENTS_MAX)
    throw invalid(`pattern has ${segments.length} segments; 1 to ${PATTERN_SEGMENTS_MAX} are taken`);
  return segments.join("/");
}

function readLease(lease: unknown): number {
  if (typeof lease === "number" && Number.isInteger(lease) && lease >= LEASE_MS_MIN && lease <= LEASE_MS_MAX)
    return lease;
  throw invalid(`lease_ttl_ms must be a whole number from ${LEASE_MS_MIN} to ${LEASE_MS_MAX}`);
}

function toPath(name: string, value: unknown): string {
  const text = readText(name, value);
  try {
    // Paths in bodies are not percent-encoded; one that holds a percent sign is taken as it is.
    return toLinkedPath(text.replaceAll("%", "%25"));
  } catch (error) {
    throw invalid(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readText(name: string, value: unknown): string {
  if (typeof value === "string" && value.length > 0 && value.length <= TEXT_CHARS_MAX) return value;
  throw invalid(`${name} must be a text of 1 to ${TEXT_CHARS_MAX} characters`);
}

function invalid(message: string): SubscriptionRefusal {
  return new SubscriptionRefusal("INVALID_REQUEST", message);
}
