import { MillraceError } from "@millrace/core";
import type { Observations } from "../observations/observations.ts";
import type { SpaceRow } from "../store/memory-module.ts";

/**
 * Throws `conflict` for a space that holds observations, or may be about to: many have no text to embed, and the others' vectors are in the
 * log and in saved segments with the dimensions the space has now.
 */
export function checkNoObservations({ id, name }: SpaceRow, { ingest }: Pick<Observations, "ingest">): void {
  if (!ingest.spaces().includes(id)) return;
  const { rows } = ingest.spaceState(id);
  if (rows > 0) {
    const message = `space ${name} holds ${rows} observations, whose vectors cannot be made anew; only spaces of documents can be given another model: use another space`;
    throw new MillraceError("conflict", message);
  }
  if (ingest.sessionsOpen === 0) return;
  const message = `${ingest.sessionsOpen} sessions of observations are open, and one may be about to add to space ${name}; try again when they are closed`;
  throw new MillraceError("conflict", message, { retryable: true, retryAfterMs: 5_000 });
}

/** Forgets that the space was opened for vectors of the dimensions it had; it has none. */
export async function forgetDims({ id }: SpaceRow, observations: Observations): Promise<void> {
  if (observations.ingest.spaces().includes(id)) await observations.dropSpace(id);
}
