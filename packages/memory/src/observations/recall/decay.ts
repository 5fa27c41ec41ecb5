import { MillraceError, unreachable } from "@millrace/core";

/** How what was observed fades with age: a function from 1, when it is new, towards 0. Ages and half-lives in milliseconds. */
export type Decay =
  | { readonly kind: "none" }
  /** Half is left after each `halfLifeMs`. */
  | { readonly kind: "exponential"; readonly halfLifeMs: number }
  /** (1 + age / scaleMs) ^ −exponent: quick at first, then ever slower, as people forget (Wixted and Ebbesen 1991). */
  | { readonly kind: "power"; readonly scaleMs: number; readonly exponent: number }
  /** Two exponentials: `fastShare` of it fades with the one half-life, the rest with the other. */
  | {
      readonly kind: "two-component";
      readonly fastHalfLifeMs: number;
      readonly slowHalfLifeMs: number;
      readonly fastShare: number;
    };

const DAY_MS = 86_400_000;

export const DECAY_DEFAULT: Decay = { kind: "exponential", halfLifeMs: 30 * DAY_MS };

/** What is left of 1 at an age; an age below 0 (another clock) counts as 0. `decay` has passed `checkDecay`. */
export function decayed(decay: Decay, ageMs: number): number {
  const age = Math.max(0, ageMs);
  switch (decay.kind) {
    case "none":
      return 1;
    case "exponential":
      return halved(age, decay.halfLifeMs);
    case "power":
      return (1 + age / decay.scaleMs) ** -decay.exponent;
    case "two-component":
      return (
        decay.fastShare * halved(age, decay.fastHalfLifeMs) + (1 - decay.fastShare) * halved(age, decay.slowHalfLifeMs)
      );
    default:
      return unreachable(decay);
  }
}

/** `decay` when its parameters are in range; else `invalid_argument` naming the one that is not. */
export function checkDecay(decay: Decay): Decay {
  switch (decay.kind) {
    case "none":
      return decay;
    case "exponential":
      checkAbove0("decay.halfLifeMs", decay.halfLifeMs);
      return decay;
    case "power":
      checkAbove0("decay.scaleMs", decay.scaleMs);
      checkAbove0("decay.exponent", decay.exponent);
      return decay;
    case "two-component":
      checkAbove0("decay.fastHalfLifeMs", decay.fastHalfLifeMs);
      checkAbove0("decay.slowHalfLifeMs", decay.slowHalfLifeMs);
      if (decay.fastShare >= 0 && decay.fastShare <= 1) return decay;
      throw wrong("decay.fastShare", decay.fastShare, "a number from 0 to 1");
    default:
      throw wrong("decay.kind", (decay as Decay).kind, "none, exponential, power or two-component");
  }
}

function halved(ageMs: number, halfLifeMs: number): number {
  return Math.exp((-Math.LN2 * ageMs) / halfLifeMs);
}

function checkAbove0(name: string, value: unknown): void {
  if (typeof value === "number" && value > 0 && Number.isFinite(value)) return;
  throw wrong(name, value, "a number above 0");
}

function wrong(name: string, value: unknown, rule: string): MillraceError {
  return new MillraceError("invalid_argument", `${name} is ${JSON.stringify(value)}; it must be ${rule}`);
}
