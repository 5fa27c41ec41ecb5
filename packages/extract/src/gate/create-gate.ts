/** The gate with a memory: what earlier pages of a domain showed, and how many pages may have a browser. */
import { DomainOutcomes } from "./domain-outcomes.ts";
import { type GateResult, gateResult } from "./gate.ts";
import type { HeadlessBudget } from "./headless-budget.ts";

export type GateOptions = {
  readonly domains?: DomainOutcomes;
  /** Without one every page that wants a browser is told so: right where the caller has no browser and reports `needs_render`. */
  readonly budget?: HeadlessBudget;
  /** Whether the browser fails just now (its circuit breaker is open). */
  readonly isBreakerOpen?: () => boolean;
};

export interface Gate {
  /**
   * The decision for one page, once per page: `judged` (from `judgeStatic`) with its domain's contribution added. `probe` and `dynamic`
   * take from the budget; when it is used up or the breaker is open they become `static`, marked `degraded`.
   */
  decide(judged: GateResult, domain?: string): GateResult;
  /** Reports later whether the static result of a page of `domain` sufficed. */
  observe(domain: string, wasEnough: boolean): void;
  stats(): GateStats;
}

export type GateStats = {
  readonly static: number;
  readonly probe: number;
  readonly dynamic: number;
  readonly pdf: number;
  /** Counted in `static` too. */
  readonly degraded: number;
  readonly domains: number;
};

export function createGate({ domains = new DomainOutcomes(), budget, isBreakerOpen }: GateOptions = {}): Gate {
  const counts = { static: 0, probe: 0, dynamic: 0, pdf: 0, degraded: 0 };
  return {
    decide(judged, domain) {
      const result = withinMeans(withDomain(judged, domain === undefined ? 0 : domains.logOddsOf(domain)), {
        budget,
        isBreakerOpen,
      });
      counts[result.decision]++;
      if (result.degraded) counts.degraded++;
      return result;
    },
    observe: (domain, wasEnough) => domains.observe(domain, wasEnough),
    stats: () => ({ ...counts, domains: domains.size }),
  };
}

function withDomain(judged: GateResult, logOdds: number): GateResult {
  if (logOdds === 0) return judged;
  return gateResult({ ...judged.contributions, domain: logOdds }, judged.decision === "pdf");
}

function withinMeans(
  result: GateResult,
  { budget, isBreakerOpen }: { budget: HeadlessBudget | undefined; isBreakerOpen: (() => boolean) | undefined },
): GateResult {
  const wantsBrowser = result.decision === "dynamic" || result.decision === "probe";
  const isOpen = wantsBrowser && isBreakerOpen?.() === true;
  // A page that the breaker turns away takes no token along.
  const isGranted = budget?.admit(wantsBrowser && !isOpen) ?? true;
  if (isOpen) return { ...result, decision: "static", degraded: "breaker" };
  return wantsBrowser && !isGranted ? { ...result, decision: "static", degraded: "budget" } : result;
}
