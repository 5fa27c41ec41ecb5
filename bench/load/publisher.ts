import { MillraceError } from "@millrace/core";
import { RequestLink } from "./request-link.ts";
import { SocketLink } from "./socket-link.ts";
import type { Append, PublishPlan, SocketPlan } from "./target.ts";

export type PublisherEvents = {
  /** The oldest append without an answer was taken. Appends are answered in their order. */
  answered(): void;
  failed(error: Error): void;
};

/** Sends appends over one connection and counts their answers. */
export type Publisher = { send(append: Append): void; close(): void };

export function openPublisher(url: URL, plan: PublishPlan, events: PublisherEvents): Promise<Publisher> {
  return plan.kind === "http" ? openRequests(url, plan, events) : openSocket(url, plan, events);
}

async function openRequests(
  url: URL,
  plan: Extract<PublishPlan, { kind: "http" }>,
  events: PublisherEvents,
): Promise<Publisher> {
  let isClosed = false;
  const link = new RequestLink({
    answered: (status, body) => {
      if (status < 300) events.answered();
      else events.failed(refused(`${status} ${body.slice(0, 300)}`));
    },
    closed: (reason) => isClosed || events.failed(refused(reason)),
  });
  await link.open(url);
  return {
    send: (append) => link.post(plan.request(append)),
    close: () => {
      isClosed = true;
      link.close();
    },
  };
}

async function openSocket(
  url: URL,
  plan: SocketPlan & { readonly message: (append: Append) => string },
  events: PublisherEvents,
): Promise<Publisher> {
  const ready = Promise.withResolvers<void>();
  let isClosed = false;
  const fail = (reason: string) => {
    ready.reject(refused(reason));
    if (!isClosed) events.failed(refused(reason));
  };
  const link = new SocketLink({
    message: (bytes, start, end) => {
      const { isReady, isAnswer, reply, failure } = plan.control(bytes.toString("utf8", start, end), "writer");
      if (reply !== undefined) link.send(reply);
      if (isReady) ready.resolve();
      if (isAnswer) events.answered();
      if (failure !== undefined) fail(failure);
    },
    closed: fail,
  });
  await link.open(url, plan.path);
  for (const text of plan.opening("writer")) link.send(text);
  await ready.promise;
  return {
    send: (append) => link.send(plan.message(append)),
    close: () => {
      isClosed = true;
      link.close();
    },
  };
}

function refused(reason: string): MillraceError {
  return new MillraceError("unavailable", `an append was not taken: ${reason}`);
}
