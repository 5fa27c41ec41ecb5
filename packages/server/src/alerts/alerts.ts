import { assert, type Clock } from "@millrace/core";
import { ALERT_RULES, type Alert, type AlertRule } from "@millrace/protocol";
import type { Figures } from "./figures.ts";
import { HYSTERESIS_SHARE, WINDOW_LOOKS_MAX, WINDOW_SHOWN_MS } from "./limits.ts";
import type { Reading, ResolvedAlerts, Rule } from "./rules.ts";
import { Samples, type Span } from "./samples.ts";

export type AlertEvent = { readonly kind: "raised" | "cleared"; readonly alert: Alert };

export type AlertsOptions = ResolvedAlerts & {
  readonly clock: Clock;
  /** The figures as they are now. */
  readonly read: () => Figures;
  /** An alert began or is over. */
  readonly emit: (event: AlertEvent) => void;
};

/** Looks begin with `start`. */
export function createAlerts(options: AlertsOptions): Alerts {
  return new Alerts(options);
}

type State = { active: Alert | undefined; raisedAtMs: number };

/**
 * Looks at the figures again and again, and tells when one is on the wrong side of its limit and when it is well back. For each rule and
 * subject: raised and cleared take turns, beginning with raised; two raised are at least a cool-down apart; what is still wrong when the
 * cool-down ends is raised then. Windows are the difference of two readings, so that nothing of before them counts.
 */
export class Alerts implements Disposable {
  /** Alerts since the start, by rule. */
  readonly raised: Readonly<Record<AlertRule, number>>;
  readonly #options: AlertsOptions;
  readonly #samples: Samples;
  readonly #counts: Record<AlertRule, number>;
  /** By rule and subject, of those that are active or cooling down. */
  readonly #states = new Map<string, State>();
  #cancel = () => {};

  constructor(options: AlertsOptions) {
    this.#options = options;
    const shownMs = Math.min(WINDOW_SHOWN_MS, options.everyMs * WINDOW_LOOKS_MAX);
    this.#samples = new Samples(Math.max(shownMs, ...options.rules.map(({ windowMs }) => windowMs)));
    this.#counts = Object.fromEntries(ALERT_RULES.map((name) => [name, 0])) as Record<AlertRule, number>;
    this.raised = this.#counts;
  }

  /** What is wrong now, with the latest values; those that began first come first. */
  get active(): readonly Alert[] {
    const active = [...this.#states.values()].flatMap((state) => state.active ?? []);
    return active.sort((a, b) => a.sinceMs - b.sinceMs);
  }

  /** What happened over that time, or since the start when that is less; undefined before the second look. */
  span(windowMs: number): Span | undefined {
    return this.#samples.span(windowMs);
  }

  /** Looks now, and every `everyMs` from now on. */
  start(): void {
    this.look();
    this.#cancel = this.#options.clock.after(this.#options.everyMs, () => this.start());
  }

  look(): void {
    const { clock, read, rules } = this.#options;
    const nowMs = clock.monotonic();
    this.#samples.add(read(), nowMs);
    for (const rule of rules) {
      const span = this.#samples.span(rule.windowMs);
      if (!span || (rule.needsWhole && !span.isWhole)) continue;
      for (const reading of rule.read(span)) this.#judge(rule, reading, nowMs);
    }
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #judge(rule: Rule, reading: Reading, nowMs: number): void {
    const key = alertId({ rule: rule.name, ...reading });
    const state = this.#states.get(key);
    if (state?.active) this.#follow(rule, state, reading.value);
    else if (isWrong(rule, reading.value)) this.#raise(rule, key, reading, nowMs);
    else if (state && nowMs - state.raisedAtMs >= rule.cooldownMs) this.#states.delete(key);
  }

  #raise(rule: Rule, key: string, reading: Reading, nowMs: number): void {
    const state = this.#states.get(key);
    if (state && nowMs - state.raisedAtMs < rule.cooldownMs) return;
    const { name, limit, unit, hint } = rule;
    const active: Alert = { rule: name, ...reading, limit, unit, sinceMs: this.#options.clock.now(), hint };
    this.#states.set(key, { active, raisedAtMs: nowMs });
    this.#counts[name]++;
    this.#options.emit({ kind: "raised", alert: active });
  }

  #follow(rule: Rule, state: State, value: number): void {
    assert(state.active, "only an alert that is active is followed");
    const alert = { ...state.active, value };
    state.active = isRight(rule, value) ? undefined : alert;
    if (!state.active) this.#options.emit({ kind: "cleared", alert });
  }
}

/** The entity an alert is: its frames have this id. */
export function alertId({ rule, subject }: Pick<Alert, "rule" | "subject">): string {
  return subject === undefined ? rule : `${rule}/${subject}`;
}

function isWrong({ wrong, limit }: Rule, value: number): boolean {
  return wrong === "above" ? value > limit : value < limit;
}

/** Well back: not just across the limit. */
function isRight({ wrong, limit }: Rule, value: number): boolean {
  return wrong === "above" ? value <= limit * (1 - HYSTERESIS_SHARE) : value >= limit * (1 + HYSTERESIS_SHARE);
}
