/** Schemas of recall: what may be asked, and the answer. `schemas.ts` re-exports them. */
import Type, { type Static } from "typebox";

/** Most results one recall returns: past it a list is browsed, not read. */
export const RECALL_K_MAX = 100;
/** Longest question, in UTF-16 units: four times the largest chunk. */
export const QUERY_LENGTH_MAX = 8_192;

const closed = { additionalProperties: false } as const;
const Text = Type.String();
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Ms = Type.Number({ minimum: 0 });

export const RecallModeSchema = Type.Enum(["hybrid", "text", "vector"]);

/** What was visible at one time: rows below `rows`, less the first `removals` that were removed. */
export const GenerationSchema = Type.Object({ rows: Count, removals: Count }, closed);

/** What a filter compares with: a label, or a string, number or boolean of the payload. */
export type FilterScalar = string | number | boolean;

/** A value, or conditions that must all hold. Ranges are of numbers; `not` holds wherever its condition does not, also where the field is missing. */
export type FieldCondition =
  | FilterScalar
  | {
      readonly in?: readonly FilterScalar[];
      readonly gt?: number;
      readonly gte?: number;
      readonly lt?: number;
      readonly lte?: number;
      readonly exists?: boolean;
      readonly not?: FieldCondition;
    };

/** Milliseconds since 1970; from `after` (included) to `before` (not included), `between` both, `recentMs` back from now. */
export type WhenCondition = {
  readonly after?: number;
  readonly before?: number;
  readonly between?: readonly [number, number];
  readonly recentMs?: number;
};

/**
 * Which observations a recall may return; all that stands in one object must hold. Any other key is a field: a label (`what`, `where`,
 * `who`, `why`) or a field of the payload, which may also be written `payload.NAME`, and must be where NAME is one of the words here.
 */
export type ObservationFilter = {
  readonly and?: readonly ObservationFilter[];
  readonly or?: readonly ObservationFilter[];
  readonly not?: ObservationFilter;
  readonly when?: WhenCondition;
  readonly confidenceMin?: number;
  readonly importanceMin?: number;
  readonly hasText?: boolean;
} & { readonly [field: string]: unknown };

/** Only that it is an object: what is in it nests, so the engine checks it where it reads it, with messages of its own. */
export const ObservationFilterSchema = Type.Unsafe<ObservationFilter>(Type.Object({}));

const Weight = Type.Optional(Type.Number({ minimum: 0, maximum: 1_000_000 }));
const HalfLife = Type.Number({ exclusiveMinimum: 0 });

export const DecaySchema = Type.Union([
  Type.Object({ kind: Type.Literal("none") }, closed),
  Type.Object({ kind: Type.Literal("exponential"), halfLifeMs: HalfLife }, closed),
  Type.Object(
    { kind: Type.Literal("power"), scaleMs: HalfLife, exponent: Type.Number({ exclusiveMinimum: 0 }) },
    closed,
  ),
  Type.Object(
    {
      kind: Type.Literal("two-component"),
      fastHalfLifeMs: HalfLife,
      slowHalfLifeMs: HalfLife,
      fastShare: Type.Number({ minimum: 0, maximum: 1 }),
    },
    closed,
  ),
]);

export const RecallRequestSchema = Type.Object(
  {
    /** In words; needed unless there is a `vector`. */
    query: Type.Optional(Type.String({ maxLength: QUERY_LENGTH_MAX })),
    k: Type.Optional(Type.Integer({ minimum: 1, maximum: RECALL_K_MAX })),
    mode: Type.Optional(RecallModeSchema),
    /** What is asked; default what the space has. What follows is for observations alone. */
    kinds: Type.Optional(Type.Array(Type.Enum(["document", "observation"]), { minItems: 1, maxItems: 2 })),
    vector: Type.Optional(Type.Array(Type.Number(), { minItems: 2, maxItems: 4_096 })),
    /** Share of the true nearest to find: 0.5 to 0.99, or every row is looked at. */
    recall: Type.Optional(Type.Union([Type.Number({ minimum: 0.5, maximum: 0.99 }), Type.Literal("exact")])),
    filter: Type.Optional(ObservationFilterSchema),
    asOf: Type.Optional(GenerationSchema),
    weights: Type.Optional(
      Type.Object(
        {
          ...{ similarity: Weight, text: Weight, confidence: Weight },
          ...{ importance: Weight, recency: Weight, association: Weight },
        },
        closed,
      ),
    ),
    decay: Type.Optional(DecaySchema),
    /** Observations that score less are left out. */
    threshold: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    /** Also what is linked to the results: so many hops away, looking at so many observations. */
    associations: Type.Optional(
      Type.Object(
        {
          depth: Type.Integer({ minimum: 0, maximum: 4 }),
          budget: Type.Integer({ minimum: 0, maximum: 1_000 }),
        },
        closed,
      ),
    ),
    /** The answer comes within this time, with what was found by then; default 10,000. */
    budgetMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  },
  closed,
);

/** An observation as a recall tells it. */
export const RecalledObservationSchema = Type.Object({
  id: Text,
  row: Count,
  whenMs: Type.Number(),
  acceptedMs: Type.Number(),
  confidence: Type.Number(),
  importance: Type.Number(),
  isDurable: Type.Boolean(),
  isIndexed: Type.Boolean(),
  what: Type.Optional(Text),
  where: Type.Optional(Text),
  who: Type.Optional(Text),
  why: Type.Optional(Text),
  payload: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  /** What the score is made of: share = weight × value. */
  terms: Type.Array(
    Type.Object({
      name: Text,
      raw: Type.Number(),
      value: Type.Number(),
      weight: Type.Number(),
      share: Type.Number(),
    }),
  ),
});

const TermFields = { rank: Count, weight: Type.Number(), share: Type.Number() };

export const RecallResultSchema = Type.Object({
  text: Text,
  score: Type.Number(),
  source: Text,
  document: Text,
  chunk: Count,
  title: Text,
  headings: Type.Array(Text),
  start: Count,
  end: Count,
  page: Type.Optional(Count),
  highlights: Type.Array(Type.Array(Count)),
  terms: Type.Object({
    text: Type.Optional(Type.Object({ ...TermFields, bm25: Type.Number() })),
    vector: Type.Optional(Type.Object({ ...TermFields, similarity: Type.Number() })),
  }),
  /** For an observation: `source` is its id, and what tells of a document is empty. */
  observation: Type.Optional(RecalledObservationSchema),
});

export const RecallResponseSchema = Type.Object({
  results: Type.Array(RecallResultSchema),
  space: Text,
  mode: RecallModeSchema,
  tookMs: Ms,
  timings: Type.Object({ embedMs: Ms, textMs: Ms, vectorMs: Ms }),
  chunks: Count,
  asOfSeq: Count,
  /** Of a space with observations: how many there are, and what was searched, to be given as `asOf`. */
  observations: Type.Optional(Count),
  generation: Type.Optional(GenerationSchema),
  /** Whether these are the best of all that the index gives, not only of the candidates weighed. */
  isExact: Type.Optional(Type.Boolean()),
  /** `provisional` while better may come. */
  stage: Type.Optional(Type.Enum(["provisional", "final"])),
});

export type RecallMode = Static<typeof RecallModeSchema>;
export type RecallRequest = Static<typeof RecallRequestSchema>;
export type RecallResult = Static<typeof RecallResultSchema>;
export type RecallResponse = Static<typeof RecallResponseSchema>;
