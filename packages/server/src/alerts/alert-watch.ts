import type { Clock } from "@millrace/core";
import type { Observations } from "@millrace/memory";
import type { LogReader, Sequencer } from "@millrace/stream";
import { AlertStream } from "./alert-stream.ts";
import { type Alerts, createAlerts } from "./alerts.ts";
import { readFigures } from "./read-figures.ts";
import type { ResolvedAlerts } from "./rules.ts";

export type AlertWatchOptions = ResolvedAlerts & {
  readonly observations: Observations;
  /** How often each index worker has ended. */
  readonly workerDeaths: ReadonlyMap<number, number>;
  readonly sequencer: Sequencer;
  readonly reader: LogReader;
  readonly clock: Clock;
};

/** The alerts of an engine, and their stream. */
export class AlertWatch {
  readonly alerts: Alerts;
  readonly stream: AlertStream;

  constructor({ observations, workerDeaths, sequencer, reader, ...options }: AlertWatchOptions) {
    this.stream = new AlertStream({ sequencer, reader, clock: options.clock });
    this.alerts = createAlerts({
      ...options,
      read: () => readFigures(observations, (worker) => workerDeaths.get(worker) ?? 0),
      emit: (event) => this.stream.put(event),
    });
  }

  /** Ends what the last process left open, then looks. Rejects when the log cannot be read. */
  async start(): Promise<void> {
    await this.stream.recover();
    this.alerts.start();
  }

  close(): void {
    this.alerts[Symbol.dispose]();
    this.stream.close();
  }
}
