/** Says how many of the true nearest were found, against vectors that are made again. */
import { Worker } from "node:worker_threads";
import { MillraceError } from "@millrace/core";
import { exactSimilarity } from "../../vector/measure/similarity.ts";
import { TRUTH_BLOCK_ROWS, TRUTH_THREADS } from "../limits.ts";
import type { NoisyVectors } from "../noisy-vectors.ts";
import type { CandidatesTask } from "./candidates.ts";
import { isRemoved, type Question } from "./question.ts";
import { truthWorkerUrl } from "./worker-url.ts";

/** Rounding of the f32 arithmetic by which the engine may have ordered two vectors. */
const TIE = 1e-6;

export type Judged = {
  /** Share of the k nearest that was found, over all questions; undefined without any. */
  readonly recall: number | undefined;
  /** Vectors found that the space does not hold: removed ones, and numbers that were never given. */
  readonly ghosts: number;
  readonly questions: number;
};

/**
 * A vector found counts when it is as near as the k-th nearest of those that were searchable for certain; one that came while the
 * question was under way may have taken a place and counts likewise. `held` is how many vectors each space has by now.
 */
export async function judgeRecall(
  k: number,
  questions: readonly Question[],
  {
    vectors,
    query,
    held,
  }: { readonly vectors: NoisyVectors; readonly query: Float32Array; readonly held: readonly number[] },
): Promise<Judged> {
  const asked = questions.filter(({ prefix }) => prefix > 0);
  const candidates = await searchInThreads(asked, { vectors, query });
  let [hits, wanted, ghosts] = [0, 0, 0];
  for (const [at, question] of asked.entries()) {
    const judge = new Judge(question, { vectors, query });
    const least = judge.leastOf(candidates[at] ?? [], k);
    const found = [...new Set(Array.from(question.found).slice(0, k))];
    const real = found.filter((n) => n < (held[question.space] ?? 0) && !isRemoved(question.removed, n));
    ghosts += found.length - real.length;
    hits += Math.min(least.count, real.filter((n) => judge.scoreOf(n) >= least.score - TIE).length);
    wanted += least.count;
  }
  return { recall: wanted === 0 ? undefined : hits / wanted, ghosts, questions: asked.length };
}

type Data = { readonly vectors: NoisyVectors; readonly query: Float32Array };

class Judge {
  readonly #question: Question;
  readonly #vectors: NoisyVectors;
  readonly #query: Float32Array;

  constructor(question: Question, { vectors, query }: Data) {
    const { dims } = vectors.source;
    this.#question = question;
    this.#vectors = vectors;
    this.#query = query.subarray(question.query * dims, (question.query + 1) * dims);
  }

  /** In f64, of a vector made anew. */
  scoreOf(n: number): number {
    return exactSimilarity("cosine", this.#query, this.#vectors.vector(this.#question.space, n));
  }

  /** The score of the k-th nearest, or of the last when there are fewer. */
  leastOf(candidates: readonly number[], k: number): { readonly count: number; readonly score: number } {
    const scores = candidates.map((n) => this.scoreOf(n)).sort((a, b) => b - a);
    const count = Math.min(k, scores.length);
    return { count, score: scores[count - 1] ?? Number.POSITIVE_INFINITY };
  }
}

/** The rows of the file shared out; each thread reads them in place. */
async function searchInThreads(questions: readonly Question[], { vectors, query }: Data): Promise<number[][]> {
  if (questions.length === 0) return [];
  const { source, rows } = vectors;
  const { dims } = source;
  const asked = new Float32Array(questions.length * dims);
  for (const [at, question] of questions.entries()) {
    asked.set(query.subarray(question.query * dims, (question.query + 1) * dims), at * dims);
  }
  const share = Math.ceil(rows / TRUTH_THREADS / TRUTH_BLOCK_ROWS) * TRUTH_BLOCK_ROWS;
  const starts = Array.from({ length: TRUTH_THREADS }, (_, at) => at * share).filter((from) => from < rows);
  const plain = questions.map(({ space, prefix, removed }) => ({ space, prefix, ...(removed ? { removed } : {}) }));
  const parts = await Promise.all(
    starts.map((from) => runWorker({ source, query: asked, questions: plain, from, to: Math.min(rows, from + share) })),
  );
  return questions.map((_, at) => parts.flatMap((part) => part[at] ?? []));
}

function runWorker(task: CandidatesTask): Promise<number[][]> {
  const worker = new Worker(truthWorkerUrl, { workerData: task });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new MillraceError("internal", "a thread that computes truth ended early")));
  });
}
