/** The engine as the page sees it: a client, how it is each second, and what it was over the last two minutes. */
import { type Client, createClient, type Job, MillraceError, type Overview } from "@millrace/client";
import { LIST_MAX, POLL_BACKOFF_MAX_MS, POLL_MS } from "./limits.ts";
import { Series } from "./series.ts";

const KEY = "millrace.key";
const STAGES = ["extractMs", "embedMs", "commitMs", "deliverMs", "recallMs"] as const;
export type Stage = (typeof STAGES)[number];

export class Engine {
  client: Client;
  overview: Overview | undefined;
  running: readonly Job[] = [];
  /** Why the last question was not answered; undefined while the engine answers. */
  error: MillraceError | undefined;
  readonly latency: Readonly<Record<Stage, Series>>;
  readonly chunkRate = new Series();
  /** Observations a second. */
  readonly acceptedRate = new Series();
  readonly searchableRate = new Series();
  readonly #changed: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(changed: () => void) {
    this.#changed = changed;
    this.client = createClient(clientOptions());
    this.latency = Object.fromEntries(STAGES.map((stage) => [stage, new Series()])) as Record<Stage, Series>;
    document.addEventListener("visibilitychange", () => this.#wake());
    addEventListener("online", () => this.#wake());
    this.#wake();
  }

  get isLost(): boolean {
    return this.error !== undefined && this.error.code !== "unauthenticated";
  }

  /** Uses another key from now on; kept for this tab only. */
  useKey(key: string): void {
    sessionStorage.setItem(KEY, key);
    this.client.close();
    this.client = createClient(clientOptions());
    this.#wake();
  }

  /** Asks at once instead of at the next turn. */
  retry(): void {
    this.#wake();
  }

  #wake(): void {
    clearTimeout(this.#timer);
    if (!document.hidden) void this.#poll();
  }

  async #poll(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const overview = await this.client.overview();
      this.running =
        overview.jobs.running > 0 ? await this.client.jobs.list({ state: "running", limit: LIST_MAX }) : [];
      this.#take(overview);
    } catch (error) {
      this.error = MillraceError.from(error);
      this.#failures++;
    }
    this.#changed();
    clearTimeout(this.#timer);
    const waitMs = Math.min(POLL_BACKOFF_MAX_MS, POLL_MS * 2 ** Math.min(this.#failures, 3));
    if (!document.hidden) this.#timer = setTimeout(() => void this.#poll(), waitMs);
  }

  #take(overview: Overview): void {
    this.error = undefined;
    this.#failures = 0;
    if (this.overview && this.overview.startedMs !== overview.startedMs) this.#forget();
    this.overview = overview;
    for (const stage of STAGES) this.latency[stage].push(overview.latency[stage].p99);
    this.chunkRate.push(overview.rates.chunksPerSecond);
    this.acceptedRate.push(overview.ingest.rates.acceptedPerSecond);
    this.searchableRate.push(overview.ingest.rates.searchablePerSecond);
  }

  /** Another process answers: what its predecessor measured is not its history. */
  #forget(): void {
    for (const stage of STAGES) this.latency[stage].clear();
    for (const rate of [this.chunkRate, this.acceptedRate, this.searchableRate]) rate.clear();
  }
}

function clientOptions() {
  return { url: location.origin, key: sessionStorage.getItem(KEY) ?? undefined };
}
