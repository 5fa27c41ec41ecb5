/** Whether more work may be begun: closed while whoever reads the results has not taken those there are. */
export class Flow {
  #held: PromiseWithResolvers<void> | undefined;

  /** Closes or opens it; opening lets everyone through who waits. */
  set isHeld(isHeld: boolean) {
    if (isHeld) this.#held ??= Promise.withResolvers();
    else {
      this.#held?.resolve();
      this.#held = undefined;
    }
  }

  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Settles when it is open. */
  async room(): Promise<void> {
    while (this.#held) await this.#held.promise;
  }
}
