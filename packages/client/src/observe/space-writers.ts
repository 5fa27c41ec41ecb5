import type { IngestMark, Lane } from "@millrace/protocol";
import type { ClientContext } from "../client.ts";
import type { Observation } from "./encode-observations.ts";
import { ObservationWriter, type ObserverOptions } from "./observation-writer.ts";

export type ObserveOptions = {
  /** Under load `low` waits and is refused first; default `normal`. */
  readonly lane?: Lane | undefined;
  /** How far the observations have come when the promise resolves; default `durable`. */
  readonly mark?: IngestMark | undefined;
};

/** One writer for each space and lane of a client: calls from anywhere in a program go as the same batches. */
const writers = new WeakMap<ClientContext, Map<string, ObservationWriter>>();

export function observe(
  context: ClientContext,
  space: string,
  observations: readonly Observation[],
  { lane = "normal", mark }: ObserveOptions,
): Promise<void> {
  const known = writers.get(context) ?? new Map<string, ObservationWriter>();
  writers.set(context, known);
  const key = `${lane} ${space}`;
  const before = known.get(key);
  const writer = before && !before.isClosed ? before : createObserver(context, space, { lane });
  known.set(key, writer);
  return writer.observe(observations, { mark });
}

export function createObserver(context: ClientContext, space: string, options: ObserverOptions): ObservationWriter {
  return new ObservationWriter(context, space, options);
}
