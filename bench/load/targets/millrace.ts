import type { Control, FollowPlan, PublishPlan, Target } from "../target.ts";

export type Format = "frames" | "compact";
export type Ack = "durable" | "accepted";
export type MillraceOptions = {
  /** How subscribers follow. */
  readonly transport: "ws" | "sse";
  /** How appends are sent. */
  readonly writer: "ws" | "http";
  /** Of frames on a WebSocket. */
  readonly format: Format;
  /** When appends are answered. */
  readonly ack: Ack;
};

const MEMBER = /^\{"op":"(\w+)"/;

function control(text: string): Control {
  switch (MEMBER.exec(text)?.[1]) {
    case "subscribed":
      return { isReady: true };
    case "appended":
      return { isAnswer: true };
    case "error":
    case "gap":
      return { failure: text.slice(0, 300) };
    default:
      return {};
  }
}

const eventsOf = (payloads: readonly string[]) =>
  payloads.map((payload) => `{"type":"x.load","data":${payload}}`).join(",");

const ackOf = (ack: Ack) => (ack === "durable" ? "" : `"ack":"${ack}",`);

const overSocket = (format: Format): FollowPlan => ({
  kind: "web-socket",
  path: "/v1/ws",
  opening: (stream) => [
    JSON.stringify({ op: "subscribe", sub: 1, stream, ...(format === "compact" ? { format } : {}) }),
  ],
  control,
});

const overEvents: FollowPlan = { kind: "events", path: (stream) => `/v1/streams/${stream}/sse` };

const appendOverSocket = (ack: Ack): PublishPlan => ({
  kind: "web-socket",
  path: "/v1/ws",
  opening: () => ['{"op":"ping"}'],
  control: (text) => (text === '{"op":"pong"}' ? { isReady: true } : control(text)),
  message: ({ id, stream, payloads }) =>
    `{"op":"append","id":${id + 1},"stream":"${stream}",${ackOf(ack)}"events":[${eventsOf(payloads)}]}`,
});

const appendOverHttp = (ack: Ack): PublishPlan => ({
  kind: "http",
  request: ({ stream, payloads }) => ({
    path: `/v1/streams/${stream}/events`,
    body: `{${ackOf(ack)}"events":[${eventsOf(payloads)}]}`,
  }),
});

/** Millrace's own protocol (PROTOCOL.md); numbers are those the engine gave, but compact frames do not name theirs. */
export function millraceTarget({ transport, writer, format, ack }: MillraceOptions): Target {
  return {
    marker: format === "compact" ? '"n":' : '"seq":',
    follow: transport === "ws" ? overSocket(format) : overEvents,
    publish: writer === "ws" ? appendOverSocket(ack) : appendOverHttp(ack),
    appendsMax: Number.POSITIVE_INFINITY,
  };
}
