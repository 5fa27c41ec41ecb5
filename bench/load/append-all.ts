import { nowMicros } from "./now.ts";
import { makePayload } from "./payload.ts";
import { openPublisher } from "./publisher.ts";
import type { Target } from "./target.ts";

export type AppendAll = {
  readonly url: URL;
  readonly target: Target;
  readonly stream: string;
  readonly frames: number;
  readonly batch: number;
  readonly bytes: number;
  readonly inFlight: number;
};

/** Appends a number of frames as fast as they are answered. */
export async function appendAll({ url, target, stream, frames, batch, bytes, inFlight }: AppendAll): Promise<void> {
  const done = Promise.withResolvers<void>();
  let [sent, answered] = [0, 0];
  const publisher = await openPublisher(url, target.publish, {
    answered: () => {
      answered += batch;
      if (answered >= frames) done.resolve();
      else next();
    },
    failed: (error) => done.reject(error),
  });
  const next = () => {
    while (sent < frames && sent - answered < inFlight * batch) {
      const payloads = Array.from({ length: batch }, (_, n) => makePayload(sent + n + 1, nowMicros(), bytes));
      publisher.send({ id: sent / batch, stream, payloads });
      sent += batch;
    }
  };
  next();
  await done.promise.finally(() => publisher.close());
}
