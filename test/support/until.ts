import { setTimeout } from "node:timers/promises";

/** Longest a test waits for something that is to come: far above what it takes, on a slow and busy machine, too. */
export const LIMIT_MS = 60_000;

export function tooLate(seen: string): Error {
  return new Error(`not within ${LIMIT_MS} ms; so far: ${seen}`);
}

/** Resolves once the condition holds; looks again and again, so that nothing depends on how long a thing takes. */
export async function until(holds: () => boolean | Promise<boolean>, seen: () => unknown = () => ""): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw tooLate(JSON.stringify(seen()));
    await setTimeout(5);
  }
}
