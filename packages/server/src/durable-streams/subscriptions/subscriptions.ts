import { randomBytes } from "node:crypto";
import { type Clock, KeyedExecutor } from "@millrace/core";
import type { Call, Storage } from "@millrace/stream";
import { MESSAGE_TYPE } from "../content.ts";
import type { AppendWatcher, DurableStreams } from "../durable-streams.ts";
import {
  EXPLICIT_LINKS_MAX,
  STREAMS_LISTED_MAX,
  SUBSCRIPTIONS_MAX,
  WEBHOOK_RETRY_MS,
  WEBHOOK_RETRY_MS_MAX,
  WEBHOOK_TRIES_MAX,
  WEBHOOKS_AT_ONCE,
} from "../limits.ts";
import { Signing } from "./signing.ts";
import { SubscriptionMatcher } from "./subscription-matcher.ts";
import {
  ASLEEP,
  type LinkedStream,
  type SubscriptionConfig,
  type SubscriptionRecord,
  type WakeState,
} from "./subscription-record.ts";
import { SubscriptionRefusal } from "./subscription-refusal.ts";
import type { WakeRequest } from "./subscription-request.ts";
import { SubscriptionTimers } from "./subscription-timers.ts";
import type { SubscriptionReads, SubscriptionWrites } from "./subscriptions-module.ts";
import type { WebhookSender } from "./webhook.ts";

export type SubscriptionsOptions = {
  readonly streams: DurableStreams;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly webhooks: WebhookSender;
};

/** A subscription in memory: what is stored, and the state it moves through. */
type Live = { readonly record: SubscriptionRecord; state: WakeState };

/** A wake as the worker that claimed it gets it. */
export type Claim = {
  readonly wake_id: string;
  readonly generation: number;
  readonly token: string;
  readonly streams: readonly LinkedStream[];
  readonly lease_ttl_ms: number;
};

/** Tasks of subscriptions side by side, and waiting: each is a write or two. */
const TASKS_AT_ONCE = 64;
const TASKS_WAITING_MAX = 10_000;

/**
 * Subscriptions of the Durable Streams protocol: when a stream of theirs has something that is not acknowledged, they wake somebody, by
 * webhook or by a message in a stream from which workers claim. One task at a time for each subscription; every step is stored before
 * it is told, so that a restart goes on where it was.
 */
export class Subscriptions implements AppendWatcher {
  readonly signing: Signing;
  readonly #options: SubscriptionsOptions;
  readonly #live = new Map<string, Live>();
  readonly #matcher = new SubscriptionMatcher();
  readonly #timers: SubscriptionTimers;
  readonly #tasks = new KeyedExecutor({ concurrencyMax: TASKS_AT_ONCE, waitingMax: TASKS_WAITING_MAX });
  readonly #posts = new KeyedExecutor({ concurrencyMax: WEBHOOKS_AT_ONCE, waitingMax: SUBSCRIPTIONS_MAX });
  #baseUrl = "";
  #isClosed = false;

  private constructor(options: SubscriptionsOptions, signing: Signing) {
    this.#options = options;
    this.signing = signing;
    this.#timers = new SubscriptionTimers(options.clock);
  }

  /** Reads what is stored. Nobody is woken before `start`. */
  static async open(options: SubscriptionsOptions): Promise<Subscriptions> {
    const subscriptions = new Subscriptions(options, await Signing.open(options.storage));
    const all = await options.storage.read<SubscriptionReads["all"]>("subscriptions.all", null);
    for (const { named, ...record } of all) subscriptions.#add(record, named);
    options.streams.watch(subscriptions);
    return subscriptions;
  }

  /** Goes on where the last run was; `baseUrl` is where this engine is reached. */
  start(baseUrl: string): void {
    this.#baseUrl = baseUrl;
    for (const id of this.#live.keys()) this.#later(id, (live) => this.#resume(live));
  }

  /** Ends timers and webhooks, and waits for the writes under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timers.cancelAll();
    this.#options.webhooks.close();
    await this.#posts.idle();
    await this.#tasks.idle();
  }

  /** URL of a route of the protocol's own. */
  controlUrl(path: string): string {
    return `${this.#baseUrl}/v1/stream/__ds/${path}`;
  }

  /** Makes the subscription or confirms it. `SUBSCRIPTION_ALREADY_EXISTS` when it is another. */
  async create(id: string, config: SubscriptionConfig): Promise<{ isNew: boolean; record: SubscriptionRecord }> {
    if (config.webhookUrl !== undefined) this.#options.webhooks.check(config.webhookUrl);
    return this.#tasks.run(id, async () => {
      const known = this.#live.get(id)?.record;
      if (known) {
        if (JSON.stringify(known.config) === JSON.stringify(config)) return { isNew: false, record: known };
        throw new SubscriptionRefusal(
          "SUBSCRIPTION_ALREADY_EXISTS",
          `the subscription ${id} exists with another configuration`,
        );
      }
      if (this.#live.size >= SUBSCRIPTIONS_MAX)
        throw new SubscriptionRefusal(
          "INVALID_REQUEST",
          `there are ${SUBSCRIPTIONS_MAX} subscriptions, which is the limit`,
        );
      const record = { id, config, createdMs: this.#options.clock.now(), state: { ...ASLEEP, generation: 0 } };
      // In memory first: what is appended before it is stored counts as acknowledged, and what is appended after is matched.
      this.#add(record, config.streams);
      try {
        await this.#write<SubscriptionWrites["create"]>("create", record);
      } catch (error) {
        this.#forget(id);
        throw error;
      }
      return { isNew: true, record };
    });
  }

  /** What the subscription is, where it stands and its streams. `SUBSCRIPTION_NOT_FOUND` when there is none. */
  async describe(
    id: string,
  ): Promise<{ record: SubscriptionRecord; state: WakeState; links: readonly LinkedStream[] }> {
    const { record, state } = this.#find(id);
    return { record, state, links: await this.#links(id) };
  }

  /** Deleting what is not there is no error. */
  remove(id: string): Promise<void> {
    return this.#tasks.run(id, async () => {
      if (!this.#live.has(id)) return;
      await this.#write<SubscriptionWrites["remove"]>("remove", { id });
      this.#forget(id);
    });
  }

  nameStreams(id: string, paths: readonly string[]): Promise<void> {
    return this.#run(id, async (live) => {
      if (this.#matcher.namedBy(id) + paths.length > EXPLICIT_LINKS_MAX)
        throw new SubscriptionRefusal(
          "INVALID_REQUEST",
          `a subscription names at most ${EXPLICIT_LINKS_MAX} streams; use a pattern`,
        );
      await this.#write<SubscriptionWrites["name"]>("name", { id, paths });
      for (const path of paths) this.#matcher.name(id, path);
      // What was appended in between was told to nobody.
      await this.#wakeIfPending(live, "");
    });
  }

  unnameStream(id: string, path: string): Promise<void> {
    return this.#run(id, async () => {
      await this.#write<SubscriptionWrites["unname"]>("unname", { id, path });
      this.#matcher.unname(id, path);
    });
  }

  /** Gives the work that is pending to a worker, for the time of its lease. */
  claim(id: string, worker: string): Promise<Claim> {
    return this.#run(id, async (live) => {
      checkPull(live);
      const { holder, generation } = live.state;
      if (holder !== null) {
        const more = { current_holder: holder, generation };
        throw new SubscriptionRefusal("ALREADY_CLAIMED", `${holder} has claimed the work`, more);
      }
      const [first] = await this.#links(id);
      if (!first?.has_pending)
        throw new SubscriptionRefusal("NO_PENDING_WORK", `the subscription ${id} has nothing pending`);
      if (live.state.wakeId === null) await this.#wake(live, first.path);
      await this.#extend(live, { holder: worker });
      return {
        wake_id: live.state.wakeId ?? "",
        generation: live.state.generation,
        token: this.#token(live),
        streams: await this.#links(id),
        lease_ttl_ms: live.record.config.leaseMs,
      };
    });
  }

  /** Takes acknowledgements of the wake, and its end. Whether another wake follows at once. */
  async acknowledge(id: string, token: string, request: WakeRequest, from: "pull" | "webhook"): Promise<boolean> {
    return this.#run(id, async (live) => {
      if (from === "pull") checkPull(live);
      this.#checkWake(live, token, request);
      const problem = await this.#write<SubscriptionWrites["ack"]>("ack", { id, acks: request.acks });
      if (problem !== undefined) throw new SubscriptionRefusal("INVALID_OFFSET", problem);
      if (request.isDone) return this.#finish(live);
      await this.#extend(live, {});
      return false;
    });
  }

  /** Gives the work back undone. */
  release(id: string, token: string, request: WakeRequest): Promise<void> {
    return this.#run(id, async (live) => {
      checkPull(live);
      this.#checkWake(live, token, request);
      await this.#finish(live);
    });
  }

  alongside(path: string): readonly Call[] {
    return this.#matcher.matching(path).map((id) => ({ op: "subscriptions.match", args: { id, path } }));
  }

  appended(path: string): void {
    for (const id of this.#matcher.all(path)) this.#later(id, (live) => this.#wakeIfPending(live, path));
  }

  removing(path: string): readonly Call[] {
    return [{ op: "subscriptions.unlink", args: { path } }];
  }

  removed(path: string): void {
    this.#matcher.forget(path);
  }

  #add(record: SubscriptionRecord, named: readonly string[]): void {
    this.#live.set(record.id, { record, state: record.state });
    this.#matcher.add(record, named);
  }

  #forget(id: string): void {
    this.#live.delete(id);
    this.#matcher.remove(id);
    this.#timers.cancel(id);
  }

  #find(id: string): Live {
    const live = this.#live.get(id);
    if (live) return live;
    throw new SubscriptionRefusal("SUBSCRIPTION_NOT_FOUND", `no subscription is named ${id.slice(0, 80)}`);
  }

  #run<T>(id: string, task: (live: Live) => Promise<T>): Promise<T> {
    return this.#tasks.run(id, async () => task(this.#find(id)));
  }

  /** Runs the task when its turn comes. What fails for now is found again by the next append, lease end or restart. */
  #later(id: string, task: (live: Live) => Promise<unknown>): void {
    if (this.#isClosed) return;
    void this.#run(id, task).catch(() => {});
  }

  async #resume(live: Live): Promise<void> {
    const { wakeId, leaseUntilMs } = live.state;
    if (wakeId === null) await this.#finish(live);
    else if (leaseUntilMs !== null) this.#armLease(live, leaseUntilMs);
    else if (live.record.config.type === "webhook") this.#deliver(live);
  }

  async #wakeIfPending(live: Live, path: string): Promise<boolean> {
    if (live.state.wakeId !== null) return false;
    const [first] = await this.#links(live.record.id, 1);
    if (!first?.has_pending) return false;
    await this.#wake(live, path === "" ? first.path : path);
    return true;
  }

  /** The wake is over. Whether another follows, because more is pending. */
  async #finish(live: Live): Promise<boolean> {
    this.#timers.cancel(live.record.id);
    await this.#store(live, { ...ASLEEP, generation: live.state.generation });
    return this.#wakeIfPending(live, "");
  }

  /** A new wake because of the stream at `path`. */
  async #wake(live: Live, path: string): Promise<void> {
    const { id, config } = live.record;
    const wakeId = `w_${randomBytes(12).toString("hex")}`;
    const state: WakeState = { ...ASLEEP, status: live.state.status, generation: live.state.generation + 1, wakeId };
    const call = { op: "subscriptions.wake", args: { id, state } };
    if (config.wakeStream === undefined) await this.#options.storage.writeAll([call]);
    else await this.#announce(config.wakeStream, { id, path, generation: state.generation }, call);
    live.state = state;
    if (config.type === "webhook") this.#deliver(live);
  }

  /** Writes the wake into the stream that workers watch. Without such a stream they can still claim. */
  async #announce(
    wakeStream: string,
    { id, path, generation }: { id: string; path: string; generation: number },
    call: Call,
  ): Promise<void> {
    const { streams, storage, clock } = this.#options;
    const data = { type: "wake", subscription_id: id, stream: path, generation, ts: clock.now() };
    const events = () => [{ type: MESSAGE_TYPE, id: streams.newId(), data }];
    const intent = { producer: undefined, seq: undefined, mediaType: "application/json", closes: false };
    try {
      const { verdict } = await streams.write(wakeStream, { ...intent, events, alongside: [call] });
      if (verdict.kind === "accepted") return;
    } catch {
      // Missing or deleted: the wake itself is stored below.
    }
    await storage.writeAll([call]);
  }

  #deliver(live: Live): void {
    const { id } = live.record;
    const { generation } = live.state;
    if (this.#isClosed) return;
    const task = async () => {
      const answer = await this.#post(live).catch(() => "failed" as const);
      if (!this.#isClosed) await this.#run(id, () => this.#delivered(live, generation, answer));
    };
    void this.#posts.run(id, task).catch(() => {});
  }

  async #post(live: Live): Promise<unknown> {
    const { id, config } = live.record;
    const { wakeId, generation } = live.state;
    const body = JSON.stringify({
      subscription_id: id,
      wake_id: wakeId,
      generation,
      streams: await this.#links(id),
      callback_url: this.controlUrl(`subscriptions/${encodeURIComponent(id)}/callback`),
      callback_token: this.#token(live),
    });
    const signature = this.signing.signature(body, this.#options.clock.now());
    return this.#options.webhooks.post(config.webhookUrl ?? "", body, { "webhook-signature": signature });
  }

  async #delivered(live: Live, generation: number, answer: unknown): Promise<void> {
    const { id } = live.record;
    // The callback may have come before the answer: then the wake is over, and this is about one that was.
    if (live.state.generation !== generation || live.state.wakeId === null) return;
    if (answer === "failed") return this.#retry(live);
    if ((answer as { done?: unknown } | null | undefined)?.done !== true)
      return this.#extend(live, { status: "active", tries: 0 });
    await this.#write<SubscriptionWrites["ackWoken"]>("ackWoken", { id });
    await this.#finish(live);
  }

  async #retry(live: Live): Promise<void> {
    const tries = live.state.tries + 1;
    if (tries >= WEBHOOK_TRIES_MAX) {
      await this.#store(live, { ...ASLEEP, status: "failed", generation: live.state.generation });
      return;
    }
    await this.#store(live, { ...live.state, status: "failed", tries });
    const pauseMs = Math.min(WEBHOOK_RETRY_MS * 2 ** (tries - 1), WEBHOOK_RETRY_MS_MAX) * (0.8 + 0.4 * Math.random());
    this.#timers.set(live.record.id, this.#options.clock.now() + pauseMs, () => this.#deliver(live));
  }

  async #extend(live: Live, change: Partial<WakeState>): Promise<void> {
    const leaseUntilMs = this.#options.clock.now() + live.record.config.leaseMs;
    await this.#store(live, { ...live.state, ...change, leaseUntilMs });
    this.#armLease(live, leaseUntilMs);
  }

  /** Whoever has the wake has it until then; after that it is somebody else's turn. */
  #armLease(live: Live, untilMs: number): void {
    const { id } = live.record;
    const { generation } = live.state;
    this.#timers.set(id, untilMs, () =>
      this.#later(id, async (now) => {
        const isOver =
          now.state.generation === generation && (now.state.leaseUntilMs ?? Infinity) <= this.#options.clock.now();
        if (isOver) await this.#finish(now);
      }),
    );
  }

  #checkWake(live: Live, token: string, { wakeId, generation }: WakeRequest): void {
    const { state } = live;
    const given = this.signing.check(token, live.record.id, this.#options.clock.now());
    const isCurrent = given === state.generation && generation === state.generation;
    if (isCurrent && state.wakeId !== null && wakeId === state.wakeId) return;
    throw new SubscriptionRefusal("FENCED", "the wake is over or another has taken its place; stop working on it");
  }

  #token({ record, state }: Live): string {
    return this.signing.token(record.id, state.generation, this.#options.clock.now());
  }

  #links(id: string, limit = STREAMS_LISTED_MAX): Promise<readonly LinkedStream[]> {
    return this.#options.storage.read<SubscriptionReads["links"]>("subscriptions.links", { id, limit });
  }

  async #store(live: Live, state: WakeState): Promise<void> {
    await this.#write<SubscriptionWrites["state"]>("state", { id: live.record.id, state });
    live.state = state;
  }

  #write<Op extends SubscriptionWrites[keyof SubscriptionWrites]>(
    op: keyof SubscriptionWrites,
    args: Parameters<Op>[0],
  ): Promise<ReturnType<Op>> {
    return this.#options.storage.write<Op>(`subscriptions.${op}`, args);
  }
}

function checkPull({ record }: Live): void {
  if (record.config.type !== "pull-wake")
    throw new SubscriptionRefusal("INVALID_REQUEST", `the subscription ${record.id} is not pull-wake`);
}
