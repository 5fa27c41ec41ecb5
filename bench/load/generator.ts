/** The load generator's process: some subscribers and, in part 0, the writer. Driven over IPC by run-load.ts. */
import { MillraceError } from "@millrace/core";
import { FrameScanner } from "./frame-scanner.ts";
import type { FromGenerator, GeneratorOptions, GeneratorReport, ToGenerator } from "./generator-messages.ts";
import { LatencyTable } from "./latency-table.ts";
import { CONNECTING_MAX, DRAIN_MS_MAX, DRAIN_QUIET_MS } from "./limits.ts";
import { nowMicros } from "./now.ts";
import { openPublisher, type Publisher } from "./publisher.ts";
import { Subscriber, type Tally } from "./subscriber.ts";
import { chooseTarget } from "./targets/choose-target.ts";
import { Writer } from "./writer.ts";

class Generator {
  readonly #options: GeneratorOptions;
  readonly #tally: Tally;
  readonly #subscribers: Subscriber[] = [];
  #publisher: Publisher | undefined;
  #writer: Writer | undefined;
  #startedCpu = process.cpuUsage();
  #startedMicros = 0;

  constructor(options: GeneratorOptions) {
    this.#options = options;
    const latencies = new LatencyTable();
    this.#tally = { latencies, delivered: 0, lastDeliveryMicros: 0, measureFromMicros: Number.POSITIVE_INFINITY };
  }

  async open(): Promise<void> {
    const { streams, subscribers, part, parts } = this.#options;
    const url = new URL(this.#options.url);
    const target = chooseTarget(this.#options);
    const scanner = new FrameScanner(target.marker);
    const onProgress = () => this.#writer?.pump();
    for (let number = part; number < subscribers; number += parts) {
      const streamIndex = number % streams.length;
      const stream = streams[streamIndex] ?? "";
      const { follow: plan } = target;
      this.#subscribers.push(
        new Subscriber({ url, plan, stream, streamIndex, scanner, tally: this.#tally, onProgress }),
      );
    }
    for (let at = 0; at < this.#subscribers.length; at += CONNECTING_MAX) {
      await Promise.all(this.#subscribers.slice(at, at + CONNECTING_MAX).map((subscriber) => subscriber.start()));
    }
    if (part === 0) await this.#openWriter(url);
  }

  async #openWriter(url: URL): Promise<void> {
    const { publish, appendsMax } = chooseTarget(this.#options);
    const count = Math.max(1, this.#subscribers.length / this.#options.streams.length);
    const behind = (sent: number) => (this.#subscribers.length === 0 ? 0 : sent - this.#tally.delivered / count);
    this.#publisher = await openPublisher(url, publish, {
      answered: () => this.#writer?.answered(),
      failed: (error) => this.#writer?.failed(error),
    });
    this.#writer = new Writer({ ...this.#options, publisher: this.#publisher, appendsMax, behind });
  }

  async go(startMicros: number): Promise<void> {
    const measureFrom = startMicros + this.#options.warmupSeconds * 1e6;
    this.#tally.measureFromMicros = measureFrom;
    setTimeout(
      () => {
        this.#startedCpu = process.cpuUsage();
        this.#startedMicros = nowMicros();
      },
      Math.max(0, (measureFrom - nowMicros()) / 1_000),
    );
    const writer = this.#writer;
    if (!writer) return;
    await writer.run(startMicros);
    const { heads, sent, acks, lateness } = writer;
    tell({
      kind: "written",
      heads,
      sent,
      acked: acks.count * this.#options.batch,
      ackMs: quantiles(acks),
      lateMs: quantiles(lateness),
    });
  }

  /** Waits until everyone has everything, or until nothing more comes. */
  async drain(heads: readonly number[]): Promise<void> {
    const startedMs = performance.now();
    let [delivered, progressMs] = [-1, startedMs];
    while (!this.#subscribers.every(({ order, streamIndex }) => order.lost(heads[streamIndex] ?? 0) === 0)) {
      const nowMs = performance.now();
      if (this.#tally.delivered > delivered) [delivered, progressMs] = [this.#tally.delivered, nowMs];
      if (nowMs - progressMs > DRAIN_QUIET_MS || nowMs - startedMs > DRAIN_MS_MAX) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    tell({ kind: "report", report: this.#report(heads) });
    this.#publisher?.close();
    for (const subscriber of this.#subscribers) subscriber.close();
  }

  #report(heads: readonly number[]): GeneratorReport {
    const { user, system } = process.cpuUsage(this.#startedCpu);
    const { latencies, lastDeliveryMicros, delivered } = this.#tally;
    const sum = (of: (subscriber: Subscriber) => number) =>
      this.#subscribers.reduce((total, subscriber) => total + of(subscriber), 0);
    const cut = this.#subscribers.filter(({ ended }) => ended !== undefined);
    const [first] = cut;
    return {
      latencies: latencies.toCounts(),
      lastDeliveryMicros,
      delivered,
      lost: sum(({ order, streamIndex }) => order.lost(heads[streamIndex] ?? 0)),
      duplicated: sum(({ order }) => order.duplicated),
      reordered: sum(({ order }) => order.reordered),
      cut: cut.length,
      ...(first?.ended === undefined ? {} : { cutReason: first.ended }),
      cpuShare: (user + system) / (nowMicros() - this.#startedMicros),
    };
  }
}

function quantiles(table: LatencyTable): { p50: number; p99: number } {
  return { p50: table.quantileMs(0.5), p99: table.quantileMs(0.99) };
}

function tell(message: FromGenerator): void {
  process.send?.(message);
}

let generator: Generator | undefined;

async function handle(message: ToGenerator): Promise<void> {
  if (message.kind === "open") {
    generator = new Generator(message.options);
    await generator.open();
    tell({ kind: "following" });
  } else if (message.kind === "go") await generator?.go(message.startMicros);
  else {
    await generator?.drain(message.heads);
    process.disconnect();
  }
}

process.on("message", (message: ToGenerator) => {
  handle(message).catch((error: unknown) => tell({ kind: "failed", message: MillraceError.from(error).message }));
});
// The parent is gone: so is the run.
process.on("disconnect", () => process.exit());
