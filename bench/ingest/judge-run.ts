/** recall@10 of a run: after the load, with all indexed, and of the answers that were given during it. */
import { recallAt } from "../vector/measure/recall.ts";
import { rowOf, rowsIn, type VectorSet } from "../vector/measure/vector-set.ts";
import { ASK_MS_MAX, JUDGED_QUERIES } from "./limits.ts";
import type { NoisyVectors } from "./noisy-vectors.ts";
import { K, type RecallLoad } from "./recall-load.ts";
import type { IngestTarget } from "./target.ts";
import { judgeRecall } from "./truth/judge.ts";
import type { Question, Removed } from "./truth/question.ts";

export type JudgedRun = {
  readonly recallAt10: number | null;
  readonly underLoad: number | null;
  readonly ghosts: number;
  readonly questions: number;
};

export type ToJudge = {
  readonly set: VectorSet;
  readonly vectors: NoisyVectors;
  readonly target: Pick<IngestTarget, "recall">;
  readonly spaces: readonly string[];
  /** Vectors that each space holds. */
  readonly held: readonly number[];
  readonly recalls: Pick<RecallLoad, "questions">;
  /** Of every space. */
  readonly removed?: Removed;
};

/** By the truth of the file where one space holds exactly the file; else by truth that is computed for some queries. */
export async function judgeRun(input: ToJudge): Promise<JudgedRun> {
  const { set, vectors, held, recalls } = input;
  const data = { vectors, query: set.query, held };
  const isFile = !input.removed && held.length === 1 && held[0] === rowsIn(set);
  const asked = await askAll(input, isFile ? queriesIn(set) : Math.min(JUDGED_QUERIES, queriesIn(set)));
  const after = await judgeRecall(K, isFile ? asked.slice(0, JUDGED_QUERIES) : asked, data);
  const during = await judgeRecall(K, recalls.questions, data);
  const byFile = isFile && asked.length > 0;
  return {
    recallAt10: byFile ? recallAt(K, set, asked.map(foundIds)) : (after.recall ?? null),
    underLoad: during.recall ?? null,
    ghosts: after.ghosts + during.ghosts,
    questions: byFile ? asked.length : after.questions,
  };
}

/** One query after the other, each of the next space that holds something. */
async function askAll({ set, target, spaces, held, removed }: ToJudge, count: number): Promise<Question[]> {
  const filled = [...spaces.keys()].filter((space) => (held[space] ?? 0) > 0);
  const questions: Question[] = [];
  const startMs = performance.now();
  for (let query = 0; query < count && performance.now() - startMs < ASK_MS_MAX; query++) {
    const space = filled[query % filled.length];
    if (space === undefined) break;
    const found = await target.recall(spaces[space] ?? "", rowOf(set.query, query, set.dims), K);
    questions.push({ query, space, prefix: held[space] ?? 0, found, ...(removed ? { removed } : {}) });
  }
  return questions;
}

function queriesIn({ query, dims }: VectorSet): number {
  return query.length / dims;
}

function foundIds({ found }: Question): Uint32Array {
  return Uint32Array.from(found);
}
