/** Schemas of consolidation (PROTOCOL.md, Consolidate); `schemas.ts` re-exports them. */
import Type, { type Static } from "typebox";

const closed = { additionalProperties: false } as const;
const Text = Type.String();
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Ms = Type.Number({ minimum: 0 });
const Similarity = Type.Number({ minimum: 0.5, maximum: 1 });

export const ConsolidateRequestSchema = Type.Object(
  {
    /** Similarity from which observations say the same; default 0.95. */
    duplicate: Type.Optional(Similarity),
    /** Similarity from which they are of one kind; default 0.8. */
    pattern: Type.Optional(Similarity),
    /** Most observations looked at in this run; default all that no run looked at. */
    budget: Type.Optional(Type.Integer({ minimum: 1, maximum: 4_000_000_000 })),
    /** Remove what is a duplicate of its concept's representative. */
    removeDuplicates: Type.Optional(Type.Boolean()),
  },
  closed,
);

export const ConsolidationSchema = Type.Object({
  space: Text,
  /** The `id` of its frames in the space's stream. */
  run: Text,
  /** `cancelled`: the space was deleted, or the engine closed. */
  state: Type.Enum(["running", "done", "failed", "cancelled"]),
  duplicate: Similarity,
  pattern: Similarity,
  /** Observations to look at in this run, and looked at. */
  total: Count,
  looked: Count,
  /** Observations that no run looked at yet. */
  left: Count,
  /** Concepts of each kind there are now. */
  duplicates: Count,
  patterns: Count,
  /** Observations removed as duplicates. */
  removed: Count,
  startedMs: Ms,
  elapsedMs: Ms,
  error: Type.Optional(
    Type.Object({ code: Text, message: Text, retryable: Type.Boolean(), retryAfterMs: Type.Optional(Type.Number()) }),
  ),
});

export const ConceptSchema = Type.Object({
  /** The same from run to run for as long as its oldest member is there. */
  id: Text,
  kind: Type.Enum(["duplicate", "pattern"]),
  /** The id of the member most like the others. */
  representative: Text,
  /** Ids, the oldest first; of more than 50 the oldest 50. */
  members: Type.Array(Text),
  /** Members there are. */
  count: Count,
  createdMs: Ms,
});

export const ConceptPageSchema = Type.Object({ concepts: Type.Array(ConceptSchema), next: Type.Optional(Text) });

export type ConsolidateRequest = Static<typeof ConsolidateRequestSchema>;
export type Consolidation = Static<typeof ConsolidationSchema>;
export type Concept = Static<typeof ConceptSchema>;
export type ConceptPage = Static<typeof ConceptPageSchema>;
