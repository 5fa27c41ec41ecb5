import { MillraceError } from "@millrace/core";
import type { Exchange } from "../../http/exchange.ts";
import { readBody } from "../../http/read-body.ts";
import { SUBSCRIPTION_BODY_BYTES_MAX, TEXT_CHARS_MAX } from "../limits.ts";
import { toStreamPath } from "../stream-path.ts";
import { SubscriptionRefusal } from "./subscription-refusal.ts";
import { readConfig, readFields, readStreams, readWake, readWorker } from "./subscription-request.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** The protocol's own routes, below /v1/stream/__ds/. */
export class SubscriptionHttp {
  readonly #subscriptions: Subscriptions;

  constructor(subscriptions: Subscriptions) {
    this.#subscriptions = subscriptions;
  }

  /** Answers the request; `path` is what follows `__ds/`. Refusals with a code of the engine's are left to the caller. */
  async handle(exchange: Exchange, path: string): Promise<void> {
    try {
      if (path === "jwks.json") this.#keys(exchange);
      else await this.#dispatch(exchange, path);
    } catch (error) {
      if (!(error instanceof SubscriptionRefusal)) throw error;
      if (!exchange.request.complete) exchange.response.setHeader("connection", "close");
      exchange.json(error.status, error.body);
    }
  }

  #keys(exchange: Exchange): void {
    only(exchange, "GET");
    const keys = { keys: [this.#subscriptions.signing.publicJwk] };
    exchange.text(200, JSON.stringify(keys), "application/jwk-set+json", { "cache-control": "public, max-age=300" });
  }

  #dispatch(exchange: Exchange, path: string): Promise<void> {
    const [root, rawId = "", action, ...rest] = path.split("/");
    if (root !== "subscriptions" || rawId === "") throw unknown(path);
    const id = decodeId(rawId);
    if (action === undefined) return this.#base(exchange, id);
    if (action === "streams")
      return rest.length === 0 ? this.#addStreams(exchange, id) : this.#removeStream(exchange, id, rest.join("/"));
    if (rest.length > 0) throw unknown(path);
    if (action === "claim") return this.#claim(exchange, id);
    if (action === "ack" || action === "callback") return this.#acknowledge(exchange, id, action);
    if (action === "release") return this.#release(exchange, id);
    throw unknown(path);
  }

  async #base(exchange: Exchange, id: string): Promise<void> {
    const { method } = exchange.request;
    if (method === "PUT") {
      const { isNew } = await this.#subscriptions.create(id, readConfig(await readObject(exchange)));
      return exchange.json(isNew ? 201 : 200, await this.#shown(id));
    }
    if (method === "GET" || method === "HEAD") return exchange.json(200, await this.#shown(id));
    only(exchange, "DELETE", "GET, PUT, DELETE");
    await this.#subscriptions.remove(id);
    exchange.empty(204);
  }

  async #addStreams(exchange: Exchange, id: string): Promise<void> {
    only(exchange, "POST");
    await this.#subscriptions.nameStreams(id, readStreams(await readObject(exchange)));
    exchange.empty(204);
  }

  async #removeStream(exchange: Exchange, id: string, raw: string): Promise<void> {
    only(exchange, "DELETE");
    await this.#subscriptions.unnameStream(id, toStreamPath(raw));
    exchange.empty(204);
  }

  async #claim(exchange: Exchange, id: string): Promise<void> {
    only(exchange, "POST");
    exchange.json(200, await this.#subscriptions.claim(id, readWorker(await readObject(exchange))));
  }

  async #acknowledge(exchange: Exchange, id: string, action: "ack" | "callback"): Promise<void> {
    only(exchange, "POST");
    const token = readToken(exchange);
    const request = readWake(await readObject(exchange));
    const from = action === "ack" ? "pull" : "webhook";
    const isNext = await this.#subscriptions.acknowledge(id, token, request, from);
    exchange.json(200, { ok: true, next_wake: isNext });
  }

  async #release(exchange: Exchange, id: string): Promise<void> {
    only(exchange, "POST");
    const token = readToken(exchange);
    await this.#subscriptions.release(id, token, readWake(await readObject(exchange)));
    exchange.empty(204);
  }

  async #shown(id: string): Promise<unknown> {
    const { record, state, links } = await this.#subscriptions.describe(id);
    const { type, pattern, webhookUrl, wakeStream, leaseMs, description } = record.config;
    const { kid } = this.#subscriptions.signing.publicJwk;
    const signing = { alg: "ed25519", kid, jwks_url: this.#subscriptions.controlUrl("jwks.json") };
    return {
      id,
      subscription_id: id,
      type,
      pattern,
      streams: links.map(({ path, link_type, acked_offset }) => ({ path, link_type, acked_offset })),
      webhook: webhookUrl === undefined ? undefined : { url: webhookUrl, signing },
      wake_stream: wakeStream,
      lease_ttl_ms: leaseMs,
      created_at: new Date(record.createdMs).toISOString(),
      status: state.status,
      description,
    };
  }
}

/** The body as an object; none at all is an empty one. */
async function readObject({ request }: Exchange): Promise<Readonly<Record<string, unknown>>> {
  using body = await readBody(request, SUBSCRIPTION_BODY_BYTES_MAX);
  if (body.bytes.length === 0) return {};
  try {
    return readFields(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body.bytes)));
  } catch (error) {
    if (error instanceof SubscriptionRefusal) throw error;
    throw new SubscriptionRefusal("INVALID_REQUEST", `the body is not JSON: ${String(error)}`);
  }
}

function readToken({ request }: Exchange): string {
  const match = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "");
  if (match?.[1] !== undefined) return match[1];
  throw new SubscriptionRefusal("TOKEN_INVALID", "send the wake's token as Authorization: Bearer …");
}

function decodeId(raw: string): string {
  const id = toStreamPath(raw);
  if (id.length <= TEXT_CHARS_MAX) return id;
  throw new SubscriptionRefusal("INVALID_REQUEST", `a subscription's id has at most ${TEXT_CHARS_MAX} characters`);
}

function only({ request, response }: Exchange, method: string, allowed = method): void {
  if (request.method === method) return;
  response.setHeader("allow", allowed);
  throw new MillraceError("method_not_allowed", `this route takes ${allowed}, not ${request.method}`);
}

function unknown(path: string): SubscriptionRefusal {
  return new SubscriptionRefusal("SUBSCRIPTION_NOT_FOUND", `there is nothing at __ds/${path.slice(0, 80)}`);
}
