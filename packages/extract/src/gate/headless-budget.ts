/**
 * The share of pages that may use a browser: a token bucket filled by pages, not by time. Invariant: of n pages at most
 * `burst + share × n` are granted, whatever the gate says.
 */
import { MillraceError } from "@millrace/core";
import { HEADLESS_BURST, HEADLESS_SHARE } from "../limits.ts";

export type HeadlessBudgetOptions = {
  /** Of all pages, 0 … 1; default 0.15. */
  readonly share?: number;
  /** Pages granted before the share is earned, and the most that can be saved up; default 3. */
  readonly burst?: number;
};

export class HeadlessBudget {
  readonly #share: number;
  readonly #burst: number;
  #tokens: number;
  #pages = 0;
  #granted = 0;
  #refused = 0;

  /** Throws `invalid_argument` for a share outside 0 … 1 or a negative burst. */
  constructor({ share = HEADLESS_SHARE, burst = HEADLESS_BURST }: HeadlessBudgetOptions = {}) {
    if (!(share >= 0 && share <= 1))
      throw new MillraceError("invalid_argument", `share is ${share}; it must be a number from 0 to 1`);
    if (!(burst >= 0 && burst < Number.POSITIVE_INFINITY))
      throw new MillraceError("invalid_argument", `burst is ${burst}; it must be a number from 0 up`);
    this.#share = share;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Counts a page and says whether it gets a browser, if it wants one. */
  admit(wantsBrowser: boolean): boolean {
    this.#pages++;
    this.#tokens = Math.min(Math.max(1, this.#burst), this.#tokens + this.#share);
    if (!wantsBrowser) return false;
    // Shares such as 0.15 add up to a hair less than they should.
    if (this.#tokens < 1 - 1e-9) {
      this.#refused++;
      return false;
    }
    this.#tokens = Math.max(0, this.#tokens - 1);
    this.#granted++;
    return true;
  }

  stats(): { readonly pages: number; readonly granted: number; readonly refused: number } {
    return { pages: this.#pages, granted: this.#granted, refused: this.#refused };
  }
}
