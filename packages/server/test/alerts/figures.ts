/** Figures that a test sets by hand. */
import { Histogram, ManualClock } from "@millrace/core";
import { type AlertEvent, type Alerts, createAlerts } from "../../src/alerts/alerts.ts";
import type { Figures } from "../../src/alerts/figures.ts";
import { type AlertOptions, resolveAlerts } from "../../src/alerts/rules.ts";

type Writable<T> = { -readonly [key in keyof T]: T[key] };
export type Given = Writable<Omit<Figures, "workers">> & { readonly workers: { busyMs: number; deaths: number }[] };

export function givenFigures(): Given {
  return {
    ...{ accepted: 0, durable: 0, searchable: 0, indexed: 0, refused: 0, logFailures: 0, deadLetters: 0 },
    ...{ depth: 0, rssBytes: 0 },
    waitMicros: new Histogram(),
    durableMicros: new Histogram(),
    searchableMicros: new Histogram(),
    workers: [
      { busyMs: 0, deaths: 0 },
      { busyMs: 0, deaths: 0 },
    ],
  };
}

export type Watched = {
  readonly given: Given;
  readonly events: AlertEvent[];
  readonly alerts: Alerts;
  /** So many seconds, in each of which `during` happens before the look. */
  pass(seconds: number, during?: (given: Given, second: number) => void): void;
  /** `raised rule/subject value` of what was told since the last call. */
  told(): string[];
};

export function watch(options: AlertOptions = {}): Watched {
  const clock = new ManualClock();
  const given = givenFigures();
  const events: AlertEvent[] = [];
  let seen = 0;
  const alerts = createAlerts({
    ...resolveAlerts(options),
    clock,
    read: () => given,
    emit: (event) => events.push(event),
  });
  alerts.start();
  return {
    given,
    events,
    alerts,
    pass(seconds, during = () => {}) {
      for (let second = 0; second < seconds; second++) {
        during(given, second);
        clock.advance(1_000);
      }
    },
    told() {
      const news = events.slice(seen);
      seen = events.length;
      return news.map(({ kind, alert: { rule, subject } }) => `${kind} ${rule}${subject ? `/${subject}` : ""}`);
    },
  };
}
