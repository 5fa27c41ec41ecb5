import type { Contender } from "./contender.ts";
import { type SearchOptions, type SearchRate, searchQueries } from "./search-queries.ts";
import type { VectorSet } from "./vector-set.ts";

/** Beam widths that a curve is measured at. */
export const EFFORTS: readonly number[] = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];

export type CurvePoint = SearchRate & { readonly effort: number };

/** Recall against queries a second, from the least effort to the greatest. */
export async function measureCurve(
  contender: Contender,
  set: VectorSet,
  { efforts = EFFORTS, ...search }: SearchOptions & { readonly efforts?: readonly number[] } = {},
): Promise<CurvePoint[]> {
  const points: CurvePoint[] = [];
  for (const effort of efforts) {
    contender.setEffort(effort);
    points.push({ effort, ...(await searchQueries(contender, set, search)) });
  }
  return points;
}

/**
 * Queries a second at a recall: between the two points around it the logarithm of the rate is taken to be linear. Undefined when no
 * point reaches it; the rate of the least effort when that reaches it already.
 */
export function queriesAtRecall(
  points: readonly Pick<SearchRate, "recall" | "queriesPerSecond">[],
  recall: number,
): number | undefined {
  const reaching = points.filter((point) => point.recall >= recall);
  const best = Math.max(...reaching.map(({ queriesPerSecond }) => queriesPerSecond));
  const above = reaching.find(({ queriesPerSecond }) => queriesPerSecond === best);
  if (!above) return undefined;
  const faster = points.filter((point) => point.recall < recall && point.queriesPerSecond > best);
  const below = faster.reduce<(typeof faster)[number] | undefined>(
    (nearest, point) => (nearest && nearest.recall >= point.recall ? nearest : point),
    undefined,
  );
  if (!below) return best;
  const share = (recall - below.recall) / (above.recall - below.recall);
  return Math.exp(Math.log(below.queriesPerSecond) * (1 - share) + Math.log(best) * share);
}
