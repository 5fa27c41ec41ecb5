/** Who has a space, and what waits for it to be open. */

export type Lease<Task> = {
  readonly space: number;
  worker: number;
  epoch: number;
  state: "opening" | "ready" | "moving" | "failed";
  /** Sent again once the space is open, in their order. */
  again: Task[];
  /** Observations in the worker's hands. */
  depth: number;
  openings: number;
  /** When it was given up. */
  failedAtMs: number;
  /** Rows when it told last. */
  rows: number;
  /** What was sent again when it was opened and is not added yet: before that what was found once might not be. */
  catchUp: number | undefined;
  /** Settles when the space can be asked. */
  opened: PromiseWithResolvers<void>;
};

export function createLease<Task>(space: number, worker: number): Lease<Task> {
  return {
    ...{ space, worker, epoch: 0, state: "opening", again: [], depth: 0, openings: 0, failedAtMs: 0, rows: 0 },
    ...{ catchUp: undefined, opened: openedAnew() },
  };
}

/** Nobody may wait for it when it is rejected. */
export function openedAnew(): PromiseWithResolvers<void> {
  const opened = Promise.withResolvers<void>();
  opened.promise.catch(() => {});
  return opened;
}
