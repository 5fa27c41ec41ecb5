/** Schemas of giving a space another model (PROTOCOL.md, Re-embed); `schemas.ts` re-exports them. */
import Type, { type Static } from "typebox";

const closed = { additionalProperties: false } as const;
const Text = Type.String();
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Ms = Type.Number({ minimum: 0 });
const Content = Type.Object({ provider: Text, model: Text, dims: Count });

export const ReembedRequestSchema = Type.Object(
  {
    embedding: Type.Object(
      {
        provider: Type.Enum(["static", "openai", "transformers"]),
        model: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      },
      closed,
    ),
  },
  closed,
);

export const ReembedSchema = Type.Object({
  space: Text,
  /** The `id` of its frames in the space's stream. */
  run: Text,
  /** `unchanged`: the space has that model already. `failed` and `cancelled` leave the space as it was. */
  state: Type.Enum(["running", "unchanged", "done", "failed", "cancelled"]),
  from: Content,
  to: Content,
  /** Chunks, and how many of them have their new vector. */
  total: Count,
  embedded: Count,
  startedMs: Ms,
  elapsedMs: Ms,
  error: Type.Optional(
    Type.Object({ code: Text, message: Text, retryable: Type.Boolean(), retryAfterMs: Type.Optional(Type.Number()) }),
  ),
});

export type ReembedRequest = Static<typeof ReembedRequestSchema>;
export type Reembed = Static<typeof ReembedSchema>;
