import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { MillraceError } from "@millrace/core";
import { AddressGuard } from "@millrace/extract";
import { WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_TIMEOUT_MS } from "../limits.ts";
import { SubscriptionRefusal } from "./subscription-refusal.ts";

/** Receivers on the same machine are for development; they are named openly, so that nothing resolves to them by surprise. */
const LOOPBACK = ["localhost", "127.0.0.0/8"];
const LOOPBACK_HOST = /^(localhost|127(?:\.\d{1,3}){3})$/;

/**
 * Posts to receivers of webhooks. The guard against server-side request forgery: plain HTTP goes to loopback only, everything else is HTTPS
 * to public addresses, judged once more when the name is resolved; redirects are not followed.
 */
export class WebhookSender {
  readonly #local = new AddressGuard(LOOPBACK);
  readonly #public: AddressGuard;
  readonly #closing = new AbortController();

  /** `allow` opens private hosts, addresses or ranges on purpose. */
  constructor(allow: readonly string[]) {
    this.#public = new AddressGuard(allow);
  }

  /** Throws `WEBHOOK_URL_REJECTED` for a receiver that will not be posted to. */
  check(text: string): void {
    const url = URL.parse(text);
    if (!url) throw rejected(`webhook.url is ${JSON.stringify(text.slice(0, 80))}; send a whole URL`);
    if (url.username !== "" || url.password !== "") throw rejected("webhook.url holds a user name; send it without");
    try {
      this.#guardOf(url).checkUrl(url);
    } catch (error) {
      throw rejected(MillraceError.from(error).message);
    }
  }

  /** The answer's JSON when its status is 2xx, undefined when it has none. Rejects for any other status and when nothing comes in time. */
  async post(text: string, body: string, headers: Readonly<Record<string, string>>): Promise<unknown> {
    const url = new URL(text);
    const guard = this.#guardOf(url);
    guard.checkUrl(url);
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const request = send(url, {
      method: "POST",
      lookup: guard.lookup,
      signal: AbortSignal.any([AbortSignal.timeout(WEBHOOK_TIMEOUT_MS), this.#closing.signal]),
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...headers },
    });
    const answer = await respond(request, body);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return readAnswer(answer);
    answer.resume();
    throw new MillraceError("fetch_failed", `the webhook ${url.host} answered with status ${status}`);
  }

  /** Ends what is under way; nothing is posted after it. */
  close(): void {
    this.#closing.abort();
  }

  #guardOf(url: URL): AddressGuard {
    if (url.protocol === "https:") return this.#public;
    if (url.protocol === "http:" && LOOPBACK_HOST.test(url.hostname)) return this.#local;
    throw rejected(`webhook.url is ${url.protocol}//${url.host}; use https, or http to localhost`);
  }
}

function respond(request: ClientRequest, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", reject);
    request.end(body);
  });
}

async function readAnswer(answer: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > WEBHOOK_ANSWER_BYTES_MAX) return undefined;
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString()) as unknown;
  } catch {
    return undefined;
  }
}

function rejected(message: string): SubscriptionRefusal {
  return new SubscriptionRefusal("WEBHOOK_URL_REJECTED", message);
}
