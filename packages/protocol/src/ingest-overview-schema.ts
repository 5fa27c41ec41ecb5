/** How observations fare, in the overview (PROTOCOL.md, Overview); `schemas.ts` re-exports it. */
import Type, { type Static } from "typebox";
import { ALERT_RULES } from "./frame-types.ts";

const Text = Type.String();
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Amount = Type.Number({ minimum: 0 });
const Share = Type.Number({ minimum: 0, maximum: 1 });

/** Milliseconds, or observations, of a window. */
const SpreadSchema = Type.Object({ count: Count, p50: Amount, p99: Amount });

const LaneSchema = Type.Object({
  lane: Type.Enum(["high", "normal", "low"]),
  depth: Count,
  limit: Count,
  bytes: Count,
  bytesLimit: Count,
  drainPerSecond: Amount,
});

const WorkerSchema = Type.Object({ utilisation: Share, depth: Count, questions: Count, spaces: Count });

export const IngestOverviewSchema = Type.Object({
  profile: Text,
  state: Type.Enum(["normal", "warning", "critical", "overloaded"]),
  pressure: Amount,
  /** Over which time rates, latencies and utilisations are. */
  windowMs: Amount,
  rates: Type.Object({
    acceptedPerSecond: Amount,
    durablePerSecond: Amount,
    searchablePerSecond: Amount,
    indexedPerSecond: Amount,
    refusedPerSecond: Amount,
  }),
  totals: Type.Object({
    accepted: Count,
    durable: Count,
    searchable: Count,
    indexed: Count,
    removed: Count,
    refused: Count,
    deadLetters: Count,
  }),
  latency: Type.Object({ waitMs: SpreadSchema, durableMs: SpreadSchema, searchableMs: SpreadSchema }),
  lanes: Type.Array(LaneSchema),
  workers: Type.Array(WorkerSchema),
  steals: Count,
  moves: Count,
  deaths: Count,
  sessions: Count,
  logBytes: Count,
  indexBytes: Count,
});

export const AlertSchema = Type.Object({
  rule: Type.Enum([...ALERT_RULES]),
  subject: Type.Optional(Text),
  value: Type.Number(),
  limit: Type.Number(),
  unit: Text,
  sinceMs: Type.Number(),
  hint: Text,
});

export type IngestOverview = Static<typeof IngestOverviewSchema>;
