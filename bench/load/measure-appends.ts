import { LOAD_DEFAULTS } from "./load-defaults.ts";
import { nowMicros } from "./now.ts";
import type { Publisher, PublisherEvents } from "./publisher.ts";
import { Writer } from "./writer.ts";

export type AppendLoad = {
  readonly streams: readonly string[];
  readonly batch: number;
  /** Appends without an answer. */
  readonly inFlight: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly bytes: number;
  /** In one stream. Default: as many as are in flight. */
  readonly appendsMax?: number;
};

export type AppendRate = { readonly framesPerSecond: number; readonly p50Ms: number; readonly p99Ms: number };

/** Keeps appends in flight through a publisher, from this process, and times their answers. */
export async function measureAppends(
  load: AppendLoad,
  open: (events: PublisherEvents) => Promise<Publisher>,
): Promise<AppendRate> {
  let writer: Writer | undefined;
  const publisher = await open({
    answered: () => writer?.answered(),
    failed: (error) => writer?.failed(error),
  });
  const { appendsMax = Number.POSITIVE_INFINITY } = load;
  writer = new Writer({ ...LOAD_DEFAULTS, ...load, rate: 0, publisher, appendsMax, behind: () => 0 });
  try {
    await writer.run(nowMicros());
  } finally {
    publisher.close();
  }
  const { acks } = writer;
  return {
    framesPerSecond: (acks.count * load.batch) / load.seconds,
    p50Ms: acks.quantileMs(0.5),
    p99Ms: acks.quantileMs(0.99),
  };
}
