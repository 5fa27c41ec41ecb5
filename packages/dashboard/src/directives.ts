/** Directives for what a strict content policy does not allow as attributes, and for motion. */
import { noChange } from "lit-html";
import { Directive, directive, type ElementPart } from "lit-html/directive.js";

class Vars extends Directive {
  render(_values: Readonly<Record<string, string | number>>): unknown {
    return noChange;
  }

  override update(part: ElementPart, [values]: [Readonly<Record<string, string | number>>]): unknown {
    const { style } = part.element as HTMLElement;
    for (const [name, value] of Object.entries(values)) style.setProperty(`--${name}`, String(value));
    return noChange;
  }
}

/** Sets custom properties: `${vars({ part: 0.4 })}` on an element is `--part: 0.4`, without a style attribute. */
export const vars = directive(Vars);

/** Length of one dash and its gap in the drawing's units; `stroke-dasharray` in overview.css adds up to the same. */
const PERIOD = 18;

class Flow extends Directive {
  #animation: Animation | undefined;

  render(_perSecond: number): unknown {
    return noChange;
  }

  override update(part: ElementPart, [perSecond]: [number]): unknown {
    const { element } = part;
    element.classList.toggle("idle", perSecond <= 0);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.#animation?.cancel();
      this.#animation = undefined;
      return noChange;
    }
    this.#animation ??= element.animate([{ strokeDashoffset: PERIOD }, { strokeDashoffset: 0 }], {
      duration: 1000,
      iterations: Number.POSITIVE_INFINITY,
    });
    this.#animation.updatePlaybackRate(flowSpeed(perSecond));
    return noChange;
  }
}

/** Dashes a second for a measured rate: still at 0, then with its logarithm, so that 1/s and 10,000/s can both be seen. */
export function flowSpeed(perSecond: number): number {
  return perSecond <= 0 ? 0 : Math.min(4, 0.35 + Math.log10(1 + perSecond) * 0.85);
}

/** Moves the dashes of a path as fast as `perSecond` says. */
export const flow = directive(Flow);
