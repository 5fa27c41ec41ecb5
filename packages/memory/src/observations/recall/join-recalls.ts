import type { Clock } from "@millrace/core";
import type { RecallResponse } from "@millrace/protocol";

const K_DEFAULT = 8;

/** One list of both, best first: each side's scores run from 0 to 1, which is as far as they can be compared. */
export function joined(observed: RecallResponse, documents: RecallResponse, k = K_DEFAULT): RecallResponse {
  const results = [...observed.results, ...documents.results].sort((a, b) => b.score - a.score).slice(0, k);
  const { chunks, asOfSeq, timings } = documents;
  const sum = (part: keyof typeof timings) => Math.max(timings[part], observed.timings[part]);
  return {
    ...observed,
    ...{ results, chunks, asOfSeq },
    tookMs: Math.max(observed.tookMs, documents.tookMs),
    timings: { embedMs: sum("embedMs"), textMs: sum("textMs"), vectorMs: sum("vectorMs") },
  };
}

/** The last answer that came within `budgetMs`, and at least the first. */
export async function withinBudget(
  stages: AsyncGenerator<RecallResponse>,
  budgetMs: number | undefined,
  clock: Clock,
): Promise<RecallResponse> {
  let late = (): void => {};
  const over = new Promise<undefined>((resolve) => {
    late = budgetMs === undefined ? () => {} : clock.after(budgetMs, () => resolve(undefined));
  });
  const first = await stages.next();
  let best = first.value as RecallResponse;
  while (best.stage !== "final") {
    const next = await Promise.race([stages.next(), over]);
    if (next === undefined || next.done) break;
    best = next.value;
  }
  late();
  void stages.return(undefined).catch(() => {});
  return best;
}
