import type { IngestSession, OpenSessionRequest } from "@millrace/memory";
import type { IngestCapabilities, SpaceId } from "@millrace/protocol";

/** What the engine itself takes; the wire adds its own pauses and bounds. */
export type EngineCapabilities = Omit<IngestCapabilities, "heartbeatMs" | "idleTimeoutMs" | "sessionsMax">;

/** The part of the memory that takes observations, as the wire needs it. */
export interface ObservationIngest {
  /** `not_found` when there is no such space and none can be made, `dimension_mismatch`, `overloaded`, `unavailable`. */
  open(request: OpenSessionRequest): Promise<IngestSession>;
  /** How many of the ids there were. */
  remove(space: SpaceId, ids: readonly string[]): Promise<number>;
  capabilities(space: SpaceId): EngineCapabilities;
  /** texts × the space's dimensions numbers, in order. `invalid_argument` when the space has no model, `provider_failed`. */
  embedTexts(space: SpaceId, texts: readonly string[], signal?: AbortSignal): Promise<Float32Array>;
}
