/** A peer: the loop over sockets that anyone writes first with `ws`. Nothing is kept, nothing is resumed. */
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { announce } from "./announce.ts";

type Message =
  | { readonly op: "hello" }
  | { readonly op: "follow"; readonly stream: string }
  | { readonly op: "publish"; readonly id: number; readonly stream: string; readonly events: readonly unknown[] };

const rooms = new Map<string, Set<WebSocket>>();
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false, backlog: 511 });

server.on("connection", (socket) => {
  socket.on("message", (bytes) => {
    const message: Message = JSON.parse(String(bytes));
    if (message.op === "publish") publish(socket, message);
    else {
      if (message.op === "follow") join(socket, message.stream);
      socket.send('{"op":"ready"}');
    }
  });
});
server.on("listening", () => announce(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));

function join(socket: WebSocket, stream: string): void {
  const room = rooms.get(stream) ?? new Set();
  rooms.set(stream, room.add(socket));
  socket.on("close", () => room.delete(socket));
}

function publish(from: WebSocket, { id, stream, events }: Extract<Message, { op: "publish" }>): void {
  for (const event of events) {
    const text = JSON.stringify(event);
    for (const socket of rooms.get(stream) ?? []) socket.send(text);
  }
  from.send(`{"op":"published","id":${id}}`);
}
