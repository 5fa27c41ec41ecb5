import type { ObservationMeta } from "@millrace/protocol";
import type { ObservationFilter } from "@millrace/protocol/schemas";
import fc from "fast-check";

const word = fc.constantFrom("a", "b", "", "ä", "a\u0000", "constructor");
const number = fc.constantFrom(-1, -0, 0, 1, 1.5, 1 + Number.EPSILON, 2, 1e300);
const scalar = fc.oneof(word, number, fc.boolean());
const share = fc.constantFrom(0, 0.1, 0.5, 0.7, 0.9, 1);
const time = fc.nat(300);

/** Few different values, so that filters meet rows. */
export const metaArbitrary: fc.Arbitrary<ObservationMeta> = fc.record(
  {
    id: fc.constantFrom("a", "b", "c", "d", "e"),
    text: word,
    what: word,
    where: word,
    who: word,
    why: word,
    whenMs: time,
    confidence: share,
    importance: share,
    ttlMs: fc.nat(2_000),
    payload: fc.dictionary(
      fc.constantFrom("x", "y", "and", "what", "when"),
      fc.oneof(scalar, fc.constantFrom(null, [1], { x: 1 })),
      { maxKeys: 3 },
    ),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<ObservationMeta>;

const { condition } = fc.letrec((tie) => ({
  condition: fc.oneof(
    { maxDepth: 2 },
    scalar,
    fc
      .record(
        {
          in: fc.array(scalar, { maxLength: 3 }),
          gt: number,
          gte: number,
          lt: number,
          lte: number,
          exists: fc.boolean(),
          not: tie("condition"),
        },
        { requiredKeys: [] },
      )
      .map((parts) => (Object.keys(parts).length === 0 ? { exists: true } : parts)),
  ),
}));

const fields = fc.dictionary(
  fc.constantFrom("what", "where", "x", "y", "payload.x", "payload.and", "payload.what", "payload.when", "missing"),
  condition,
  { maxKeys: 2 },
);

const rest = fc.record(
  {
    when: fc.record(
      { after: time, before: time, recentMs: fc.nat(1_000), between: fc.tuple(time, time) },
      { requiredKeys: [] },
    ),
    confidenceMin: share,
    importanceMin: share,
    hasText: fc.boolean(),
  },
  { requiredKeys: [] },
);

const { anyFilter } = fc.letrec<{ anyFilter: ObservationFilter }>((tie) => ({
  anyFilter: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.oneof(fields, rest),
    fc.record(
      {
        and: fc.array(tie("anyFilter"), { maxLength: 3 }),
        or: fc.array(tie("anyFilter"), { maxLength: 3 }),
        not: tie("anyFilter"),
      },
      { requiredKeys: [] },
    ),
  ) as fc.Arbitrary<ObservationFilter>,
}));

/** Of at most as many conditions as are taken. */
export const filterArbitrary = anyFilter.filter((filter) => conditionsOf(filter) <= 64);

function conditionsOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, part) => sum + 1 + conditionsOf(part), 0);
}
