/** Where the main text seems to be, by rules alone: chains of elements that hold most of the prose, and the best-scored element. */
import type { Page } from "../page/page.ts";
import { TEXT_COUNTS, TextCount } from "../page/text-run.ts";
import { type ElementFacts, proseOf } from "./element-facts.ts";

/** Shares of the parent's prose a child must hold for the chain to go down to it. */
export const CHAIN_SHARES = [0.5, 0.7, 0.88] as const;

export class MainElement {
  /** One element for each of `CHAIN_SHARES`. */
  readonly chain = new Int32Array(CHAIN_SHARES.length);
  /** Element with the most prose close above it. */
  top = 0;
  topScore = 0;
  #best = new Int32Array(0);
  #score = new Float64Array(0);

  read(page: Page, facts: ElementFacts): void {
    const { count } = page.elements;
    if (count > this.#best.length) {
      this.#best = new Int32Array(Math.ceil(count * 1.25));
      this.#score = new Float64Array(Math.ceil(count * 1.25));
    }
    this.#findBest(page, facts);
    for (let at = 0; at < CHAIN_SHARES.length; at++) this.chain[at] = this.#descend(facts, CHAIN_SHARES[at] ?? 1);
    this.#findTop(page, facts);
  }

  #findBest({ elements }: Page, facts: ElementFacts): void {
    this.#best.fill(-1, 0, elements.count);
    for (let at = 1; at < elements.count; at++) {
      const above = elements.parent[at] ?? 0;
      const rival = this.#best[above] ?? -1;
      if (rival < 0 || (facts.prose[at] ?? 0) > (facts.prose[rival] ?? 0)) this.#best[above] = at;
    }
  }

  #descend(facts: ElementFacts, share: number): number {
    let at = 0;
    for (;;) {
      const next = this.#best[at] ?? -1;
      if (next < 0 || (facts.prose[next] ?? 0) <= 0) return at;
      if ((facts.prose[next] ?? 0) < share * (facts.prose[at] ?? 0)) return at;
      at = next;
    }
  }

  /** As readers' modes do: prose counts for the element around its paragraph, half for the one above, less for links. */
  #findTop({ blocks, elements }: Page, facts: ElementFacts): void {
    const score = this.#score;
    score.fill(0, 0, elements.count);
    for (let at = 0; at < blocks.count; at++) {
      const words = blocks.counts[at * TEXT_COUNTS + TextCount.words] ?? 0;
      let value = proseOf(blocks.chars[at] ?? 0, blocks.linkChars[at] ?? 0, words);
      let element = elements.parent[blocks.element[at] ?? 0] ?? -1;
      for (let level = 0; level < 4 && element >= 0; level++) {
        score[element] = (score[element] ?? 0) + value;
        value *= 0.5;
        element = elements.parent[element] ?? -1;
      }
    }
    this.top = 0;
    this.topScore = 0;
    for (let at = 0; at < elements.count; at++) {
      const density = (facts.linkChars[at] ?? 0) / ((facts.chars[at] ?? 0) + 1);
      const value = (score[at] ?? 0) * (1 - density);
      if (value > this.topScore) {
        this.topScore = value;
        this.top = at;
      }
    }
  }
}
