import { join } from "node:path";
import { type Clock, MillraceError, systemClock } from "@millrace/core";
import {
  createPageService,
  type Extractor,
  type FetcherOptions,
  type PageReader,
  type PageService,
} from "@millrace/extract";
import {
  consolidationModuleUrl,
  Memory,
  memoryModuleUrl,
  observationsModuleUrl,
  type Profile,
  type ProfileName,
  type ProfileOverrides,
  type ProviderSettings,
  resolveProfile,
} from "@millrace/memory";
import type { StreamId } from "@millrace/protocol";
import {
  anthropicTranslators,
  createTranslators,
  LogReader,
  type Mode,
  openAiTranslators,
  openStorage,
  Retention,
  type RetentionDefaults,
  retentionModuleUrl,
  Sequencer,
  type Storage,
  type Submitted,
  type TranslatorSet,
} from "@millrace/stream";
import { AlertWatch } from "./alerts/alert-watch.ts";
import { type AlertOptions, type ResolvedAlerts, resolveAlerts } from "./alerts/rules.ts";
import { DurableStreams } from "./durable-streams/durable-streams.ts";
import { Subscriptions } from "./durable-streams/subscriptions/subscriptions.ts";
import { WebhookSender } from "./durable-streams/subscriptions/webhook.ts";
import { ExtractRuns } from "./extract/extract-runs.ts";
import { JobRunner } from "./jobs/job-runner.ts";
import { JobStore } from "./jobs/job-store.ts";
import { SourceIngest } from "./jobs/source-ingest.ts";
import { DRAIN_MS, READY_WAIT_MS } from "./limits.ts";
import { Meters } from "./metrics/meters.ts";
import { ProcessMeter } from "./metrics/process-meter.ts";
import { traceAppend, traceCommit } from "./metrics/tracing.ts";
import { type ProviderOptions, toProviderSettings } from "./provider-settings.ts";
import { durableModuleUrl, extractModuleUrl, jobsModuleUrl, subscriptionsModuleUrl } from "./worker-url.ts";

export type EngineOptions = {
  /** Data directory: made when missing, held by one process at a time. */
  readonly directory: string;
  /** Most bytes of the store; unlimited when absent. */
  readonly dataBytesMax?: number;
  /** How embeddings are made; default the built-in `static` model. */
  readonly embedding?: ProviderOptions;
  /** Hosts, addresses or CIDR ranges that may be fetched although they are private. */
  readonly allowAddresses?: readonly string[];
  /** Time for fetching one page, redirects included; default 20,000 ms. */
  readonly fetchTimeoutMs?: number;
  /** How sites are treated (docs/fetching.md): pages a second and at once from one, and whether robots.txt is heeded. */
  readonly politeness?: Pick<FetcherOptions, "ratePerSecond" | "burst" | "heedsRobots">;
  /** What is kept of clients' streams without a policy of their own, and for how long the streams of ended jobs; default everything. */
  readonly retention?: RetentionDefaults;
  /** When readers of clients' streams see a frame: once it is durable (`strict`), or at once; default `relaxed` (decision 0007). */
  readonly mode?: Mode;
  /** How observations are taken in: a named set of options (docs/admission.md); default `production`. */
  readonly profile?: ProfileName;
  /** Options instead of the profile's. */
  readonly profileOverrides?: ProfileOverrides;
  /** What events of an application's own foreign types become, beside those of OpenAI (`openai.chunk`) and Anthropic (`anthropic.event`). */
  readonly translators?: TranslatorSet;
  /** What is an alert; default the rules of docs/alerts.md, without a target of throughput. */
  readonly alerts?: AlertOptions;
  /** Consolidate the spaces whose observations changed, so often, in ms (docs/consolidation.md); default only when asked. */
  readonly consolidateEveryMs?: number;
  /** Whether a thread for pages starts with the engine, so that the first request does not wait for it; default false. */
  readonly isPrestarted?: boolean;
  readonly clock?: Clock;
};

/** What a drain found: whether all work in hand was finished in time, and how many jobs will be shown as interrupted. */
export type DrainReport = { readonly isComplete: boolean; readonly jobsLeft: number; readonly tookMs: number };

/** The parts of a running engine, wired: the composition root. */
export class Engine implements AsyncDisposable {
  readonly meters: Meters;
  /** What the main thread costs. */
  readonly process: ProcessMeter;
  readonly storage: Storage;
  readonly sequencer: Sequencer;
  readonly reader: LogReader;
  readonly memory: Memory;
  /** Fetcher, caches and extractor, and the one reader over them. */
  readonly pageService: PageService;
  readonly extracts: ExtractRuns;
  readonly jobStore: JobStore;
  readonly jobs: JobRunner;
  readonly durableStreams: DurableStreams;
  readonly subscriptions: Subscriptions;
  readonly retention: Retention;
  readonly watch: AlertWatch;
  readonly directory: string;
  readonly clock: Clock;
  #isReady = true;

  private constructor(
    parts: Pick<
      Engine,
      | ("meters" | "storage" | "sequencer" | "memory" | "jobStore" | "jobs" | "clock")
      | ("durableStreams" | "subscriptions")
      | ("retention" | "watch" | "directory" | "pageService" | "extracts" | "reader")
    >,
  ) {
    this.meters = parts.meters;
    this.process = new ProcessMeter(parts.clock);
    this.storage = parts.storage;
    this.sequencer = parts.sequencer;
    this.reader = parts.reader;
    this.memory = parts.memory;
    this.pageService = parts.pageService;
    this.extracts = parts.extracts;
    this.jobStore = parts.jobStore;
    this.jobs = parts.jobs;
    this.durableStreams = parts.durableStreams;
    this.subscriptions = parts.subscriptions;
    this.retention = parts.retention;
    this.watch = parts.watch;
    this.directory = parts.directory;
    this.clock = parts.clock;
  }

  /** Opens the data directory, ends what a crash left open, and loads the vectors. Rejects with `data_in_use`, `data_too_new`, … */
  static async open(options: EngineOptions): Promise<Engine> {
    const { directory, dataBytesMax, clock = systemClock } = options;
    const profile = resolveProfile(options.profile ?? "production", options.profileOverrides ?? {});
    const alerts = resolveAlerts(options.alerts);
    const modules = [
      ...[memoryModuleUrl, observationsModuleUrl, consolidationModuleUrl, jobsModuleUrl],
      ...[durableModuleUrl, subscriptionsModuleUrl, retentionModuleUrl, extractModuleUrl],
    ];
    const storage = await openStorage({
      directory,
      modules,
      onCommit: traceCommit,
      ...(dataBytesMax === undefined ? {} : { bytesMax: dataBytesMax }),
    });
    try {
      const providers = toProviderSettings(options.embedding ?? {});
      const engine = await Engine.#wire({
        storage,
        directory,
        providers,
        clock,
        retains: options.retention ?? {},
        mode: options.mode ?? "relaxed",
        translators: options.translators ?? {},
        profile,
        alerts,
        dataBytesMax,
        fetching: {
          allow: options.allowAddresses ?? [],
          timeoutMs: options.fetchTimeoutMs,
          ...options.politeness,
        },
        isPrestarted: options.isPrestarted ?? false,
      });
      return await engine.#start(options.consolidateEveryMs);
    } catch (error) {
      await storage.close();
      throw error;
    }
  }

  /** Ends what a crash left open and loads the vectors; on a failure no thread stays behind. */
  async #start(consolidateEveryMs: number | undefined): Promise<this> {
    try {
      await this.jobs.recover();
      await this.extracts.recover();
      await this.sequencer.recover();
      await this.memory.warm();
      this.retention.start();
      await this.watch.start();
      if (consolidateEveryMs !== undefined) this.memory.ingest.consolidations.every(consolidateEveryMs);
      return this;
    } catch (error) {
      await this.jobs.drain();
      await this.#closeParts();
      throw error;
    }
  }

  static async #wire(options: {
    storage: Storage;
    directory: string;
    providers: ProviderSettings;
    clock: Clock;
    retains: RetentionDefaults;
    mode: Mode;
    translators: TranslatorSet;
    profile: Profile;
    alerts: ResolvedAlerts;
    dataBytesMax: number | undefined;
    fetching: FetcherOptions;
    isPrestarted: boolean;
  }): Promise<Engine> {
    const { storage, directory, providers, clock, fetching, mode, profile, dataBytesMax } = options;
    const meters = new Meters(clock);
    const onAppended = (frames: number) => {
      meters.frames.add(frames);
      retention.grew(frames);
    };
    const onSubmitted = (stream: StreamId, submitted: Submitted, startedMs: number) => {
      meters.submitted(stream, submitted);
      traceAppend(stream, submitted, startedMs);
    };
    const translators = createTranslators().addAll(openAiTranslators).addAll(anthropicTranslators);
    translators.addAll(options.translators);
    const sequencer = new Sequencer({ storage, clock, mode, translators, onSubmitted, onAppended });
    const retention = new Retention({ storage, sequencer, clock, defaults: options.retains });
    const memory = await Memory.open({
      ...{ storage, sequencer, directory, providers, profile, clock },
      ...(dataBytesMax === undefined ? {} : { observationBytesMax: dataBytesMax }),
      onWorkerDown: (worker) => meters.workerDied(worker),
    });
    const reader = new LogReader(storage);
    const { workerDeaths } = meters;
    const watch = new AlertWatch({
      observations: memory.ingest,
      workerDeaths,
      sequencer,
      reader,
      clock,
      ...options.alerts,
    });
    const pageService = createPageService({
      cacheDirectory: join(directory, "cache"),
      fetching,
      extracting: { isPrestarted: options.isPrestarted },
      clock,
    });
    const extracts = new ExtractRuns({ sequencer, storage, log: reader, reader: pageService.reader, clock });
    const jobStore = new JobStore(storage);
    const { extractMicros } = meters;
    const onRead = (bytes: number) => {
      meters.sources.add();
      meters.bytes.add(bytes);
    };
    const ingest = new SourceIngest({
      memory,
      pageService,
      store: jobStore,
      extractMicros,
      onRead,
      clock,
    });
    const onSettled = ({ isStored, chunks }: { isStored: boolean; chunks: number }) => {
      if (isStored) meters.documents.add();
      else meters.failed.add();
      meters.chunks.add(chunks);
    };
    const jobs = new JobRunner({ sequencer, store: jobStore, ingest, onSettled, clock });
    const durableStreams = await DurableStreams.open({ storage, sequencer, clock });
    const webhooks = new WebhookSender(fetching.allow ?? []);
    const subscriptions = await Subscriptions.open({ streams: durableStreams, storage, clock, webhooks });
    return new Engine({
      ...{ meters, storage, sequencer, memory, jobStore, jobs, clock },
      ...{ durableStreams, subscriptions, retention, watch, directory, pageService, extracts, reader },
    });
  }

  get extractor(): Extractor {
    return this.pageService.extractor;
  }

  /** The one way pages are read. */
  get pages(): PageReader {
    return this.pageService.reader;
  }

  /** Throws `unavailable` while the engine closes. */
  checkReady(): void {
    if (!this.#isReady) throw new MillraceError("unavailable", "the engine is closing", { retryAfterMs: 1_000 });
  }

  /** Rejects with `unavailable` when the engine closes or one of its threads has ended: it will take no work before a restart. */
  async checkThreads(): Promise<void> {
    this.checkReady();
    const { failure } = this.storage;
    if (failure) throw new MillraceError("unavailable", `the store takes no more calls: ${failure.message}`);
    let cancel = () => {};
    // A thread that has ended rejects at once; one that is busy is not waited for.
    const busy = new Promise<void>((resolve) => {
      cancel = this.clock.after(READY_WAIT_MS, resolve);
    });
    await Promise.race([this.memory.stats(), busy]).finally(() => cancel());
  }

  /** Finishes what is in work, within DRAIN_MS, then closes every thread and file. */
  async close(): Promise<DrainReport> {
    this.#isReady = false;
    const startedMs = this.clock.monotonic();
    let isComplete = true;
    const drained = this.jobs.drain();
    const cancel = this.clock.after(DRAIN_MS, () => {
      isComplete = false;
      this.jobs.abortAll();
    });
    await drained;
    await this.extracts.drain();
    cancel();
    await this.memory.ingest.drain();
    const jobsLeft = this.jobs.running;
    await this.#closeParts();
    return { isComplete, jobsLeft, tookMs: this.clock.monotonic() - startedMs };
  }

  async #closeParts(): Promise<void> {
    this.process[Symbol.dispose]();
    this.watch.close();
    await this.retention.close();
    await this.subscriptions.close();
    await this.durableStreams.close();
    await this.pageService[Symbol.asyncDispose]();
    await this.memory[Symbol.asyncDispose]();
    await this.storage.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
