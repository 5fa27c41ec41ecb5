/** Schemas of ingest (PROTOCOL.md, Observations); `schemas.ts` re-exports them. */
import Type, { type Static } from "typebox";

const closed = { additionalProperties: false } as const;
const Label = Type.String({ minLength: 1, maxLength: 300 });
const ObservationId = Type.String({ minLength: 1, maxLength: 128 });
const Share = Type.Number({ minimum: 0, maximum: 1 });

/** Most credits a producer may ask for: what a lane holds. */
export const CREDITS_ASKED_MAX = 100_000;
/** Most observations one body may hold: one batch, which is taken whole or not at all. */
export const BODY_OBSERVATIONS_MAX = 1_000;

/** An observation as JSON: a line of NDJSON, or a member of `observations`. Its numbers are looked at apart, a thousand a line. */
export const ObservationSchema = Type.Object(
  {
    vector: Type.Optional(Type.Array(Type.Unknown(), { minItems: 2, maxItems: 4_096 })),
    lane: Type.Optional(Type.Enum(["high", "normal", "low"])),
    /** What begins with ~ is an id of the engine's own. */
    id: Type.Optional(Type.String({ maxLength: 128, pattern: "^[^~]" })),
    text: Type.Optional(Type.String({ minLength: 1, maxLength: 100_000 })),
    what: Type.Optional(Label),
    where: Type.Optional(Label),
    who: Type.Optional(Label),
    why: Type.Optional(Label),
    whenMs: Type.Optional(Type.Number({ minimum: -8.64e15, maximum: 8.64e15 })),
    confidence: Type.Optional(Share),
    importance: Type.Optional(Share),
    ttlMs: Type.Optional(Type.Number({ minimum: 1, maximum: 3_153_600_000_000 })),
    links: Type.Optional(Type.Array(ObservationId, { maxItems: 32 })),
    payload: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  closed,
);

/** What a producer says as text; its batches are binary. */
export const IngestClientMessageSchema = Type.Union([
  Type.Object(
    {
      op: Type.Literal("init"),
      space: Type.String(),
      /** Goes on with this session; default a new one. */
      session: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{1,32}$" })),
      /** Needed where the space is to be made for vectors without a model. */
      dims: Type.Optional(Type.Integer({ minimum: 2, maximum: 4_096 })),
      credits: Type.Optional(Type.Integer({ minimum: 1, maximum: CREDITS_ASKED_MAX })),
      /** Of every batch of the session; default `normal`. */
      lane: Type.Optional(Type.Enum(["high", "normal", "low"])),
      /** What its batches will be; each says so itself, this only finds out before the first is made. */
      encoding: Type.Optional(Type.Enum(["f32", "f16", "i8"])),
    },
    closed,
  ),
  Type.Object({ op: Type.Literal("ping") }, closed),
  Type.Object({ op: Type.Literal("pong") }, closed),
  Type.Object({ op: Type.Literal("close") }, closed),
]);

export type ObservationJson = Static<typeof ObservationSchema>;
export type IngestClientMessage = Static<typeof IngestClientMessageSchema>;
