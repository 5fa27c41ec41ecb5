type Gate = { passing: number; isClosed: boolean; readonly waiting: (() => void)[] };

/**
 * Writes to a space pass side by side; the swap of its vectors is alone. A write that comes while the gate is closed waits; the swap waits
 * for the writes under way. Spaces do not wait for each other.
 */
export class SpaceGate {
  readonly #gates = new Map<number, Gate>();

  /** Runs `work` when nobody is alone in the space. */
  async pass<T>(space: number, work: () => Promise<T>): Promise<T> {
    let gate = this.#gateOf(space);
    while (gate.isClosed) {
      await changeOf(gate);
      gate = this.#gateOf(space);
    }
    gate.passing++;
    try {
      return await work();
    } finally {
      gate.passing--;
      this.#changed(space, gate);
    }
  }

  /** Runs `work` while nothing passes; of several, one after the other. */
  async alone<T>(space: number, work: () => Promise<T>): Promise<T> {
    let gate = this.#gateOf(space);
    while (gate.isClosed) {
      await changeOf(gate);
      gate = this.#gateOf(space);
    }
    gate.isClosed = true;
    try {
      while (gate.passing > 0) await changeOf(gate);
      return await work();
    } finally {
      gate.isClosed = false;
      this.#changed(space, gate);
    }
  }

  #gateOf(space: number): Gate {
    const gate = this.#gates.get(space) ?? { passing: 0, isClosed: false, waiting: [] };
    this.#gates.set(space, gate);
    return gate;
  }

  #changed(space: number, gate: Gate): void {
    for (const resolve of gate.waiting.splice(0)) resolve();
    if (gate.passing === 0 && !gate.isClosed) this.#gates.delete(space);
  }
}

function changeOf({ waiting }: Gate): Promise<void> {
  return new Promise((resolve) => waiting.push(resolve));
}
