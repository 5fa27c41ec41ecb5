/** What is watched, over which time, and from where on it is an alert. */
import { checkInteger, MillraceError } from "@millrace/core";
import { ALERT_RULES, type AlertRule, type AlertUnit } from "@millrace/protocol";
import {
  COOLDOWN_MS,
  COOLDOWN_MS_MAX,
  LATENCY_BATCHES_MIN,
  LOOK_EVERY_MS,
  LOOK_EVERY_MS_MAX,
  LOOK_EVERY_MS_MIN,
  REJECTION_OFFERS_MIN,
  WINDOW_LOOKS_MAX,
} from "./limits.ts";
import type { Span } from "./samples.ts";

export type Reading = { readonly subject?: string; readonly value: number };

export type Rule = {
  readonly name: AlertRule;
  readonly unit: AlertUnit;
  /** On which side of the limit a value is wrong. */
  readonly wrong: "above" | "below";
  readonly limit: number;
  readonly windowMs: number;
  readonly cooldownMs: number;
  /** Whether it says nothing before the process is as old as the window. */
  readonly needsWhole: boolean;
  readonly read: (span: Span) => readonly Reading[];
  /** What to look at. */
  readonly hint: string;
};

export type RuleOptions = {
  /** In the rule's unit. */
  readonly limit?: number;
  readonly windowMs?: number;
  readonly cooldownMs?: number;
};

export type AlertOptions = {
  /** Observations a second that are expected; without it `throughput` is off. Its limit is 80 % of this. */
  readonly throughputTarget?: number;
  /** Of all rules that have none of their own; default 60,000 ms. */
  readonly cooldownMs?: number;
  /** Time between two looks; default 1,000 ms. */
  readonly everyMs?: number;
  /** Changes of rules; `false` turns one off. */
  readonly rules?: { readonly [name in AlertRule]?: RuleOptions | false };
};

/** Rules and how often they are looked at: checked, and complete. */
export type ResolvedAlerts = { readonly rules: readonly Rule[]; readonly everyMs: number };

type Preset = Omit<Rule, "name" | "cooldownMs" | "needsWhole" | "wrong"> & Partial<Pick<Rule, "needsWhole" | "wrong">>;

const PLAIN = { needsWhole: false, wrong: "above" } as const;
const GIB = 1024 ** 3;
/** Share of the target below which throughput is an alert. */
const TARGET_SHARE = 0.8;

const PRESETS: Readonly<Record<AlertRule, Preset>> = {
  throughput: {
    unit: "observations/s",
    wrong: "below",
    limit: 0,
    windowMs: 10_000,
    needsWhole: true,
    read: (span) => [{ value: span.perSecond("searchable") }],
    hint: "compare what is accepted with what is searchable: when both are low, producers send less than the target; else look at utilisation and lanes",
  },
  searchable_p99: {
    unit: "ms",
    limit: 100,
    windowMs: 10_000,
    read: (span) => [
      { value: span.records("searchableMicros") < LATENCY_BATCHES_MIN ? 0 : span.quantileMs("searchableMicros", 0.99) },
    ],
    hint: "observations wait: look at the depth of the lanes and the workers' utilisation, or choose the profile low-latency",
  },
  depth: {
    unit: "observations",
    limit: 40_000,
    windowMs: 5_000,
    read: (span) => [{ value: span.mean("depth") }],
    hint: "more comes in than is indexed; producers will be slowed down and then refused: send less, or give the engine more cores",
  },
  utilisation: {
    unit: "%",
    limit: 90,
    windowMs: 10_000,
    needsWhole: true,
    read: (span) => span.utilisations().map((value, at) => ({ subject: `worker-${at}`, value })),
    hint: "the worker has no time left for bursts: spread the load over more spaces or cores",
  },
  memory: {
    unit: "bytes",
    limit: 6 * GIB,
    windowMs: 5_000,
    read: (span) => [{ value: span.mean("rssBytes") }],
    hint: "remove observations or spaces, or choose a profile with a smaller index; at memory.hardBytes observations are refused",
  },
  rejections: {
    unit: "%",
    limit: 1,
    windowMs: 10_000,
    read: (span) => [{ value: rejectedPercent(span) }],
    hint: "millrace_observations_refused_total says why: overloaded and rate_limited are load, other codes are mistakes of a producer",
  },
  batch_failures: {
    unit: "failures",
    limit: 0,
    windowMs: 30_000,
    read: (span) => [
      { subject: "log", value: span.more("logFailures") },
      { subject: "dead-letters", value: span.more("deadLetters") },
    ],
    hint: "log: the disk refuses writes, which are tried again; dead-letters: observations that could not be indexed, listed with their errors",
  },
  worker_down: {
    unit: "deaths",
    limit: 0,
    windowMs: 30_000,
    read: (span) => span.deaths().map((value, at) => ({ subject: `worker-${at}`, value })),
    hint: "another has taken its place and its spaces; nothing accepted is lost. When it comes again, look for the observation it dies of among the dead letters",
  },
  imbalance: {
    unit: "points",
    limit: 40,
    windowMs: 10_000,
    needsWhole: true,
    read: (span) => [{ value: spreadOf(span.utilisations()) }],
    hint: "one worker does most of the work: a space is hot; whole spaces move by themselves, one space is helped by spreading it over several",
  },
};

/** `invalid_argument` names the rule or option that is not known or out of its range. */
export function resolveAlerts(options: AlertOptions = {}): ResolvedAlerts {
  const { throughputTarget, everyMs = LOOK_EVERY_MS, cooldownMs = COOLDOWN_MS } = options;
  checkKnown("alerts.", options, ["throughputTarget", "cooldownMs", "everyMs", "rules"]);
  checkKnown("alerts.rules.", options.rules ?? {}, ALERT_RULES);
  checkInteger("alerts.everyMs", everyMs, { min: LOOK_EVERY_MS_MIN, max: LOOK_EVERY_MS_MAX });
  if (throughputTarget !== undefined) checkLimit("alerts.throughputTarget", throughputTarget);
  const rules: Rule[] = [];
  for (const name of ALERT_RULES) {
    const own = options.rules?.[name] ?? {};
    if (own === false) continue;
    checkKnown(`alerts.rules.${name}.`, own, ["limit", "windowMs", "cooldownMs"]);
    const isTargetless = name === "throughput" && throughputTarget === undefined && own.limit === undefined;
    if (isTargetless) continue;
    const byTarget =
      name === "throughput" && throughputTarget !== undefined ? { limit: throughputTarget * TARGET_SHARE } : {};
    // A window that nobody chose goes with the looks.
    const windowMs = Math.min(Math.max(PRESETS[name].windowMs, everyMs), everyMs * WINDOW_LOOKS_MAX);
    const preset = { ...PLAIN, cooldownMs, ...PRESETS[name], ...byTarget, windowMs };
    rules.push(checkRule({ name, ...preset, ...own }, everyMs));
  }
  return { rules, everyMs };
}

function checkRule(rule: Rule, everyMs: number): Rule {
  const { name, limit, windowMs, cooldownMs } = rule;
  checkLimit(`alerts.rules.${name}.limit`, limit);
  checkInteger(`alerts.rules.${name}.windowMs`, windowMs, { min: everyMs, max: everyMs * WINDOW_LOOKS_MAX });
  checkInteger(`alerts.rules.${name}.cooldownMs`, cooldownMs, { min: 0, max: COOLDOWN_MS_MAX });
  return rule;
}

function checkLimit(option: string, value: number): void {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return;
  throw new MillraceError("invalid_argument", `${option} is ${JSON.stringify(value)}; it must be a number from 0 on`);
}

function checkKnown(prefix: string, value: object, names: readonly string[]): void {
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const told = `unknown option "${prefix}${unknown}"; known are ${names.map((name) => prefix + name).join(", ")}`;
  throw new MillraceError("invalid_argument", told);
}

function rejectedPercent(span: Span): number {
  const offered = span.more("accepted") + span.more("refused");
  return offered < REJECTION_OFFERS_MIN ? 0 : (span.more("refused") * 100) / offered;
}

/** Between the busiest and the idlest; 0 of a single one. */
function spreadOf(values: readonly number[]): number {
  return values.length < 2 ? 0 : Math.max(...values) - Math.min(...values);
}
