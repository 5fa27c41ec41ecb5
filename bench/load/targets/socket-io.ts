import type { Control, SocketPlan, Target } from "../target.ts";

/** Packets of Engine.IO 4 and Socket.IO 5 as far as a client that only joins, publishes and listens meets them. */
const OPEN = "0";
const PING = "2";
const PONG = "3";
const CONNECT = "40";
const EVENT = "42";
const ACK = "43";

const path = "/socket.io/?EIO=4&transport=websocket";
const JOIN_ID = 0;

function control(text: string, stream: string): Control {
  if (text.startsWith(OPEN)) return { reply: CONNECT };
  if (text === PING) return { reply: PONG };
  // With state recovery the connect packet is followed by the session's id; only then may events be sent.
  if (text.startsWith(CONNECT)) return { reply: `${EVENT}${JOIN_ID}${JSON.stringify(["join", stream])}` };
  if (text.startsWith(`${ACK}${JOIN_ID}[`)) return { isReady: true };
  if (text.startsWith(ACK)) return { isAnswer: true };
  return { failure: text.slice(0, 300) };
}

const plan: SocketPlan = { kind: "web-socket", path, opening: () => [], control };

/** bench/peers/socket-io-server.ts: rooms, with connection state recovery. */
export const socketIoTarget: Target = {
  marker: '"n":',
  appendsMax: Number.POSITIVE_INFINITY,
  follow: plan,
  publish: {
    ...plan,
    message: ({ id, stream, payloads }) => `${EVENT}${id + JOIN_ID + 1}["publish","${stream}",[${payloads.join(",")}]]`,
  },
};
