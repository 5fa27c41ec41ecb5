/** What is known of a domain: whether the static result of its pages sufficed. A Beta posterior that forgets. */
import { type Clock, systemClock } from "@millrace/core";
import { GATE_DOMAINS_MAX, GATE_HALF_LIFE_MS } from "../limits.ts";

/** The belief about a domain nobody has seen, as outcomes: of eight pages seven suffice. Weak, so that three failures turn it. */
const PRIOR_ENOUGH = 3.5;
const PRIOR_SHORT = 0.5;

/** Bounds what a domain adds to a page's log-odds (a factor of 20 either way): a page with its text in plain sight wins over it. */
const LOG_ODDS_MAX = 3;

export type DomainOutcomesOptions = {
  /** Time in which an outcome loses half its weight; default 7 days. */
  readonly halfLifeMs?: number;
  /** Domains remembered; the one unused longest is forgotten first. Default 10,000. */
  readonly domainsMax?: number;
  readonly clock?: Clock;
};

type Outcomes = { enough: number; short: number; atMs: number };

export class DomainOutcomes {
  readonly #domains = new Map<string, Outcomes>();
  readonly #halfLifeMs: number;
  readonly #domainsMax: number;
  readonly #clock: Clock;

  constructor(options: DomainOutcomesOptions = {}) {
    this.#halfLifeMs = options.halfLifeMs ?? GATE_HALF_LIFE_MS;
    this.#domainsMax = options.domainsMax ?? GATE_DOMAINS_MAX;
    this.#clock = options.clock ?? systemClock;
  }

  get size(): number {
    return this.#domains.size;
  }

  /** Whether the static result of a page of `domain` turned out to suffice. */
  observe(domain: string, wasEnough: boolean): void {
    const outcomes = this.#now(domain);
    if (wasEnough) outcomes.enough++;
    else outcomes.short++;
    this.#domains.delete(domain);
    this.#domains.set(domain, outcomes);
    const [oldest] = this.#domains.keys();
    if (this.#domains.size > this.#domainsMax && oldest !== undefined) this.#domains.delete(oldest);
  }

  /** Mean of the posterior, 0 … 1. */
  meanOf(domain: string): number {
    const { enough, short } = this.#now(domain);
    return (PRIOR_ENOUGH + enough) / (PRIOR_ENOUGH + PRIOR_SHORT + enough + short);
  }

  /** What the domain adds to a page's log-odds: the posterior's against the prior's, 0 for a domain nobody has seen. */
  logOddsOf(domain: string): number {
    const { enough, short } = this.#now(domain);
    const logOdds = Math.log((PRIOR_ENOUGH + enough) / (PRIOR_SHORT + short)) - Math.log(PRIOR_ENOUGH / PRIOR_SHORT);
    return Math.max(-LOG_ODDS_MAX, Math.min(LOG_ODDS_MAX, logOdds));
  }

  /** The domain's outcomes as they weigh now; a clock set back makes them no heavier. */
  #now(domain: string): Outcomes {
    const nowMs = this.#clock.now();
    const known = this.#domains.get(domain);
    if (!known) return { enough: 0, short: 0, atMs: nowMs };
    const weight = 0.5 ** (Math.max(0, nowMs - known.atMs) / this.#halfLifeMs);
    return { enough: known.enough * weight, short: known.short * weight, atMs: nowMs };
  }
}
