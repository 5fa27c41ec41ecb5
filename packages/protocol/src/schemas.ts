/**
 * One schema per wire type: the source of its validation, its TypeScript type and its description. Import it as
 * `@millrace/protocol/schemas` where values are validated; a browser needs the types alone, which `api.ts` re-exports.
 */
import Type, { type Static } from "typebox";
import { ExtractOverviewSchema } from "./extract-overview-schema.ts";
import { AlertSchema, IngestOverviewSchema } from "./ingest-overview-schema.ts";

/** Most sources one add may announce: a job's sources are rows, and 10,000 rows are one commit of about 100 ms. */
export const SOURCES_MAX = 10_000;
/** Most events in one append: one group commit. */
export const APPEND_EVENTS_MAX = 1_000;

const closed = { additionalProperties: false } as const;
const Text = Type.String();
/** Beyond 2^53 a number is no longer the one that was sent. */
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Ms = Type.Number({ minimum: 0 });

export const ErrorSchema = Type.Object({
  code: Text,
  message: Text,
  retryable: Type.Boolean(),
  retryAfterMs: Type.Optional(Type.Number()),
});

export const EmbeddingSpecSchema = Type.Object(
  {
    provider: Type.Enum(["static", "openai", "transformers", "none"]),
    /** For `none`, which is for spaces that are given vectors: their dimensions. */
    model: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  closed,
);

export const CreateSpaceSchema = Type.Object({ name: Text, embedding: Type.Optional(EmbeddingSpecSchema) }, closed);

export const SpaceSchema = Type.Object({
  name: Text,
  createdMs: Ms,
  embedding: Type.Object({ provider: Text, model: Text, dims: Count }),
  documents: Count,
  chunks: Count,
  bytes: Count,
  indexedSeq: Count,
  headSeq: Count,
});

export const SourceSchema = Type.Union([
  Type.Object({ url: Type.String({ minLength: 1, maxLength: 4_096 }) }, closed),
  Type.Object(
    {
      source: Type.String({ minLength: 1, maxLength: 4_096 }),
      text: Type.String({ minLength: 1 }),
      contentType: Type.Optional(Type.String({ maxLength: 200 })),
    },
    closed,
  ),
  Type.Object(
    {
      source: Type.String({ minLength: 1, maxLength: 4_096 }),
      upload: Type.Literal(true),
      contentType: Type.Optional(Type.String({ maxLength: 200 })),
      bytes: Type.Optional(Count),
    },
    closed,
  ),
]);

export const AddSchema = Type.Object(
  { sources: Type.Array(SourceSchema, { minItems: 1, maxItems: SOURCES_MAX }) },
  closed,
);

export const JobStateSchema = Type.Enum(["running", "done", "error", "interrupted"]);

export const JobSchema = Type.Object({
  job: Text,
  stream: Text,
  space: Text,
  state: JobStateSchema,
  total: Count,
  stored: Count,
  failed: Count,
  open: Count,
  chunks: Count,
  bytes: Count,
  createdMs: Ms,
  elapsedMs: Ms,
  errors: Type.Array(Type.Object({ source: Text, error: ErrorSchema })),
  resumes: Type.Optional(Text),
  resumedBy: Type.Optional(Text),
});

export const SourceStateSchema = Type.Enum(["waiting", "queued", "working", "stored", "failed"]);

export const JobSourceSchema = Type.Object({
  index: Count,
  source: Text,
  kind: Type.Enum(["url", "text", "upload"]),
  state: SourceStateSchema,
  error: Type.Optional(ErrorSchema),
});

export const DocumentSchema = Type.Object({
  document: Text,
  source: Text,
  title: Text,
  contentType: Text,
  language: Type.Optional(Text),
  chunks: Count,
  chars: Count,
  bytes: Count,
  addedMs: Ms,
  links: Type.Array(Type.Object({ url: Text, text: Text })),
  text: Type.Optional(Text),
});

export const CorrelationSchema = Type.Object(
  { session: Type.Optional(Text), run: Type.Optional(Text), turn: Type.Optional(Text) },
  closed,
);

export const EventSchema = Type.Object(
  {
    type: Type.String({ minLength: 1, maxLength: 100 }),
    id: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    data: Type.Unknown(),
    correlation: Type.Optional(CorrelationSchema),
    messageId: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    /** Of a producer without `seq`: the event's place in the producer's own log. */
    position: Type.Optional(Type.String({ minLength: 1, maxLength: 40 })),
  },
  closed,
);

const appendFields = {
  events: Type.Array(EventSchema, { minItems: 1, maxItems: APPEND_EVENTS_MAX }),
  producer: Type.Optional(
    Type.Object(
      {
        id: Type.String({ minLength: 1, maxLength: 200 }),
        epoch: Count,
        /** Numbers the first event; without it every event has a `position`. */
        seq: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER - APPEND_EVENTS_MAX })),
      },
      closed,
    ),
  ),
  /** When the answer comes: once the frames are durable, or as soon as they have their numbers. */
  ack: Type.Optional(Type.Enum(["durable", "accepted"])),
};

export const AppendSchema = Type.Object(appendFields, closed);

export const AppendResponseSchema = Type.Object({
  stream: Text,
  epoch: Text,
  firstSeq: Count,
  lastSeq: Count,
  cursor: Text,
  accepted: Count,
  duplicates: Count,
  durableSeq: Count,
});

export const FrameSchema = Type.Object({
  stream: Text,
  epoch: Text,
  seq: Type.Integer({ minimum: 1 }),
  ts: Ms,
  type: Text,
  id: Text,
  data: Type.Unknown(),
  correlation: Type.Optional(CorrelationSchema),
});

export const StreamSchema = Type.Object({
  stream: Text,
  epoch: Text,
  first: Count,
  head: Count,
  frames: Count,
  bytes: Count,
});

const Bound = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const Rate = Type.Number({ minimum: 0 });

export const RetentionPolicySchema = Type.Object(
  { maxAgeMs: Type.Optional(Bound), maxBytes: Type.Optional(Bound), maxFrames: Type.Optional(Bound) },
  closed,
);

export const StreamRetentionSchema = Type.Object({
  ...StreamSchema.properties,
  policy: RetentionPolicySchema,
  isDefault: Type.Boolean(),
});

const activity = {
  eventsPerSecond: Type.Optional(Rate),
  framesPerSecond: Type.Optional(Rate),
  subscribers: Count,
  lagFrames: Count,
  durableLag: Count,
};

/** What a stream is doing. Its rates, over 5 s, are absent while it has too little of the traffic to be counted by itself. */
export const StreamActivitySchema = Type.Object({ stream: Text, ...activity });

/** A stream of a listing; the last two where the details are asked for. */
export const StreamEntrySchema = Type.Object({
  ...StreamSchema.properties,
  activity: Type.Optional(Type.Object(activity)),
  retention: Type.Optional(Type.Object({ policy: RetentionPolicySchema, isDefault: Type.Boolean() })),
});

export const FindingSchema = Type.Object({
  check: Text,
  stream: Type.Optional(Text),
  seq: Type.Optional(Count),
  message: Text,
});

export const VerifyReportSchema = Type.Object({
  isSound: Type.Boolean(),
  streams: Count,
  frames: Count,
  bytes: Count,
  entities: Count,
  notCompared: Count,
  findings: Type.Array(FindingSchema),
  found: Count,
  tookMs: Ms,
});

export const EntitySchema = Type.Object({
  kind: Text,
  id: Text,
  version: Count,
  firstSeq: Count,
  state: Text,
  props: Type.Record(Text, Type.Unknown()),
});

export const LatencySchema = Type.Object({ count: Count, p50: Ms, p95: Ms, p99: Ms });
export const QueueSchema = Type.Object({ depth: Count, limit: Count });

const SpreadSchema = Type.Object({ sum: Count, max: Count });

export const OverviewSchema = Type.Object({
  version: Text,
  startedMs: Ms,
  uptimeMs: Ms,
  pressure: Type.Number({ minimum: 0, maximum: 1 }),
  rates: Type.Object({
    sourcesPerSecond: Rate,
    bytesPerSecond: Rate,
    documentsPerSecond: Rate,
    chunksPerSecond: Rate,
    eventsPerSecond: Rate,
    framesPerSecond: Rate,
    deliveriesPerSecond: Rate,
    recallsPerSecond: Rate,
  }),
  totals: Type.Object({
    sources: Count,
    documents: Count,
    failed: Count,
    chunks: Count,
    bytes: Count,
    frames: Count,
    deliveries: Count,
    recalls: Count,
    spaces: Count,
    streams: Count,
  }),
  latency: Type.Object({
    extractMs: LatencySchema,
    embedMs: LatencySchema,
    consumeMs: LatencySchema,
    commitMs: LatencySchema,
    projectMs: LatencySchema,
    deliverMs: LatencySchema,
    recallMs: LatencySchema,
  }),
  queues: Type.Object({ sources: QueueSchema, extract: QueueSchema, embed: QueueSchema, storage: QueueSchema }),
  streams: Type.Object({
    open: Count,
    followers: Count,
    lagging: Count,
    lagFrames: SpreadSchema,
    waitingMs: Ms,
    durableLag: SpreadSchema,
    ringBytes: Count,
    evictedFrames: Count,
    demotions: Count,
    duplicates: Count,
    top: Type.Array(StreamActivitySchema),
  }),
  process: Type.Object({
    gcPauseMs: LatencySchema,
    loopDelayMs: Type.Object({ p50: Ms, p99: Ms, max: Ms }),
    allocatedBytesPerSecond: Rate,
  }),
  subscribers: Count,
  memory: Type.Object({ rssBytes: Count, heapBytes: Count, indexBytes: Count }),
  jobs: Type.Object({ running: Count }),
  ingest: IngestOverviewSchema,
  extract: ExtractOverviewSchema,
  alerts: Type.Array(AlertSchema),
});

const Sub = Type.Integer({ minimum: 1, maximum: 2_147_483_647 });

/** Most frames a subscriber may let the engine send before it acknowledges some. */
export const WINDOW_FRAMES_MAX = 100_000;

export const ClientMessageSchema = Type.Union([
  Type.Object(
    {
      op: Type.Literal("subscribe"),
      sub: Sub,
      stream: Text,
      after: Type.Optional(Text),
      /** How frames come: as objects, or as arrays that leave out what the subscription knows. */
      format: Type.Optional(Type.Enum(["frames", "compact"])),
      /** Flow control: at most so many frames are sent beyond the last one acknowledged. */
      window: Type.Optional(Type.Integer({ minimum: 1, maximum: WINDOW_FRAMES_MAX })),
      /** Whether to be told how far the frames sent are durable. */
      durable: Type.Optional(Type.Boolean()),
      /** Whether to be sent the stream's state before its frames when there is no cursor, and after a gap. */
      snapshot: Type.Optional(Type.Boolean()),
    },
    closed,
  ),
  Type.Object({ op: Type.Literal("ack"), sub: Sub, seq: Count }, closed),
  Type.Object({ op: Type.Literal("unsubscribe"), sub: Sub }, closed),
  Type.Object({ op: Type.Literal("append"), id: Sub, stream: Text, ...appendFields }, closed),
  Type.Object({ op: Type.Literal("ping") }, closed),
]);

export type EmbeddingSpec = Static<typeof EmbeddingSpecSchema>;
export type CreateSpace = Static<typeof CreateSpaceSchema>;
export type Space = Static<typeof SpaceSchema>;
export type Source = Static<typeof SourceSchema>;
export type AddRequest = Static<typeof AddSchema>;
export type JobState = Static<typeof JobStateSchema>;
export type Job = Static<typeof JobSchema>;
export type SourceState = Static<typeof SourceStateSchema>;
export type JobSource = Static<typeof JobSourceSchema>;
export type StoredDocument = Static<typeof DocumentSchema>;
export type AppendRequest = Static<typeof AppendSchema>;
export type AppendResponse = Static<typeof AppendResponseSchema>;
export type StreamEntry = Static<typeof StreamEntrySchema>;
export type RetentionPolicy = Static<typeof RetentionPolicySchema>;
export type StreamRetention = Static<typeof StreamRetentionSchema>;
export type Finding = Static<typeof FindingSchema>;
export type VerifyReport = Static<typeof VerifyReportSchema>;
export type Entity = Static<typeof EntitySchema>;
export type StreamActivity = Static<typeof StreamActivitySchema>;
export type Latency = Static<typeof LatencySchema>;
export type Overview = Static<typeof OverviewSchema>;
export type ClientMessage = Static<typeof ClientMessageSchema>;

export * from "./consolidation-schemas.ts";
export { type ExtractOverview, ExtractOverviewSchema } from "./extract-overview-schema.ts";
export * from "./extract-schemas.ts";
export { AlertSchema, type IngestOverview, IngestOverviewSchema } from "./ingest-overview-schema.ts";
export * from "./observation-schemas.ts";
export * from "./recall-schemas.ts";
export * from "./reembed-schemas.ts";
export { createCheck } from "./validate.ts";
