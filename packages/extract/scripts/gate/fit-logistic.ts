/** Logistic regression with weights, a ridge penalty and signs that coefficients must keep; by coordinate-wise Newton steps. */

export type Row = { readonly features: readonly number[]; readonly label: 0 | 1; readonly weight: number };

export type FitOptions = {
  /** 1, −1 by feature; 0 for a free one. */
  readonly signs: readonly number[];
  /** In rows: the penalty is ridge ÷ 2 × coefficient². The constant is free. */
  readonly ridge: number;
};

export type Fit = { readonly base: number; readonly coefficients: readonly number[] };

const ROUNDS_MAX = 2_000;
const CHANGE_MIN = 1e-9;

/** Deterministic. Converges since the loss is convex and each step is cut to keep its sign. */
export function fitLogistic(rows: readonly Row[], { signs, ridge }: FitOptions): Fit {
  const count = signs.length + 1;
  const coefficients = new Float64Array(count);
  const columns = Array.from({ length: count }, (_, at) =>
    Float64Array.from(rows, ({ features }) => (at === 0 ? 1 : (features[at - 1] ?? 0))),
  );
  const scores = new Float64Array(rows.length);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    let change = 0;
    for (let at = 0; at < count; at++) {
      const column = columns[at] ?? new Float64Array(0);
      const old = coefficients[at] ?? 0;
      const penalty = at === 0 ? 0 : ridge;
      const wanted = old - stepOf(rows, { column, scores, penalty, coefficient: old });
      const sign = at === 0 ? 0 : (signs[at - 1] ?? 0);
      const next = sign === 0 || Math.sign(wanted) === sign ? wanted : 0;
      if (next === old) continue;
      coefficients[at] = next;
      for (let row = 0; row < rows.length; row++) scores[row] = (scores[row] ?? 0) + (next - old) * (column[row] ?? 0);
      change = Math.max(change, Math.abs(next - old));
    }
    if (change < CHANGE_MIN) break;
  }
  const [base = 0, ...rest] = coefficients;
  return { base, coefficients: rest };
}

type Step = {
  readonly column: Float64Array;
  readonly scores: Float64Array;
  readonly penalty: number;
  readonly coefficient: number;
};

/** Gradient over curvature of one coordinate; the curvature is kept from vanishing where everything is certain. */
function stepOf(rows: readonly Row[], { column, scores, penalty, coefficient }: Step): number {
  let gradient = penalty * coefficient;
  let curvature = penalty + 1e-6;
  for (let row = 0; row < rows.length; row++) {
    const value = column[row] ?? 0;
    if (value === 0) continue;
    const { label, weight } = rows[row] as Row;
    const probability = 1 / (1 + Math.exp(-(scores[row] ?? 0)));
    gradient += weight * (probability - label) * value;
    curvature += weight * Math.max(1e-4, probability * (1 - probability)) * value * value;
  }
  const step = gradient / curvature;
  return Math.max(-1, Math.min(1, step));
}
