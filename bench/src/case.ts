import { MillraceError } from "@millrace/core";

/**
 * `throughput`: higher is better. `latency`: lower is better (a time, a size). `plain`: neither; never a regression.
 */
export const FIGURE_KINDS = ["throughput", "latency", "plain"] as const;
export type FigureKind = (typeof FIGURE_KINDS)[number];

export type Figure = {
  readonly kind: FigureKind;
  /** Default: the unit of the case. */
  readonly unit?: string;
  /** What the figure must reach: at most this for a latency, at least this for a throughput. Shown in the report. */
  readonly bar?: number;
  /** A run may be without it, because what it needs (a peer) is not on the machine; the case says so with `note`. */
  readonly isOptional?: true;
};

/** Named figures of one run; exactly the names the case declares, but for optional ones. */
export type Measurement = Readonly<Record<string, number>>;

export type CaseOptions = Readonly<Record<string, string | number | boolean>>;

/** One named measurement. `run` is called in a child process of its own: warm-up times for nothing, then once for its figures. */
export type BenchCase = {
  /** Path-like and unique: `vector/scan/768`. The first part groups cases in the report. */
  readonly name: string;
  /** One line: what is measured. */
  readonly title: string;
  readonly unit: string;
  readonly figures: Readonly<Record<string, Figure>>;
  /** What the case was run with; kept in the result. */
  readonly options: CaseOptions;
  /** Its run starts processes anew and warms them up: a run before it would only take time. */
  readonly isSelfWarming?: true;
  readonly setup?: () => unknown;
  readonly run: (state: unknown) => Measurement | Promise<Measurement>;
  readonly teardown?: (state: unknown) => unknown;
};

/** A case whose `run` and `teardown` get what `setup` returned, with its type. */
export type TypedCase<State> = Omit<BenchCase, "setup" | "run" | "teardown"> & {
  readonly setup: () => State | Promise<State>;
  readonly run: (state: State) => Measurement | Promise<Measurement>;
  readonly teardown?: (state: State) => unknown;
};

/** Ties `setup`, `run` and `teardown` together by type; the harness passes the state through untouched. */
export function defineCase<State>(typed: TypedCase<State>): BenchCase {
  const { teardown } = typed;
  return {
    ...typed,
    run: (state) => typed.run(state as State),
    ...(teardown ? { teardown: (state: unknown) => teardown(state as State) } : {}),
  } as BenchCase;
}

const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\/[a-z0-9]+(?:-[a-z0-9]+)*)+$/;

/** `invalid_argument` for a case that could not be run or told apart. */
export function checkCase(candidate: BenchCase, file: string): BenchCase {
  const { name, figures } = candidate;
  if (!NAME.test(name))
    throw new MillraceError("invalid_argument", `${file}: case "${name}" must be named like group/name-1`);
  const names = Object.keys(figures);
  if (names.length === 0) throw new MillraceError("invalid_argument", `${file}: case ${name} declares no figures`);
  for (const [figure, { kind }] of Object.entries(figures)) {
    if (!FIGURE_KINDS.includes(kind))
      throw new MillraceError("invalid_argument", `${file}: ${name} ${figure} is "${kind}"`);
  }
  return candidate;
}

/** `invalid_argument` unless the measurement has exactly the declared figures (optional ones may be absent), each finite. */
export function checkMeasurement(measured: BenchCase, measurement: Measurement): Measurement {
  const { figures, name } = measured;
  const found = Object.keys(measurement);
  const missing = Object.keys(figures).filter((figure) => !figures[figure]?.isOptional && !(figure in measurement));
  if (missing.length > 0 || found.some((figure) => !(figure in figures))) {
    const list = (names: readonly string[]) => [...names].sort().join(", ");
    throw new MillraceError(
      "invalid_argument",
      `case ${name} measured ${list(found)}; it declares ${list(Object.keys(figures))}`,
    );
  }
  for (const [figure, value] of Object.entries(measurement)) {
    if (!Number.isFinite(value))
      throw new MillraceError("invalid_argument", `case ${measured.name}: ${figure} is ${value}`);
  }
  return measurement;
}
